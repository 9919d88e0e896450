"""What may be handed in as a filter, and what the answer is: rows of the table of bad and odd inputs."""

from typing import Any

import numpy as np
import pytest

import vicinal


@pytest.fixture
def index() -> vicinal.Index:
    """Five vectors, ids 0 to 4."""
    index = vicinal.Index(2)
    index.add(np.arange(10, dtype=np.float32).reshape(5, 2))
    return index


QUERIES = np.zeros((3, 2), dtype=np.float32)


@pytest.mark.parametrize("length", [0, 4, 6])
def test_a_mask_of_the_wrong_length_is_refused_with_both(index: vicinal.Index, length: int) -> None:
    for queries in (QUERIES, QUERIES[0]):
        with pytest.raises(ValueError, match=f"{length} entries, expected one for each of 5 vectors"):
            index.search(queries, 2, filter=np.ones(length, dtype=bool))


@pytest.mark.parametrize("length", [0, 2, 4])
def test_a_list_of_another_length_than_the_queries_is_refused_with_both(index: vicinal.Index, length: int) -> None:
    with pytest.raises(ValueError, match=f"list of {length}, expected one filter for each of 3 queries"):
        index.search(QUERIES, 2, filter=[np.array([1])] * length)


@pytest.mark.parametrize("given", [np.array([1.0, 2.0]), (1.5,), "12", b"12", {1: 2}, 5, object(), [[1, 2]] * 3])
def test_what_admits_no_ids_is_refused(index: vicinal.Index, given: Any) -> None:
    with pytest.raises((TypeError, vicinal.DimensionError), match="filter"):
        index.search(QUERIES, 2, filter=given)


@pytest.mark.parametrize("given", [np.ones((5, 1), dtype=bool), np.ones((1, 5), dtype=np.int64)])
def test_a_filter_of_two_dimensions_is_refused(index: vicinal.Index, given: Any) -> None:
    with pytest.raises(vicinal.DimensionError, match="filter has shape"):
        index.search(QUERIES, 2, filter=given)


@pytest.mark.parametrize("given", [np.array([-1]), (2**63,), np.array([2**63], dtype=np.uint64)])
def test_ids_out_of_range_are_refused(index: vicinal.Index, given: Any) -> None:
    with pytest.raises(OverflowError, match="filter"):
        index.search(QUERIES, 2, filter=given)


def test_unknown_ids_admit_nothing_and_raise_nothing(index: vicinal.Index) -> None:
    found = index.search(QUERIES, 3, filter=np.array([3, 77, 2**63 - 1]))

    assert found.ids.tolist() == [[3, -1, -1]] * 3
    assert np.isposinf(found.distances[:, 1:]).all()


@pytest.mark.parametrize(
    "given",
    [np.array([], dtype=np.int64), np.array([]), (), set(), vicinal.IdSet([]), np.zeros(5, dtype=bool), range(0)],
)
def test_an_empty_filter_gives_padded_rows(index: vicinal.Index, given: Any) -> None:
    for exact in (False, True):
        found = index.search(QUERIES, 2, filter=given, exact=exact)
        assert found.ids.tolist() == [[-1, -1]] * 3
        assert found.counts.tolist() == [0] * 3
    with pytest.raises(vicinal.RecallError, match="0 neighbors, expected k=2"):
        index.search(QUERIES, 2, filter=given, strict=True)


def test_a_filter_on_an_empty_index_gives_padded_rows() -> None:
    index = vicinal.Index(2)
    for given in (np.array([1]), np.array([], dtype=bool), vicinal.IdSet([1]), lambda ids: ids > 3):
        assert index.search(QUERIES, 2, filter=given).counts.tolist() == [0] * 3


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (lambda ids: ids, TypeError, "returned int64, expected bool"),
        (lambda ids: ids[:2] > 0, ValueError, r"returned shape \(2,\), expected \(5,\)"),
    ],
)
def test_a_callable_says_yes_or_no_to_each_id(index: vicinal.Index, given: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        index.search(QUERIES, 2, filter=given)


def test_what_a_callable_raises_is_raised(index: vicinal.Index) -> None:
    with pytest.raises(ZeroDivisionError):
        index.search(QUERIES, 2, filter=lambda ids: ids > 1 // 0)

"""What a search returns, as an object."""

import copy
import pickle
import sys
from typing import Any

import numpy as np
import pytest

import vicinal


@pytest.fixture
def index() -> vicinal.Index:
    index = vicinal.Index(2, "ip")
    index.add([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    return index


QUERIES: list[Any] = [np.array([1, 1], dtype=np.float32), [1.0, 1.0], [[1.0, 1.0], [2.0, 0.0]]]


@pytest.mark.parametrize("query", QUERIES, ids=["short way", "one vector", "two vectors"])
def test_a_result_is_two_arrays(index: vicinal.Index, query: Any) -> None:
    result = index.search(query, 2)
    ids, distances = result

    for same in (result.ids, result[0], next(iter(result))):
        assert np.array_equal(same, ids)
        assert np.shares_memory(same, ids)
    for same in (result.distances, result[1], result[-1], list(result)[1]):
        assert np.array_equal(same, distances)
        assert np.shares_memory(same, distances)
    assert len(result) == 2
    for array in (ids, distances):
        assert type(array) is np.ndarray
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert array.flags.aligned
    with pytest.raises(IndexError, match="two items"):
        result[2]


def test_arrays_outlive_the_result_and_belong_to_one_result(index: vicinal.Index) -> None:
    query = np.array([1, 1], dtype=np.float32)
    ids = index.search(query, 2).ids
    index.search(query, 2).ids[:] = 99
    for _ in range(100):
        index.search(query, 3)

    assert ids.tolist() == [2, 1]


def test_counts_are_one_number_a_query(index: vicinal.Index) -> None:
    for query, counts in [(QUERIES[0], [3]), (QUERIES[1], [3]), (QUERIES[2], [3, 3])]:
        found = index.search(query, 5).counts
        assert found.tolist() == counts
        assert found.dtype == np.int64


def test_faiss_gets_inner_products_largest_first(index: vicinal.Index) -> None:
    products, ids = index.search([[1.0, 1.0]], 4).faiss()

    assert ids.tolist() == [[2, 1, 0, -1]]
    assert products.tolist() == [[3.0, 2.0, 1.0, -np.inf]]
    assert products.dtype == np.float32


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_faiss_gets_other_distances_as_they_are(metric: str) -> None:
    index = vicinal.Index(2, metric)
    index.add([[1.0, 0.0], [2.0, 1.0]])
    result = index.search([1.0, 0.5], 2)

    distances, ids = result.faiss()

    assert distances.tolist() == result.distances.tolist()
    assert ids.tolist() == result.ids.tolist()


def test_a_result_is_copied_pickled_and_shown(index: vicinal.Index) -> None:
    for result in (index.search(QUERIES[0], 2), index.search(QUERIES[2], 2, stats=True)):
        for twin in (copy.deepcopy(result), copy.copy(result), pickle.loads(pickle.dumps(result))):
            assert type(twin) is vicinal.SearchResult
            assert twin.ids.tolist() == result.ids.tolist()
            assert twin.distances.tolist() == result.distances.tolist()
            assert twin.metric == "ip"
            assert (twin.stats is None) == (result.stats is None)
        assert repr(result).startswith("SearchResult(ids=array([")


def test_fields_are_read_only(index: vicinal.Index) -> None:
    result = index.search(QUERIES[0], 2)

    for name in ("ids", "distances", "metric", "stats", "counts", "other"):
        with pytest.raises(AttributeError):
            setattr(result, name, None)


def test_a_result_needs_its_arrays() -> None:
    with pytest.raises(TypeError):
        vicinal.SearchResult()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        vicinal.SearchResult(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.float32), 5)  # type: ignore[arg-type]


def test_references_are_counted_rightly(index: vicinal.Index) -> None:
    query = np.array([1, 1], dtype=np.float32)
    bad = np.array([1, np.nan], dtype=np.float32)
    before = [sys.getrefcount(thing) for thing in (query, bad, index, vicinal.SearchResult, np.dtype(np.float32))]

    for _ in range(1000):
        result = index.search(query, 3)
        ids, _ = result
        index.search(query, k=3, ef=7)
        index.search(query, 3, stats=True)
        with pytest.raises(vicinal.InvalidVectorError):
            index.search(bad, 3)
        del result, ids

    after = [sys.getrefcount(thing) for thing in (query, bad, index, vicinal.SearchResult, np.dtype(np.float32))]
    assert max(abs(a - b) for a, b in zip(after, before, strict=True)) < 50

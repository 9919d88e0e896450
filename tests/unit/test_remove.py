"""Removing: what is gone is gone, and everything else is still found."""

import numpy as np
import pytest

import vicinal
from vicinal import DuplicateIdError, UnknownIdError


@pytest.fixture
def index(rng: np.random.Generator) -> vicinal.Index:
    index = vicinal.Index(8)
    index.add(rng.random((1000, 8), dtype=np.float32))
    return index


def test_a_removed_vector_is_nowhere(index: vicinal.Index) -> None:
    vector = index.get(17)

    index.remove([17])

    assert 17 not in index
    assert len(index) == 999
    assert 17 not in index.ids
    with pytest.raises(UnknownIdError):
        index.get([17])
    for exact in (False, True):
        assert 17 not in index.search(vector, 1000, ef=1000, exact=exact).ids
    assert 17 not in index.search(vector, 5).ids


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_what_is_left_is_still_found(index: vicinal.Index, share: float, rng: np.random.Generator) -> None:
    gone = rng.permutation(1000)[: int(1000 * share)]
    index.remove(gone)
    left = np.setdiff1d(np.arange(1000), gone)

    result = index.search(index.get(left), 10, ef=200)

    assert result.ids[:, 0].tolist() == left.tolist()
    assert (result.counts == min(10, len(left))).all()
    assert not np.isin(result.ids, gone).any()
    assert index.ids.tolist() == left.tolist()


def test_everything_may_be_removed_and_new_things_added(index: vicinal.Index) -> None:
    index.remove(index.ids)

    assert len(index) == 0
    assert index.search(np.zeros(8), 3).counts.tolist() == [0]
    assert index.add(np.ones((2, 8))).tolist() == [1000, 1001]
    assert index.search(np.ones(8, dtype=np.float32), 3).ids.tolist() == [1000, 1001, -1]


def test_a_removed_id_may_be_given_again_by_hand(index: vicinal.Index) -> None:
    index.remove([3])
    index.add(np.full((1, 8), 9.0), ids=[3])

    assert index.get(3).tolist() == [9.0] * 8
    assert index.search(np.full(8, 9.0, dtype=np.float32), 1).ids.tolist() == [3]
    assert len(index) == 1000


def test_the_places_of_what_was_removed_cost_a_search_nothing(index: vicinal.Index, rng: np.random.Generator) -> None:
    queries = rng.random((50, 8), dtype=np.float32)
    index.remove(np.arange(0, 900, 3))
    graph = index.stats()["graph"]

    vacant = index.search(queries, 10, ef=64, stats=True).stats
    index.compact()
    compact = index.search(queries, 10, ef=64, stats=True).stats

    assert (graph["removed"], graph["vacant"]) == (0, 300)
    assert vacant is not None
    assert compact is not None
    assert vacant["distances"].tolist() == compact["distances"].tolist()


def test_one_that_is_removed_and_stays_for_its_copy_costs_one_place(
    index: vicinal.Index, rng: np.random.Generator
) -> None:
    queries = rng.random((50, 8), dtype=np.float32)
    index.add(index.get([5]))
    wider = index.search(queries, 10, ef=65, stats=True).stats
    index.remove([5])

    found = index.search(queries, 10, ef=64, stats=True).stats

    assert index.stats()["graph"]["removed"] == 1
    assert found is not None
    assert wider is not None
    assert found["distances"].tolist() == wider["distances"].tolist()


def test_an_unknown_id_is_named_and_nothing_is_removed(index: vicinal.Index) -> None:
    with pytest.raises(UnknownIdError, match="5000"):
        index.remove([1, 2, 5000])

    assert len(index) == 1000
    assert 1 in index


def test_an_id_named_twice_is_refused_and_nothing_is_removed(index: vicinal.Index) -> None:
    with pytest.raises(DuplicateIdError, match="2"):
        index.remove([1, 2, 2])

    assert len(index) == 1000


def test_removing_nothing_is_fine(index: vicinal.Index) -> None:
    index.remove([])
    index.remove(keys=np.array([], dtype=np.int64))  # type: ignore[call-arg]

    assert len(index) == 1000


def test_a_single_number_is_removed(index: vicinal.Index) -> None:
    index.remove(5)

    assert 5 not in index
    assert len(index) == 999

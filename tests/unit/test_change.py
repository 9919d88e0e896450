"""Updates, upserts, compaction and snapshots, as a caller sees them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vicinal


@pytest.fixture
def index(rng: np.random.Generator) -> vicinal.Index:
    index = vicinal.Index(8)
    index.add(rng.random((600, 8), dtype=np.float32))
    return index


def test_an_update_takes_one_id_and_one_row_or_many_of_both(index: vicinal.Index) -> None:
    index.update(7, np.full(8, 2.0))
    index.update([8, 9], np.full((2, 8), 3.0))

    assert index.get([7, 8, 9])[:, 0].tolist() == [2.0, 3.0, 3.0]
    assert index.search(np.full(8, 3.0), 3).ids.tolist() == [8, 9, 7]
    assert len(index) == 600


def test_an_upsert_replaces_and_adds(index: vicinal.Index) -> None:
    index.upsert(np.array([5, 5000]), np.full((2, 8), 4.0))

    assert len(index) == 601
    assert index.add(np.zeros((1, 8))).tolist() == [5001]
    assert index.get(5000).tolist() == [4.0] * 8


@pytest.mark.parametrize("name", ["update", "upsert"])
@pytest.mark.parametrize(
    ("ids", "rows", "error"),
    [
        ([3, 3], np.zeros((2, 8)), vicinal.DuplicateIdError),
        ([3, 4], np.zeros((3, 8)), vicinal.DimensionError),
        ([3], np.zeros((1, 7)), vicinal.DimensionError),
        ([3], np.full((1, 8), np.nan), vicinal.InvalidVectorError),
        ([-3], np.zeros((1, 8)), OverflowError),
        ([3.5], np.zeros((1, 8)), TypeError),
    ],
)
def test_bad_input_changes_nothing(
    index: vicinal.Index, name: str, ids: list[Any], rows: np.ndarray[Any, Any], error: type[Exception]
) -> None:
    before = index.to_bytes()

    with pytest.raises(error):
        getattr(index, name)(ids, rows)

    assert index.to_bytes() == before


def test_an_update_of_an_unknown_id_names_it(index: vicinal.Index) -> None:
    with pytest.raises(vicinal.UnknownIdError, match="id 900 is not in the index"):
        index.update([3, 900], np.zeros((2, 8)))


def test_groups_are_kept_by_an_update_and_needed_by_a_new_id(rng: np.random.Generator) -> None:
    index = vicinal.Index(8)
    index.add(rng.random((50, 8)), groups=np.arange(50) * 10)

    index.update([4, 5], rng.random((2, 8)))
    index.update([6], rng.random((1, 8)), groups=[1])

    assert index.groups([4, 5, 6]).tolist() == [40, 50, 1]
    with pytest.raises(ValueError, match="groups: found none"):
        index.upsert([4, 77], rng.random((2, 8)))
    index.upsert([4, 77], rng.random((2, 8)), groups=[2, 3])
    assert index.groups([4, 77]).tolist() == [2, 3]


def test_an_update_that_is_interrupted_says_which_ids_have_changed(rng: np.random.Generator) -> None:
    n = 20_000
    index = vicinal.Index(8)
    index.add(rng.random((n, 8), dtype=np.float32))

    def stop(done: int, _total: int) -> None:
        if done > 100:
            raise KeyboardInterrupt

    with pytest.raises(vicinal.Interrupted) as caught:
        index.update(np.arange(n), rng.random((n, 8)) + 9, progress=stop)

    changed = caught.value.added
    assert 100 < len(changed) < n
    assert (index.get(changed)[:, 0] >= 9).all()
    assert (index.get(np.setdiff1d(np.arange(n), changed))[:, 0] < 9).all()
    assert len(index) == n


@pytest.mark.parametrize("rearrange", [vicinal.Index.compact, vicinal.Index.optimize])
def test_memory_returns_and_answers_stay(index: vicinal.Index, rearrange: Callable[[vicinal.Index], None]) -> None:
    index.remove(np.arange(0, 600, 3))
    queries = index.get(index.ids[:20])
    before = index.search(queries, 5, ef=100)

    rearrange(index)

    graph = index.stats()["graph"]
    assert (graph["removed"], graph["vacant"]) == (0, 0)
    assert index.stats()["memory"]["vectors"] == 400 * 32
    after = index.search(queries, 5, ef=100)
    assert after.ids.tolist() == before.ids.tolist()
    assert vicinal.Index.from_bytes(index.to_bytes()).ids.tolist() == index.ids.tolist()


def test_a_snapshot_cannot_be_changed_or_saved(index: vicinal.Index, tmp_path: Any) -> None:
    snapshot = index.snapshot()

    for change in (
        lambda: snapshot.add(np.zeros((1, 8))),
        lambda: snapshot.update(1, np.zeros(8)),
        lambda: snapshot.remove(1),
        snapshot.compact,
        lambda: snapshot.save(tmp_path / "an.index"),
        snapshot.to_bytes,
    ):
        with pytest.raises(vicinal.ReadOnlyError, match="read only"):
            change()

    assert len(snapshot) == 600


def test_other_libraries_names_are_taken(index: vicinal.Index) -> None:
    index.update(keys=[1], vectors=np.ones((1, 8)), num_threads=1)
    index.upsert(keys=[2], vectors=np.ones((1, 8)))
    index.compact(num_threads=1)

    assert index.get(1).tolist() == [1.0] * 8

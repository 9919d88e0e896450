"""Near pairs of a folder of shards are those of a single index, whoever finds them."""

from pathlib import Path

import numpy as np
import pytest

import vicinal
from vicinal.lsh import Pairs, index_pairs
from vicinal.shards import Processes, Threads, build_sharded, self_join

DIM = 8
THRESHOLD = 0.05


def near_copies(rng: np.random.Generator) -> np.ndarray:
    """Rows of which every third has a near copy, and one has four."""
    rows = rng.standard_normal((600, DIM), dtype=np.float32)
    copies = np.concatenate([rows[::3], np.repeat(rows[:1], 4, axis=0)])
    return np.concatenate([rows, copies + rng.normal(0, 0.01, copies.shape).astype(np.float32)])


def by_brute_force(rows: np.ndarray, ids: np.ndarray) -> list[list[int]]:
    squared = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    left, right = np.nonzero(np.triu(squared <= THRESHOLD, 1))
    return sorted(sorted(pair) for pair in np.stack([ids[left], ids[right]], axis=1).tolist())


def alike(one: Pairs, other: Pairs) -> bool:
    same = np.array_equal(one.pairs, other.pairs) and np.array_equal(one.scores, other.scores)
    return same and one.stats == other.stats


@pytest.mark.parametrize("shards", [1, 3])
def test_a_join_finds_every_pair_in_one_shard_and_across_two(
    tmp_path: Path, rng: np.random.Generator, shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = near_copies(rng)
    ids = rng.permutation(5000)[: len(rows)]
    build_sharded(rows, tmp_path, shards=shards, ids=ids).close()
    monkeypatch.setattr("vicinal.shards.joined.PIECE", 70)  # more than one piece of a shard

    found = self_join(tmp_path, THRESHOLD, exact=True, executor=Threads(2))

    assert found.pairs.tolist() == by_brute_force(rows, ids)
    assert len(found) > 200
    one = vicinal.Index(DIM)
    one.add(rows, ids)
    assert alike(self_join(tmp_path, THRESHOLD, ef=200), index_pairs(one, THRESHOLD, ef=200))


def test_a_join_counts_rows_that_may_have_more_pairs(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = near_copies(rng)
    build_sharded(rows, tmp_path, shards=3).close()

    found = self_join(tmp_path, THRESHOLD, k_max=2, exact=True)

    assert found.stats["full"] >= 6  # the row of six near copies


def test_processes_join_as_threads_do(tmp_path: Path, rng: np.random.Generator) -> None:
    build_sharded(near_copies(rng), tmp_path, shards=3).close()
    crew = Processes(2)

    try:
        assert alike(self_join(tmp_path, THRESHOLD, executor=crew), self_join(tmp_path, THRESHOLD))
    finally:
        crew.close()


def test_what_cannot_be_joined_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    build_sharded(near_copies(rng), tmp_path, shards=2).close()

    with pytest.raises(ValueError, match="expected a distance"):
        self_join(tmp_path, float("nan"))
    with pytest.raises(ValueError, match="k_max"):
        self_join(tmp_path, 1.0, k_max=0)
    with pytest.raises(FileNotFoundError, match="manifest"):
        self_join(tmp_path / "elsewhere", 1.0)
    (tmp_path / "shard-00001-0.vicinal").unlink()
    with pytest.raises(FileNotFoundError, match="shard 1 of 2 is missing"):
        self_join(tmp_path, 1.0)


def test_no_rows_have_no_pairs(tmp_path: Path) -> None:
    build_sharded(np.empty((0, DIM), dtype=np.float32), tmp_path, shards=2).close()

    assert self_join(tmp_path, 1.0).pairs.shape == (0, 2)

"""How bench/churn.py turns a set over, and what it counts as found."""

from pathlib import Path

import numpy as np
import pytest
from churn import EFS, distances, limits, measure, mirrored, pool_of, recall_of, store, turnover


def test_each_round_replaces_half_of_what_is_live_by_what_is_not() -> None:
    before = np.empty(0, dtype=np.int64)

    for number, (out, into, alive) in enumerate(turnover(pool=60, live=40, rounds=5)):
        assert len(alive) == len(set(alive.tolist())) == 40
        assert (len(out), len(into)) == ((0, 40) if number == 0 else (20, 20))
        assert np.isin(out, before).all()
        assert not np.isin(into, before).any()
        assert set(alive) == set(before) - set(out) | set(into)
        before = alive


def test_mirror_images_are_as_far_from_each_other_as_the_originals_and_mirror_back() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (20, 128)).astype(np.float32)

    there = mirrored(rows)

    assert np.array_equal(distances(there, there), distances(rows, rows))
    assert np.array_equal(mirrored(there), rows)
    assert not np.array_equal(there, rows)


def test_mirror_images_are_drawn_on_only_where_rows_are_too_few() -> None:
    rows = np.zeros((30, 128), dtype=np.float32)

    assert [len(pool_of(rows, live)) for live in (20, 21, 40)] == [30, 60, 60]
    with pytest.raises(ValueError, match="live is 41, expected at most 40"):
        pool_of(rows, 41)


def test_a_hit_is_live_named_once_and_as_near_as_the_tenth() -> None:
    pool = np.arange(40, dtype=np.float32)[:, None] * np.ones(2, dtype=np.float32)
    queries = np.zeros((1, 2), dtype=np.float32)
    alive = np.arange(1, 40)
    limit = limits(pool[alive], queries)

    whole = recall_of(np.arange(1, 11)[None], pool, alive, queries, limit)
    worse = recall_of(np.array([[1, 1, 2, 3, 4, 5, 6, 7, 0, 11]]), pool, alive, queries, limit)

    assert limit.tolist() == [200.0]
    assert (whole, worse) == (1.0, 0.7)


def test_an_index_lives_through_rounds_in_a_process_of_its_own(tmp_path: Path) -> None:
    store("sift-20k", 1000, 2, 50, tmp_path)

    found = measure("vicinal", tmp_path, rounds=2, calls=2, pairs=1, singles=20)

    points = [*found["curve"], found["built"]]
    assert [point["turnover"] for point in found["curve"]] == [0, 0.5, 1]
    assert [point["unreachable"] for point in points] == [0, 0, 0, 0]
    assert all(point["recall"][str(EFS[-1])] >= 0.98 for point in points)
    assert all(us > 0 for us in found["costs"]["microseconds"].values())

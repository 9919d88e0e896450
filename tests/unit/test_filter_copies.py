"""Filters, groups and radii where vectors are there more than once: each copy has an id and a group of its own."""

from typing import Any

import numpy as np
import pytest

import vicinal

DIM, DISTINCT, TIMES = 16, 400, 3
COUNT = DISTINCT * TIMES


@pytest.fixture
def rows() -> Any:
    drawn = np.random.default_rng(11).standard_normal((DISTINCT, DIM), dtype=np.float32)
    return np.tile(drawn, (TIMES, 1))  # the copies of row i have the ids i, i + DISTINCT, i + 2 * DISTINCT


@pytest.fixture
def index(rows: Any) -> vicinal.Index:
    index = vicinal.Index(DIM, M=8, ef_construction=60)
    index.add(rows, groups=np.arange(COUNT) // DISTINCT)
    return index


@pytest.fixture
def queries() -> Any:
    return np.random.default_rng(12).standard_normal((40, DIM), dtype=np.float32)


def share_found(found: Any, exact: Any) -> float:
    return float((found.ids == exact.ids).mean())


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_filter_that_admits_one_copy_of_each_vector_finds_just_those(
    index: vicinal.Index, queries: Any, which: int
) -> None:
    admitted = np.arange(which * DISTINCT, (which + 1) * DISTINCT)

    found = index.search(queries, k=5, ef=40, filter=admitted)

    assert np.isin(found.ids, admitted).all()
    assert share_found(found, index.search(queries, k=5, exact=True, filter=admitted)) > 0.97


def test_a_filter_that_admits_a_single_copy_finds_it(index: vicinal.Index, rows: Any) -> None:
    for id in (7, 7 + DISTINCT, 7 + 2 * DISTINCT):  # noqa: A001
        assert index.search(rows[7], k=2, filter=np.array([id])).ids.tolist() == [id, -1]


def test_a_live_copy_of_a_removed_vector_is_found_through_a_filter(index: vicinal.Index, rows: Any) -> None:
    index.remove(np.arange(DISTINCT))  # the nodes of the graph
    last = np.arange(2 * DISTINCT, COUNT)

    found = index.search(rows[:50], k=1, filter=last)

    assert found.ids[:, 0].tolist() == (np.arange(50) + 2 * DISTINCT).tolist()
    assert index.search(rows[:50], k=2, ef=40).ids.tolist() == [[i + DISTINCT, i + 2 * DISTINCT] for i in range(50)]


def test_copies_count_each_in_its_own_group(index: vicinal.Index, rows: Any) -> None:
    found = index.search(rows[:30], k=3, ef=40, per_group=1)

    assert found.ids.tolist() == [[i, i + DISTINCT, i + 2 * DISTINCT] for i in range(30)]
    assert found.distances.max() == 0


def test_copies_in_one_group_are_reported_as_often_as_the_group_may_be(rows: Any) -> None:
    index = vicinal.Index(DIM, M=8, ef_construction=60)
    index.add(rows, groups=np.arange(COUNT) % DISTINCT)

    found = index.search(rows[:30], k=4, ef=40, per_group=2)

    assert found.ids[:, :2].tolist() == [[i, i + DISTINCT] for i in range(30)]
    assert (found.ids[:, 2] % DISTINCT != np.arange(30)).all()
    assert found.ids.tolist() == index.search(rows[:30], k=4, per_group=2, exact=True).ids.tolist()


def test_a_radius_holds_every_copy(index: vicinal.Index, rows: Any) -> None:
    lims, ids, distances = index.range_search(rows[:30], 1e-3)

    assert lims.tolist() == list(range(0, 3 * 30 + 1, 3))
    assert ids.reshape(30, 3).tolist() == [[i, i + DISTINCT, i + 2 * DISTINCT] for i in range(30)]
    assert distances.max() < 1e-3


@pytest.mark.parametrize("traversal", ["sq8", "sq4"])
@pytest.mark.parametrize("per_group", [None, 2])
def test_hits_are_different_and_ties_go_by_id_where_few_vectors_are_there_many_times(
    traversal: str, per_group: int | None
) -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((6, DIM), dtype=np.float32)[rng.integers(0, 6, 3000)]
    index = vicinal.Index(DIM, traversal=traversal)
    ids = np.sort(rng.choice(100_000, 3000, replace=False))
    index.add(rng.permutation(rows), ids=rng.permutation(ids), groups=rng.integers(0, 40, 3000))
    queries = rng.standard_normal((20, DIM), dtype=np.float32)
    options: dict[str, Any] = {"filter": ids[rng.random(3000) < 0.5], "per_group": per_group}

    found = index.search(queries, k=10, ef=10, **options)

    assert all(len(set(row)) == 10 for row in found.ids.tolist())
    assert found.ids.tolist() == index.search(queries, k=10, exact=True, **options).ids.tolist()


@pytest.mark.parametrize("traversal", ["sq8", "sq4"])
def test_of_more_ties_than_a_beam_holds_a_scan_of_the_admitted_reports_the_lowest_ids(traversal: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((3000, DIM), dtype=np.float32)
    rows[rng.permutation(3000)[:300]] = rows[0]
    ids = rng.permutation(3000)
    index = vicinal.Index(DIM, traversal=traversal)
    index.add(rows, ids=ids)
    same = np.sort(ids[(rows == rows[0]).all(axis=1)])
    admitted = np.concatenate([same, rng.permutation(3000)[:50]])

    found = index.search(rows[:1], k=10, ef=10, filter=admitted, stats=True)

    assert found.stats["strategy"] == ["scan"]
    assert found.ids[0].tolist() == same[:10].tolist()

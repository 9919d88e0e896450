"""Everything within a radius, and searches that a radius cuts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal.measure import load_dataset

DATA = Path(__file__).resolve().parents[2] / "bench" / "data"


def within(index: vicinal.Index, queries: NDArray[Any], radius: float, **how: Any) -> list[list[tuple[float, int]]]:
    lims, ids, distances = index.range_search(queries, radius, **how)
    assert lims.shape == (len(queries) + 1,)
    assert (lims[0], lims[-1]) == (0, len(ids))
    assert ids.dtype == lims.dtype == np.int64
    assert distances.dtype == np.float32
    pairs = list(zip(distances.tolist(), ids.tolist(), strict=True))
    return [pairs[begin:end] for begin, end in zip(lims[:-1].tolist(), lims[1:].tolist(), strict=True)]


@pytest.mark.parametrize("name", ["sift-20k", "minilm-5k"])
def test_19_of_20_within_a_radius_are_found_whether_they_are_few_or_many(name: str) -> None:
    dataset = load_dataset(DATA / f"{name}.npz")
    base, queries = dataset.base[:5000], dataset.query[:60]
    index = vicinal.Index(dataset.dim, dataset.metric, ef_construction=100)
    index.add(base)
    order = np.sort(index.search(queries, 2000, exact=True).distances, axis=1)
    for share in (0, 10, 100, 400, 1999):  # of these many are some queries' balls
        radius = float(np.median(order[:, share]))

        found = within(index, queries, radius)
        truth = within(index, queries, radius, exact=True)

        both = sum(len(set(a) & set(b)) for a, b in zip(found, truth, strict=True))
        assert both >= 0.95 * sum(map(len, truth)), (share, both)
        assert all(row == sorted(row) for row in found)
        assert all(distance <= np.float32(radius) for row in found for distance, _ in row)
        assert max(map(len, truth)) > share


def test_what_lies_at_the_radius_is_within() -> None:
    index = vicinal.Index(1)
    index.add(np.arange(2000)[:, None])
    for exact in (False, True):
        assert within(index, np.array([[1000.0]]), 4.0, exact=exact) == [
            [(0.0, 1000), (1.0, 999), (1.0, 1001), (4.0, 998), (4.0, 1002)]
        ]


def test_there_is_no_limit_to_how_many_are_within() -> None:
    index = vicinal.Index(2)
    index.add(np.random.default_rng(3).random((12_000, 2)))
    lims, ids, _ = index.range_search(np.zeros((2, 2)), float("inf"))
    assert lims.tolist() == [0, 12_000, 24_000]
    assert sorted(ids[:12_000].tolist()) == list(range(12_000))


def test_nothing_within_is_an_empty_row() -> None:
    index = vicinal.Index(2)
    assert [part.tolist() for part in index.range_search(np.zeros((2, 2)), 1.0)] == [[0, 0, 0], [], []]
    index.add(np.ones((3000, 2)) * np.arange(1, 3001)[:, None])
    assert [part.tolist() for part in index.range_search([0.0, 0.0], 1.0)] == [[0, 0], [], []]
    assert [part.tolist() for part in index.range_search(np.zeros((0, 2)), 1.0)] == [[0], [], []]


def test_removed_vectors_are_not_within() -> None:
    index = vicinal.Index(1)
    index.add(np.arange(3000)[:, None])
    index.remove(np.arange(0, 3000, 2))
    for exact in (False, True):
        assert [number for _, number in within(index, np.array([[500.0]]), 9.0, exact=exact)[0]] == [499, 501, 497, 503]


def test_threads_do_not_change_what_is_within() -> None:
    rng = np.random.default_rng(5)
    index = vicinal.Index(8)
    index.add(rng.random((4000, 8)))
    queries = rng.random((40, 8))
    one, many = (index.range_search(queries, 0.3, threads=threads) for threads in (1, 3))
    assert all(np.array_equal(a, b) for a, b in zip(one, many, strict=True))


@pytest.mark.parametrize(("metric", "radius"), [("ip", -3.0), ("cosine", 0.1), ("hamming", 2), ("jaccard", 0.5)])
def test_a_radius_is_in_the_unit_of_the_metric(metric: str, radius: float) -> None:
    rng = np.random.default_rng(6)
    bits = metric in ("hamming", "jaccard")
    index = vicinal.Index(16 if bits else 8, metric)
    index.add(rng.integers(0, 256, (500, 2), dtype=np.uint8) if bits else rng.normal(size=(500, 8)))
    queries = rng.integers(0, 256, (5, 2), dtype=np.uint8) if bits else rng.normal(size=(5, 8))

    everything = index.search(queries, 500, exact=True)
    found = within(index, queries, radius)

    for row, distances in zip(found, everything.distances, strict=True):
        assert [distance for distance, _ in row] == distances[distances <= np.float32(radius)].tolist()
    assert any(found)


def test_a_radius_cuts_the_rows_of_a_search() -> None:
    index = vicinal.Index(1)
    index.add(np.arange(10)[:, None])
    for query, shape in (([0.0], ()), ([[0.0]], (1,))):
        found = index.search(query, 5, radius=4, strict=True)
        assert found.ids.reshape(-1).tolist() == [0, 1, 2, -1, -1]
        assert found.distances.reshape(-1).tolist() == [0.0, 1.0, 4.0, np.inf, np.inf]
        assert found.ids.shape == (*shape, 5)
    odd = index.search([0.0], 5, radius=30, filter=lambda ids: ids % 2 == 1)
    assert odd.ids.tolist() == [1, 3, 5, -1, -1]


@pytest.mark.parametrize(
    ("radius", "error"), [(float("nan"), ValueError), ("1", TypeError), (True, TypeError), ([1.0], TypeError)]
)
def test_a_radius_that_is_no_number_is_refused(radius: Any, error: type) -> None:
    index = vicinal.Index(1)
    index.add([[1.0]])
    with pytest.raises(error, match="radius is"):
        index.search([[0.0]], 1, radius=radius)
    with pytest.raises(error, match="radius is"):
        index.range_search([[0.0]], radius)


def test_a_range_search_checks_its_queries() -> None:
    index = vicinal.Index(2)
    with pytest.raises(vicinal.InvalidVectorError, match="queries row 1 "):
        index.range_search([[0.0, 0.0], [0.0, np.nan]], 1.0)
    with pytest.raises(vicinal.DimensionError, match="queries has shape"):
        index.range_search([[0.0]], 1.0)

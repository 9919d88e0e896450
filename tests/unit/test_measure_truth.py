"""The exact neighbors, against double precision."""

from typing import Any

import numpy as np
import pytest

from vicinal.errors import DimensionError, InvalidVectorError
from vicinal.measure import Dataset, ground_truth
from vicinal.measure.truth import exact_distances

FLOAT_METRICS = ("l2", "ip", "cosine")


def by_definition(base: Any, queries: Any, metric: str) -> Any:
    """All distances, written out from their definitions in double precision: shape (m, n)."""
    if metric in ("hamming", "jaccard"):
        a, b = np.unpackbits(queries, axis=1).astype(bool)[:, None], np.unpackbits(base, axis=1).astype(bool)[None]
        differing, union = (a ^ b).sum(axis=2), (a | b).sum(axis=2)
        return differing.astype(float) if metric == "hamming" else differing / np.maximum(union, 1)
    a, b = queries.astype(np.float64), base.astype(np.float64)
    if metric == "l2":
        return np.array([[np.sum((x - y) ** 2) for y in b] for x in a])
    if metric == "cosine":
        a, b = a / np.linalg.norm(a, axis=1)[:, None], b / np.linalg.norm(b, axis=1)[:, None]
    return 1 - np.array([[np.dot(x, y) for y in b] for x in a])


def rows_for(metric: str, rng: np.random.Generator, count: int) -> Any:
    if metric in ("hamming", "jaccard"):
        return rng.integers(0, 256, size=(count, 6), dtype=np.uint8)
    return rng.normal(size=(count, 19)).astype(np.float32)


@pytest.mark.parametrize("metric", [*FLOAT_METRICS, "hamming", "jaccard"])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_truth_is_what_the_definitions_say(metric: str, threads: int, rng: np.random.Generator) -> None:
    base, queries = rows_for(metric, rng, 300), rows_for(metric, rng, 17)
    expected = by_definition(base, queries, metric)

    ids, distances = ground_truth(base, queries, k=20, metric=metric, threads=threads)

    assert (ids.dtype, distances.dtype, ids.shape, distances.shape) == (np.int64, np.float32, (17, 20), (17, 20))
    np.testing.assert_allclose(distances, np.sort(expected, axis=1)[:, :20], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(expected, ids, axis=1), distances, rtol=1e-4, atol=1e-5)
    assert all(len(set(row)) == 20 for row in ids.tolist())


def test_equal_distances_come_in_the_order_of_their_ids(rng: np.random.Generator) -> None:
    base = rng.integers(0, 2, size=(400, 3)).astype(np.float32)
    queries = np.zeros((3, 3), dtype=np.float32)

    ids, _ = ground_truth(base, queries, k=150)

    order = np.lexsort((np.arange(400), (base**2).sum(axis=1)))
    np.testing.assert_array_equal(ids, np.tile(order[:150], (3, 1)))


@pytest.mark.parametrize("metric", FLOAT_METRICS)
def test_integers_are_widened_as_engines_see_them(metric: str, rng: np.random.Generator) -> None:
    base = rng.integers(1, 255, size=(50, 8), dtype=np.uint8)

    as_bytes = ground_truth(base, base[:5], k=5, metric=metric)
    as_floats = ground_truth(base.astype(np.float32), base[:5].astype(np.float32), k=5, metric=metric)

    np.testing.assert_array_equal(as_bytes[0], as_floats[0])
    np.testing.assert_array_equal(as_bytes[1], as_floats[1])


def test_beyond_what_exists_rows_are_padded(rng: np.random.Generator) -> None:
    base = rng.normal(size=(3, 4)).astype(np.float32)

    ids, distances = ground_truth(base, base[:2], k=5)

    assert ids[:, 3:].tolist() == [[-1, -1], [-1, -1]]
    assert np.isinf(distances[:, 3:]).all()
    assert sorted(ids[0, :3].tolist()) == [0, 1, 2]


def test_no_rows_and_no_queries_are_fine() -> None:
    some, none = np.zeros((2, 3), dtype=np.float32), np.zeros((0, 3), dtype=np.float32)

    assert ground_truth(none, some, k=2)[0].tolist() == [[-1, -1], [-1, -1]]
    assert ground_truth(some, none, k=2)[0].shape == (0, 2)


def test_progress_ends_at_the_number_of_queries(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(200, 4)).astype(np.float32)
    seen: list[tuple[int, int]] = []

    ground_truth(rows, rows[:70], k=3, progress=lambda done, total: seen.append((done, total)))

    assert seen[-1] == (70, 70)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize(
    ("base", "queries", "options", "error", "complaint"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), {}, DimensionError, "columns must be equal"),
        (np.zeros(3), np.zeros((1, 3)), {}, DimensionError, r"base have shape \(3,\)"),
        (np.zeros((2, 3)), np.array([[0, 0, 0], [0, np.nan, 0]]), {}, InvalidVectorError, "queries row 1 holds NaN"),
        (np.array([[1e300]]), np.zeros((1, 1)), {}, InvalidVectorError, "base row 0 holds NaN or an infinite"),
        (np.eye(2), np.zeros((1, 2)), {"metric": "cosine"}, InvalidVectorError, "queries row 0 is a zero vector"),
        (np.eye(2), np.eye(2), {"metric": "hamming"}, InvalidVectorError, "packed bits in uint8"),
        (np.eye(2), np.eye(2), {"metric": "manhattan"}, ValueError, "'manhattan' is unknown"),
        (np.eye(2), np.eye(2), {"k": 0}, ValueError, "k must be"),
        (np.eye(2), np.eye(2), {"k": True}, ValueError, "k must be"),
        (np.eye(2), np.eye(2), {"threads": -1}, ValueError, "threads must be"),
        (np.array([["a"]]), np.eye(1), {}, InvalidVectorError, "must hold numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_input_no_distance_can_be_computed_from_is_refused(
    base: Any, queries: Any, options: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        ground_truth(base, queries, **options)


@pytest.mark.parametrize("metric", [*FLOAT_METRICS, "hamming", "jaccard"])
def test_distances_of_given_answers_follow_the_definitions(metric: str, rng: np.random.Generator) -> None:
    base, queries = rows_for(metric, rng, 40), rows_for(metric, rng, 6)
    ids = rng.integers(0, 40, size=(6, 5))
    ids[2, 3] = -1

    distances = exact_distances(base, queries, ids, metric)

    assert distances[2, 3] == np.inf
    expected = np.take_along_axis(by_definition(base, queries, metric), np.maximum(ids, 0), axis=1)
    np.testing.assert_allclose(distances[ids >= 0], expected[ids >= 0], rtol=1e-12, atol=1e-12)


def test_two_empty_sets_are_equal() -> None:
    empty = np.zeros((1, 2), dtype=np.uint8)

    assert exact_distances(empty, empty, np.array([[0]]), "jaccard").tolist() == [[0.0]]


def test_a_truth_that_is_long_enough_is_kept_and_a_short_one_replaced(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(30, 4)).astype(np.float32)
    known = np.zeros((2, 5), dtype=np.int64)
    dataset = Dataset("given", rows, rows[:2], truth=known)

    assert dataset.with_truth(5) is dataset
    longer = dataset.with_truth(6).truth
    assert longer is not None
    assert longer[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize("name", ["sift-20k", "minilm-5k"])
def test_the_bundled_truth_is_found_again(name: str, repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from vicinal.measure import load_dataset

    monkeypatch.chdir(repository)
    dataset = load_dataset(name).first_queries(100)

    ids, distances = ground_truth(dataset.base, dataset.query, k=50, metric=dataset.metric)

    assert dataset.truth is not None
    assert dataset.truth_distances is not None
    np.testing.assert_allclose(distances, dataset.truth_distances[:, :50], rtol=1e-5, atol=1e-6)
    agreed = (ids == dataset.truth[:, :50]).mean()
    assert agreed > 0.999  # float32 may order two neighbors of nearly one distance either way

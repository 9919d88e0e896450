"""The local intrinsic dimension: known where the truth is, and careful with copies and odd input."""

from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import order
from vicinal.errors import DataWarning, DimensionError, InvalidVectorError


def embedded(dimensions: int, n: int, seed: int = 0, dim: int = 128) -> Any:
    """Gaussians of so many dimensions in a random subspace of 128."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((dim, dimensions)))[0]
    return (rng.standard_normal((n, dimensions)) @ basis.T).astype(np.float32)


@pytest.mark.parametrize("dimensions", [1, 2, 4, 8, 12, 16])
def test_gaussians_in_a_subspace_have_its_dimension_within_a_tenth(dimensions: int) -> None:
    found = order.lid(embedded(dimensions, 10_000), k=100)

    assert np.median(found) == pytest.approx(dimensions, rel=0.1)
    assert found.mean() == pytest.approx(dimensions, rel=0.1)


def test_a_sample_gives_about_what_all_vectors_give() -> None:
    rows = embedded(4, 6000)

    assert order.lid(rows, k=50, sample=3000).mean() == pytest.approx(order.lid(rows, k=50).mean(), rel=0.1)
    assert (order.lid(rows, k=50, sample=3000, seed=1) == order.lid(rows, k=50, sample=3000, seed=1)).all()


def test_neighbors_that_are_known_are_taken_as_they_are() -> None:
    rows = embedded(3, 1500)
    index = vicinal.Index(128, traversal="exact")
    index.add(rows)
    found = index.search(rows, k=21, exact=True)

    by_pair = order.lid(rows, k=20, neighbors=(found.ids, found.distances))
    by_distances = order.lid(rows, k=20, neighbors=found.distances[:, 1:])

    assert by_pair == pytest.approx(order.lid(rows, k=20))
    assert by_distances == pytest.approx(by_pair)


def test_the_bare_formula_is_the_maximum_likelihood_estimate() -> None:
    squared = np.tile([1.0, 4.0, 9.0], (4, 1))

    found = order.lid(np.eye(4, dtype=np.float32), k=3, neighbors=squared, corrected=False)

    radii = np.array([1.0, 2.0, 3.0])
    assert found == pytest.approx(np.full(4, -1 / np.mean(np.log(radii / 3.0))))
    with pytest.warns(DataWarning, match="of 4 of 4 vectors is undefined"):  # one neighbor says nothing
        assert np.isinf(order.lid(np.eye(4, dtype=np.float32), k=1, neighbors=squared)).all()


def test_copies_are_left_out_and_only_copies_leave_it_undefined() -> None:
    rows = embedded(2, 1200)
    rows[100:110] = rows[100]
    with_copies = order.lid(rows, k=60)
    assert np.isfinite(with_copies).all()

    with pytest.warns(DataWarning, match="of 30 of 30 vectors is undefined"):
        alone = order.lid(np.ones((30, 4), dtype=np.float32), k=5)
    assert np.isinf(alone).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_scaling_the_vectors_changes_nothing(metric: str) -> None:
    rows = np.random.default_rng(6).standard_normal((500, 6), dtype=np.float32)

    assert order.lid(rows, k=20, metric=metric) == pytest.approx(order.lid(rows * 4, k=20, metric=metric), rel=1e-3)


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        (np.ones((1, 3)), {"k": 1}, ValueError, "vectors has 1 rows, expected at least 2"),
        (np.ones((5, 3)), {"k": 5}, ValueError, "k is 5, expected a whole number from 1 to 4"),
        (np.ones((5, 3)), {"k": 0}, ValueError, "k is 0"),
        (np.ones((50, 3)), {"k": 9, "sample": 9}, ValueError, "sample is 9, expected a whole number from 10 to 50"),
        (np.ones((5, 3)), {"k": 2, "metric": "ip"}, ValueError, "metric is 'ip', expected"),
        (np.ones(5), {"k": 2}, DimensionError, "vectors has shape"),
        (np.full((5, 3), np.nan), {"k": 2}, InvalidVectorError, "vectors row 0 holds NaN"),
        (np.zeros((5, 3)), {"k": 2, "metric": "cosine"}, InvalidVectorError, "vectors row 0 is zero"),
        (np.ones((5, 3)), {"k": 2, "neighbors": np.ones((4, 2))}, DimensionError, r"neighbors has shape \(4, 2\)"),
        (np.ones((5, 3)), {"k": 2, "neighbors": np.ones((5, 2), dtype=int)}, TypeError, "neighbors holds int64"),
        (np.ones((5, 3)), {"k": 2, "neighbors": np.full((5, 2), np.nan)}, ValueError, "neighbors row 0 holds NaN"),
    ],
)
def test_what_has_no_dimension_is_refused(rows: Any, options: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        order.lid(rows, **options)

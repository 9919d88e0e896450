"""The transformer for scikit-learn: its contract, its consumers, and its recall beside KNeighborsTransformer's."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is missing: pip install 'vicinal[sklearn]'")

from sklearn.base import clone
from sklearn.cluster import DBSCAN, SpectralClustering
from sklearn.manifold import TSNE, Isomap
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from vicinal.errors import InvalidVectorError
from vicinal.sklearn import VicinalTransformer

MADE = [VicinalTransformer(), VicinalTransformer(mode="connectivity", metric="sqeuclidean", recall=0.99)]


@parametrize_with_checks(MADE)
def test_scikit_learn_accepts_it_as_one_of_its_own(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Two heaps of points that are far from each other, and which is whose."""
    rng = np.random.default_rng(0)
    heap = np.repeat([0, 1], 60)
    return rng.normal(size=(120, 6)) + 30 * heap[:, None], heap


@pytest.mark.parametrize("mode", ["distance", "connectivity"])
@pytest.mark.parametrize("metric", ["euclidean", "l2", "minkowski", "sqeuclidean", "cosine"])
def test_the_graph_is_that_of_scikit_learn(mode: str, metric: str, rng: np.random.Generator) -> None:
    fitted, asked = rng.normal(size=(200, 9)), rng.normal(size=(30, 9))

    theirs = KNeighborsTransformer(mode=mode, n_neighbors=7, metric=metric).fit(fitted)
    ours = VicinalTransformer(mode=mode, n_neighbors=7, metric=metric, recall=1.0).fit(fitted)

    for rows in (fitted, asked):
        expected, found = theirs.transform(rows), ours.transform(rows)
        assert found.format == "csr"
        assert found.dtype == np.float64
        assert found.shape == expected.shape
        assert np.array_equal(found.indptr, expected.indptr)
        assert (found != 0).sum() == (expected != 0).sum() or metric == "cosine"  # whose own distances are rounded
        assert abs(found - expected).max() < 1e-3  # of a root of nearly nothing


def test_rows_ascend_by_distance_and_begin_with_the_row_itself(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(300, 5))

    graph = VicinalTransformer(n_neighbors=6).fit_transform(rows)

    data, indices = graph.data.reshape(300, 7), graph.indices.reshape(300, 7)
    assert np.all(np.diff(data, axis=1) >= 0)
    assert np.array_equal(indices[:, 0], np.arange(300))
    assert np.all(data[:, 0] == 0)


def test_a_row_with_more_copies_than_neighbors_is_its_own_neighbor_all_the_same() -> None:
    rows = np.concatenate([np.zeros((20, 3)), np.ones((20, 3))])

    graph = VicinalTransformer(n_neighbors=2).fit_transform(rows)

    assert graph.indices.reshape(40, 3)[:, 0].tolist()[3:] == [
        0 if row < 3 else 20 if 20 <= row < 23 else row for row in range(3, 40)
    ]
    assert all(row in graph.indices[3 * row : 3 * row + 3] for row in range(40))


def test_neighbors_of_the_fitted_rows_leave_out_the_rows_themselves(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(150, 4)).astype(np.float32)
    ours, theirs = VicinalTransformer(n_neighbors=4).fit(rows), NearestNeighbors(n_neighbors=4).fit(rows)

    distances, ids = ours.kneighbors()

    expected = theirs.kneighbors()
    assert np.array_equal(ids, expected[1])
    assert np.allclose(distances, expected[0], atol=1e-5)
    assert np.array_equal(ours.kneighbors(return_distance=False), ids)
    assert (ours.kneighbors_graph() != theirs.kneighbors_graph()).nnz == 0
    assert (
        abs(ours.kneighbors_graph(rows[:9], 3, "distance") - theirs.kneighbors_graph(rows[:9], 3, "distance")).max()
        < 1e-5
    )


def test_inner_products_are_told_as_they_are(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(100, 4)).astype(np.float32) * rng.uniform(0.5, 5, size=(100, 1)).astype(np.float32)

    distances, ids = VicinalTransformer(n_neighbors=3, metric="ip", ef=100).fit(rows).kneighbors(rows)

    products = 1 - rows.astype(np.float64) @ rows.T
    assert np.allclose(distances, np.sort(products, axis=1)[:, :3], atol=1e-4)
    assert np.allclose(np.take_along_axis(products, ids, axis=1), distances, atol=1e-4)


def test_recall_beside_scikit_learn_on_real_vectors(bundled: Callable[[str], dict[str, Any]]) -> None:
    """sift-20k: at the default beam nearly every neighbor, at an asked-for recall as many as were asked for."""
    rows = bundled("sift-20k")["base"][:5000].astype(np.float32)
    asked = bundled("sift-20k")["query"][:500].astype(np.float32)
    truth = KNeighborsTransformer(n_neighbors=10, mode="connectivity", n_jobs=2).fit(rows).transform(asked)

    def recall(**settings: Any) -> float:
        ours = VicinalTransformer(n_neighbors=10, mode="connectivity", n_jobs=2, **settings).fit(rows)
        return float(ours.transform(asked).multiply(truth).sum() / truth.sum())

    assert recall() > 0.99
    assert recall(recall=0.9) > 0.88  # it was measured on the fitted rows, which are found a little more easily
    assert recall(recall=1.0) > 0.9999


@pytest.mark.parametrize(
    ("settings", "consumer"),
    [
        ({"n_neighbors": 40}, DBSCAN(eps=5, metric="precomputed")),
        ({"n_neighbors": 31}, TSNE(perplexity=10, metric="precomputed", init="random", max_iter=250, random_state=0)),
        ({"n_neighbors": 100}, Isomap(n_neighbors=80, metric="precomputed")),
        (
            {"n_neighbors": 70, "mode": "connectivity"},
            SpectralClustering(2, affinity="precomputed_nearest_neighbors", n_neighbors=70, random_state=0),
        ),
    ],
    ids=["DBSCAN", "TSNE", "Isomap", "SpectralClustering"],
)
def test_consumers_of_neighbors_take_its_graph(
    settings: dict[str, Any], consumer: Any, blobs: tuple[np.ndarray, np.ndarray]
) -> None:
    rows, heap = blobs
    pipeline = make_pipeline(VicinalTransformer(**settings), clone(consumer))

    if hasattr(consumer, "fit_predict"):
        labels = pipeline.fit_predict(rows)
        assert len(set(labels)) == len(set(zip(labels, heap, strict=True))) == 2
    else:
        placed = pipeline.fit_transform(rows)
        middle = [placed[heap == which].mean(axis=0) for which in (0, 1)]
        nearer = np.linalg.norm(placed[:, None] - np.array(middle), axis=2).argmin(axis=1)
        assert (nearer == heap).mean() > 0.95


def test_a_classifier_of_precomputed_neighbors_answers_as_over_scikit_learns(
    blobs: tuple[np.ndarray, np.ndarray],
) -> None:
    rows, heap = blobs
    pipeline = make_pipeline(VicinalTransformer(n_neighbors=9), KNeighborsClassifier(5, metric="precomputed"))

    assert np.array_equal(pipeline.fit(rows[::2], heap[::2]).predict(rows[1::2]), heap[1::2])


def test_a_recall_that_is_asked_for_widens_the_beam(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(6000, 48))

    narrow, wide = (VicinalTransformer(recall=recall, n_jobs=2).fit(rows).ef_ for recall in (0.5, 0.99))

    assert narrow < wide


def test_it_is_the_same_for_any_number_of_jobs_and_after_pickling(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(2000, 8))

    one, two = (VicinalTransformer(n_jobs=jobs).fit(rows) for jobs in (None, 2))

    assert one.index_.to_bytes() == two.index_.to_bytes()
    assert (pickle.loads(pickle.dumps(one)).transform(rows) != one.transform(rows)).nnz == 0


def test_names_of_what_comes_out(rng: np.random.Generator) -> None:
    fitted = VicinalTransformer().fit(rng.normal(size=(7, 2)))

    assert fitted.get_feature_names_out().tolist() == [f"vicinaltransformer{number}" for number in range(7)]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"mode": "nearest"}, "mode is 'nearest'"),
        ({"metric": "manhattan"}, "metric is 'manhattan', expected one of 'euclidean'"),
        ({"n_neighbors": 0}, "n_neighbors is 0"),
        ({"ef": 10, "recall": 0.9}, "ef is 10 and recall is 0.9, expected one of them"),
        ({"recall": 95}, "recall is 95"),
        ({"dtype": "b1"}, "b1"),
    ],
)
def test_a_wrong_parameter_is_told_when_it_is_fitted(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        VicinalTransformer(**settings).fit(np.eye(8))


def test_too_few_rows_for_the_neighbors_asked_for_are_told_as_scikit_learn_tells_it() -> None:
    fitted = VicinalTransformer(n_neighbors=3).fit(np.eye(3))

    with pytest.raises(
        ValueError, match="Expected n_neighbors <= n_samples_fit, but n_neighbors = 4, n_samples_fit = 3"
    ):
        fitted.transform(np.eye(3))
    with pytest.raises(
        ValueError, match="Expected n_neighbors < n_samples_fit, but n_neighbors = 3, n_samples_fit = 3"
    ):
        fitted.kneighbors()


def test_a_zero_vector_has_no_cosine() -> None:
    with pytest.raises(InvalidVectorError, match="row 1"):
        VicinalTransformer(metric="cosine").fit([[1.0, 0.0], [0.0, 0.0]])


def test_the_package_hands_it_out_when_it_is_asked_for() -> None:
    script = "import vicinal; print(vicinal.sklearn.VicinalTransformer().n_neighbors)"

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "5\n"

"""Neighbors for scikit-learn: a transformer that stands where ``KNeighborsTransformer`` does.

The one module that needs scikit-learn to be imported at all: its class is one of scikit-learn's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.index import Index
from vicinal.settings import MAX_SEED, one_of, share, whole_number

try:
    from joblib import effective_n_jobs
    from scipy.sparse import csr_matrix
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:  # pragma: no cover
    raise ImportError("vicinal.sklearn needs scikit-learn 1.6 or later: pip install 'vicinal[sklearn]'") from error

__all__ = ["VicinalTransformer"]

MODES = ("distance", "connectivity")
SAMPLE = 500  # rows that say what a recall takes
WIDEST = 4096  # beam beyond which a wider one is not tried

# scikit-learn's name, then ours; "euclidean" and what means the same is the root of our l2.
METRICS = {
    "euclidean": "l2",
    "l2": "l2",
    "minkowski": "l2",
    "sqeuclidean": "l2",
    "cosine": "cosine",
    "ip": "ip",
    "inner_product": "ip",
}
ROOTS = ("euclidean", "l2", "minkowski")


class VicinalTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn vectors into the sparse graph of their nearest neighbors, approximately and fast.

    It keeps the contract of `sklearn.neighbors.KNeighborsTransformer`, so that whatever takes ``metric="precomputed"``
    (DBSCAN, TSNE, Isomap, SpectralClustering, KNeighborsClassifier ...) takes its result.

    Parameters
    ----------
    n_neighbors : int
        Neighbors of each sample. As in scikit-learn, `transform` gives one more in mode "distance": there each sample
        counts as its own neighbor.
    mode : str
        ``"distance"``: the graph holds distances. ``"connectivity"``: ones.
    metric : str
        ``"euclidean"`` (also ``"l2"`` and ``"minkowski"``, as scikit-learn means them with p = 2), ``"sqeuclidean"``,
        ``"cosine"`` (1 - cos), or ``"ip"`` (1 - x·y, which may be negative: not every consumer likes that).
    ef : int, optional
        Width of the beam of a search; by default ``max(64, 2 * k)``, or what `recall` takes.
    recall : float, optional
        The share of true neighbors to find, above 0, at most 1, in place of `ef`. `fit` then widens the beam until a
        sample of up to 500 of its own rows finds so many; 1 compares every pair.
    M, ef_construction : int
        Links of a node, and width of the beam that finds them, as in `vicinal.Index`.
    dtype : str
        What vectors are stored as: ``"f32"``, ``"f16"``, ``"bf16"``, ``"i8"`` or ``"u8"``.
    n_jobs : int, optional
        Threads, as joblib counts them: None is 1 outside of a joblib context, -1 all. The result is the same.
    random_state : int, RandomState or None
        Seed of the graph's levels.

    Attributes
    ----------
    index_ : vicinal.Index
        The graph. Ids are the numbers of the rows that were fitted.
    ef_ : int or None
        Width of the beam that a `recall` below 1 took, or `ef`.
    n_samples_fit_, n_features_in_ : int
        Shape of what was fitted.
    feature_names_in_ : ndarray of str
        Names of the columns, where they had names.

    References
    ----------
    Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small
    World graphs, arXiv 1603.09320.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.cluster import DBSCAN
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> vectors = np.concatenate([rng.normal(size=(50, 8)), rng.normal(size=(50, 8)) + 20])
    >>> clusters = make_pipeline(VicinalTransformer(n_neighbors=30), DBSCAN(eps=6, metric="precomputed"))
    >>> np.unique(clusters.fit_predict(vectors)).tolist()
    [0, 1]
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        mode: str = "distance",
        metric: str = "euclidean",
        ef: int | None = None,
        recall: float | None = None,
        M: int = 16,
        ef_construction: int = 200,
        dtype: str = "f32",
        n_jobs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mode = mode
        self.metric = metric
        self.ef = ef
        self.recall = recall
        self.M = M
        self.ef_construction = ef_construction
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> VicinalTransformer:  # noqa: ARG002
        """Build the graph of the rows of `X`.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        VicinalTransformer
            Itself.

        Raises
        ------
        ValueError
            A parameter is out of range or unknown, or `X` is not finite, sparse, or not of two dimensions; or `ef`
            and `recall` are both given.
        InvalidVectorError
            A row is zero under cosine, or does not fit `dtype`; the message names it.
        """
        one_of("mode", self.mode, MODES)
        metric = METRICS[one_of("metric", self.metric, tuple(METRICS))]
        whole_number("n_neighbors", self.n_neighbors, 1, 2**31 - 1)
        if self.ef is not None and self.recall is not None:
            raise ValueError(f"ef is {self.ef} and recall is {self.recall}, expected one of them")
        rows = validate_data(self, X, dtype=[np.float32, np.float64], order="C")
        index = Index(
            rows.shape[1], metric, dtype=self.dtype, M=self.M, ef_construction=self.ef_construction, seed=self._seed()
        )
        index.add(rows, threads=self._threads())
        self.index_ = index
        self.n_samples_fit_ = self._n_features_out = len(rows)
        asked = None if self.recall is None else share("recall", self.recall)
        self.ef_ = self.ef if asked is None or asked == 1 else self._beam_for(asked)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Return the graph that leads from each row of `X` to its nearest fitted ones.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_samples, n_samples_fit)
            Each row ascends by distance. In mode "distance" it has ``n_neighbors + 1`` entries, for a row that was
            fitted has itself among them; in mode "connectivity" it has ``n_neighbors``.

        Raises
        ------
        ValueError
            `X` has another number of columns than what was fitted, or fewer rows were fitted than neighbors are wanted.
        """
        return self.kneighbors_graph(X, self._entries(), self.mode)

    def fit_transform(self, X: ArrayLike, y: object = None, **fit_params: Any) -> Any:  # noqa: ARG002
        """Fit `X`, and return its own graph, in which each row is its own neighbor.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_samples, n_samples)
            As of `transform`. The diagonal is always there (but for ``"ip"``), also where a row has more copies than
            neighbors.
        """
        self.fit(X)
        ids, distances = self._found(self._rows(X), self._entries())
        own = np.arange(len(ids))[:, None]
        lost = ~(ids == own).any(axis=1)
        if lost.any() and METRICS[self.metric] != "ip":  # where longer vectors may rightly be nearer than itself
            ids[lost] = np.concatenate([own[lost], ids[lost, :-1]], axis=1)
            distances[lost] = np.concatenate([np.zeros((lost.sum(), 1)), distances[lost, :-1]], axis=1)
        return self._graph(ids, distances, self.mode)

    def kneighbors(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]] | NDArray[np.int64]:
        """Return the nearest fitted rows of each row of `X`.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features), optional
            By default the rows that were fitted, and then none is its own neighbor.
        n_neighbors : int, optional
            By default as the transformer was made.
        return_distance : bool
            Whether to return distances too.

        Returns
        -------
        distances : ndarray of float64, shape (n_samples, n_neighbors)
            Ascending, in the unit of `metric`; only with `return_distance`.
        ids : ndarray of int64, shape (n_samples, n_neighbors)
            Numbers of fitted rows.

        Raises
        ------
        ValueError
            As of `transform`.

        Examples
        --------
        >>> transformer = VicinalTransformer().fit([[0.0], [3.0], [4.0]])
        >>> transformer.kneighbors([[3.1]], n_neighbors=2, return_distance=False).tolist()
        [[1, 2]]
        """
        check_is_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if X is None:
            ids, distances = _without_own(*self._found(self._own_rows(), k + 1, own=True))
        else:
            ids, distances = self._found(self._rows(X), k)
        return (distances, ids) if return_distance else ids

    def kneighbors_graph(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, mode: str | None = None
    ) -> Any:
        """Return what `kneighbors` finds as a sparse graph.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features), optional
            By default the rows that were fitted, and then none is its own neighbor.
        n_neighbors : int, optional
            By default as the transformer was made.
        mode : str, optional
            ``"distance"`` or ``"connectivity"``. As in scikit-learn ``"connectivity"`` unless it is asked for.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_samples, n_samples_fit)
            Each row ascends by distance.

        Raises
        ------
        ValueError
            As of `transform`, or `mode` is unknown.
        """
        kind = one_of("mode", "connectivity" if mode is None else mode, MODES)
        found = self.kneighbors(X, n_neighbors)
        assert isinstance(found, tuple)
        return self._graph(found[1], found[0], kind)

    def _graph(self, ids: NDArray[np.int64], distances: NDArray[np.float64], mode: str) -> Any:
        rows, k = ids.shape
        values = distances.ravel() if mode == "distance" else np.ones(ids.size)
        return csr_matrix((values, ids.ravel(), np.arange(0, rows * k + 1, k)), shape=(rows, self.n_samples_fit_))

    def _found(self, rows: NDArray[Any], k: int, own: bool = False) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Search, and say again in scikit-learn's unit how far everything is."""
        wanted = whole_number("n_neighbors", k - own, 1, 2**31 - 1) + own
        if wanted > self.n_samples_fit_:
            raise ValueError(
                f"Expected n_neighbors {'<' if own else '<='} n_samples_fit, but n_neighbors = {wanted - own}, "
                f"n_samples_fit = {self.n_samples_fit_}, n_samples = {len(rows)}"
            )
        exact = self.recall == 1
        ids, distances = self.index_.search(rows, wanted, ef=self.ef_, exact=exact, threads=self._threads())
        short = ids[:, -1] < 0
        if short.any():
            ids[short], distances[short] = self.index_.search(rows[short], wanted, exact=True)
        return ids, self._in_its_unit(distances)

    def _in_its_unit(self, distances: NDArray[np.float32]) -> NDArray[np.float64]:
        wide = distances.astype(np.float64)
        if METRICS[self.metric] == "ip":
            return wide
        wide = np.maximum(wide, 0.0)  # of cosine, rounding may leave a little less than nothing
        return np.sqrt(wide) if self.metric in ROOTS else wide

    def _entries(self) -> int:
        check_is_fitted(self)
        return int(self.n_neighbors) + (self.mode == "distance")

    def _rows(self, X: ArrayLike) -> NDArray[Any]:
        check_is_fitted(self)
        rows: NDArray[Any] = validate_data(self, X, dtype=[np.float32, np.float64], order="C", reset=False)
        return rows

    def _own_rows(self) -> NDArray[Any]:
        return self.index_.get(self.index_.ids)

    def _threads(self) -> int:
        return int(effective_n_jobs(self.n_jobs))

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return whole_number("random_state", self.random_state, 0, MAX_SEED)
        return int(check_random_state(self.random_state).randint(2**31))

    def _beam_for(self, recall: float) -> int:
        """Return the first of ever wider beams by which a sample of the rows finds its neighbors."""
        count = self.n_samples_fit_
        sample = self.index_.get(np.unique(np.linspace(0, count - 1, min(SAMPLE, count)).astype(np.int64)))
        k = min(int(self.n_neighbors) + 1, count)
        threads = self._threads()
        bound = self.index_.search(sample, k, exact=True, threads=threads).distances[:, -1:]
        ef = max(16, k)
        while ef < WIDEST:
            distances = self.index_.search(sample, k, ef=ef, threads=threads).distances
            if float((distances <= bound).mean()) >= recall:
                break
            ef *= 2
        return ef


def _without_own(
    ids: NDArray[np.int64], distances: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Drop from each row the row itself, or the last where it has more copies than there is room."""
    own = ids == np.arange(len(ids))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(ids), ids.shape[1] - 1)
    return ids[~own].reshape(shape), distances[~own].reshape(shape)

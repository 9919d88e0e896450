"""How many dimensions the data have around each vector."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.errors import DataWarning, DimensionError
from vicinal.order.neighborhoods import METRICS_WITH_DISTANCE, neighbor_distances, rows_to_compare, without_itself
from vicinal.settings import MAX_SEED, one_of, whole_number

_CLOSE, _POOLED_FROM = 5, 1000
EXACT_UP_TO = 20_000  # rows; comparing each with each takes seconds up to here, and minutes soon after
_ROUNDED_TO_ZERO = {"cosine": 1e-6}  # one minus a cosine in float32 is not exactly zero for copies
SAMPLE = 10_000  # what the estimate is tested against: within a tenth on Gaussians of up to 16 dimensions


def lid(
    vectors: ArrayLike,
    k: int = 100,
    *,
    metric: str = "l2",
    sample: int | None = None,
    neighbors: Any = None,
    seed: int = 0,
    corrected: bool = True,
    threads: int = 0,
) -> NDArray[np.float64]:
    r"""Estimate the local intrinsic dimension around each vector.

    The maximum-likelihood estimate :math:`-[\frac{1}{k} \sum_{i=1}^{k} \ln (r_i / r_k)]^{-1}`, where
    :math:`r_1 \le \dots \le r_k` are the distances to the nearest neighbors. It says how fast the number of
    neighbors grows with the radius: in `m` dimensions as its m-th power. The higher, the less a near vector differs
    from a far one, and the harder it is to find.

    Parameters
    ----------
    vectors : array_like, shape (n, dim); packed bits: uint8, shape (n, dim // 8)
    k : int
        Neighbors of each vector to look at, 1 to n - 1; from a few on they tell something.
    metric : str
        ``"l2"``, ``"cosine"``, ``"hamming"`` or ``"jaccard"``; ``"ip"`` measures no distance.
    sample : int, optional
        Look for neighbors among so many vectors, drawn by `seed`, rather than among all; more than k. By default all
        up to 20 000 vectors, and 10 000 of more. A sample sees a wider neighborhood.
    neighbors : ndarray of float, shape (n, at least k), or (ids, distances), optional
        Distances to the nearest neighbors where they are known already, as vicinal reports them, nearest first: squared
        for l2, one minus the cosine for cosine (roots are taken here). Beside ids, as `vicinal.Index.search` and
        `vicinal.measure.ground_truth` return them for all vectors with ids 0 ... n-1, each vector itself is left out;
        so ask for k + 1.
    seed : int
        Of the sample.
    corrected : bool
        Whether to take back the bias of wide neighborhoods (see the notes). It raises all estimates by one factor, so
        that their order stays; False gives the bare formula.
    threads : int
        0 takes all cores this process may use. The result is the same for any number.

    Returns
    -------
    ndarray of float64, shape (n,)
        Infinite where it is undefined: all distances that are not zero are equal, or there are none.

    Raises
    ------
    ValueError
        There are fewer than two vectors, or `k`, `metric` or `sample` is out of range.
    DimensionError
        `vectors` or `neighbors` has another shape.
    InvalidVectorError
        A vector holds NaN or an infinity, or is zero under cosine; the message names the row.

    Warns
    -----
    DataWarning
        The dimension of some vectors is undefined, for instance because they are copies of one another.

    Notes
    -----
    Distances of zero are dropped: a copy says nothing of the space around.

    The wider a neighborhood, the less even it is inside, and the lower the estimate: of Gaussians in 16 dimensions, 100
    of 10 000 vectors give 13.3. Few neighbors are less biased, but say little of a single vector. So from 1000 vectors
    and k = 20 on, the level is that of the five nearest neighbors, pooled over all vectors (MacKay and Ghahramani,
    2005), if that is higher; what tells vectors apart are all k. That is within a tenth for Gaussians of up to 16
    dimensions, and still too low beyond 20: so few vectors do not fill the space.

    References
    ----------
    L. Amsaleg et al., Estimating Local Intrinsic Dimensionality, KDD 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal import order
    >>> rng = np.random.default_rng(0)
    >>> plane = rng.standard_normal((2000, 2)) @ rng.standard_normal((2, 64))  # two dimensions, in 64
    >>> round(float(np.median(order.lid(plane, k=50))), 1)
    2.1
    """
    one_of("metric", metric, METRICS_WITH_DISTANCE)
    whole_number("seed", seed, 0, MAX_SEED)
    rows = rows_to_compare(vectors, metric)
    n = len(rows)
    if n < 2:
        raise ValueError(f"vectors has {n} rows, expected at least 2: a vector alone has no neighbors")
    whole_number("k", k, 1, n - 1)
    if neighbors is not None:
        distances = _known_distances(neighbors, n, k)
    else:
        among = None
        if sample is not None:
            among = whole_number("sample", sample, k + 1, n)
        elif n > EXACT_UP_TO:
            among = max(SAMPLE, k + 1)
        drawn = None if among is None or among == n else np.random.default_rng(seed).choice(n, among, replace=False)
        distances = neighbor_distances(rows, k, metric, None if drawn is None else np.sort(drawn), threads)
    estimates = from_distances(distances, metric)
    if corrected and n >= _POOLED_FROM and k >= 4 * _CLOSE:
        estimates *= _correction(distances, metric)
    undefined = int(np.isinf(estimates).sum())
    if undefined:
        warnings.warn(
            f"the local intrinsic dimension of {undefined} of {n} vectors is undefined (their neighbors are copies of "
            "them, or all equally far away); it is given as infinite",
            DataWarning,
            stacklevel=2,
        )
    return estimates


def _correction(distances: NDArray[Any], metric: str) -> float:
    wide = pooled(from_distances(distances, metric))
    close = pooled(from_distances(distances[:, :_CLOSE], metric)) * (_CLOSE - 1) / _CLOSE  # the last is no free one
    wide *= (distances.shape[1] - 1) / distances.shape[1]
    return max(1.0, close / wide) if 0 < wide < np.inf and 0 < close < np.inf else 1.0


def pooled(estimates: NDArray[np.float64]) -> float:
    """Return the dimension of all neighborhoods taken together: the harmonic mean; NaN where none is known."""
    known = estimates[np.isfinite(estimates)]
    return float(len(known) / np.sum(1 / known)) if len(known) else float("nan")


def from_distances(distances: NDArray[Any], metric: str) -> NDArray[np.float64]:
    """Estimate from distances to neighbors, shape (n, k), nearest first, as vicinal reports them.

    Examples
    --------
    >>> from_distances(np.array([[0.0, 1.0, 4.0], [2.0, 2.0, 2.0]]), "l2").round(3).tolist()
    [2.885, inf]
    """
    estimates = np.full(len(distances), np.inf)
    # The logarithm of a root is half a logarithm; the factors of a cosine's root cancel out in the ratio.
    power = 2.0 if metric in ("l2", "cosine") else 1.0
    for first in range(0, len(distances), 4096):
        some = distances[first : first + 4096].astype(np.float64)
        there = (some > _ROUNDED_TO_ZERO.get(metric, 0.0)) & np.isfinite(some)
        farthest = np.where(there, some, 0).max(axis=1, keepdims=True, initial=0)
        ratios = np.divide(some, farthest, out=np.ones_like(some), where=there)
        total = -np.log(ratios).sum(axis=1)
        defined = total > 0
        estimates[first : first + 4096][defined] = power * there.sum(axis=1)[defined] / total[defined]
    return estimates


def _known_distances(neighbors: Any, n: int, k: int) -> NDArray[Any]:
    if not isinstance(neighbors, np.ndarray) and not isinstance(neighbors, list):
        try:
            ids, distances = (np.asarray(part) for part in neighbors)
        except (TypeError, ValueError):
            raise TypeError("neighbors is neither an array of distances nor a pair (ids, distances)") from None
        if ids.shape != distances.shape:
            raise DimensionError(f"neighbors has ids of shape {ids.shape} and distances of shape {distances.shape}")
        _check_known(distances, n, k)
        return without_itself(ids, distances, np.arange(n))[:, :k]
    distances = np.asarray(neighbors)
    _check_known(distances, n, k)
    return distances[:, :k]


def _check_known(distances: NDArray[Any], n: int, k: int) -> None:
    if distances.ndim != 2 or len(distances) != n or distances.shape[1] < k:
        raise DimensionError(f"neighbors has shape {distances.shape}, expected ({n}, at least k={k})")
    if distances.dtype.kind != "f":
        raise TypeError(f"neighbors holds {distances.dtype}, expected distances; ids go before them: (ids, distances)")
    bad = np.flatnonzero(np.isnan(distances).any(axis=1))
    if bad.size:
        raise ValueError(f"neighbors row {int(bad[0])} holds NaN, expected distances")

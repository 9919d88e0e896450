"""How many dimensions a data set has, in few numbers."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import order
from vicinal.errors import DataWarning
from vicinal.order.neighborhoods import neighbor_distances, rows_to_compare

__all__ = ["dimension_summary", "two_nearest_dimension"]

_PERCENTILES = (5, 25, 50, 75, 95)
_LEFT_OUT = 0.1  # of the largest ratios, which follow the law least (Facco et al.)
_EXACT_UP_TO = 20_000


def dimension_summary(
    vectors: ArrayLike,
    k: int = 100,
    *,
    metric: str = "l2",
    estimates: NDArray[np.float64] | None = None,
    seed: int = 0,
    threads: int = 0,
) -> dict[str, float]:
    """Summarize the local intrinsic dimensions of a data set.

    Parameters
    ----------
    vectors : array_like, shape (n, dim)
    k : int
        Neighbors of each vector to look at; n - 1 where there are fewer.
    metric : str
        As for `vicinal.order.lid`.
    estimates : ndarray of float64, shape (n,), optional
        What `vicinal.order.lid` returned, where it is known already.
    seed : int
        Of samples, for more than 20 000 vectors.
    threads : int
        0 takes all cores this process may use.

    Returns
    -------
    dict of float
        ``"mean"``; ``"p5"``, ``"p25"``, ``"p50"``, ``"p75"``, ``"p95"``; ``"two_nearest"``, see
        `two_nearest_dimension`; ``"undefined"``, how many vectors have none, which the others leave out.

    Raises
    ------
    ValueError, DimensionError, InvalidVectorError
        As `vicinal.order.lid`.

    Examples
    --------
    >>> flat = np.random.default_rng(0).random((3000, 2)) @ np.random.default_rng(1).random((2, 32))
    >>> summary = dimension_summary(flat)
    >>> round(summary["mean"]), round(summary["two_nearest"]), summary["undefined"]
    (2, 2, 0.0)
    """
    rows = rows_to_compare(vectors, metric)
    if estimates is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # told by "undefined"
            estimates = order.lid(rows, max(1, min(k, len(rows) - 1)), metric=metric, seed=seed, threads=threads)
    known = estimates[np.isfinite(estimates)]
    marks = np.percentile(known, _PERCENTILES) if len(known) else np.full(len(_PERCENTILES), np.nan)
    return {
        "mean": float(known.mean()) if len(known) else float("nan"),
        **{f"p{share}": float(mark) for share, mark in zip(_PERCENTILES, marks, strict=True)},
        "two_nearest": two_nearest_dimension(rows, metric=metric, seed=seed, threads=threads),
        "undefined": float(len(estimates) - len(known)),
    }


def two_nearest_dimension(vectors: ArrayLike, *, metric: str = "l2", seed: int = 0, threads: int = 0) -> float:
    """Estimate the dimension of a data set from the two nearest neighbors of each vector.

    The ratio of the second distance to the first follows a law of Pareto whose exponent is the dimension, however
    dense the data are here and there. Its logarithm is fitted by a line through the origin, the largest tenth of the
    ratios left out. Vectors with copies have no ratio and are left out too.

    Parameters
    ----------
    vectors : array_like, shape (n, dim)
    metric : str
        As for `vicinal.order.lid`.
    seed : int
        Of the 20 000 vectors that are drawn from more.
    threads : int

    Returns
    -------
    float
        NaN where fewer than ten vectors have two neighbors at different distances that are not zero.

    References
    ----------
    E. Facco et al., Estimating the intrinsic dimension of datasets by a minimal neighborhood information, Scientific
    Reports 7, 2017.

    Examples
    --------
    >>> cube = np.random.default_rng(0).random((3000, 3))
    >>> round(two_nearest_dimension(cube))
    3
    """
    rows = rows_to_compare(vectors, metric)
    if len(rows) < 3:
        return float("nan")
    if len(rows) > _EXACT_UP_TO:
        drawn = np.random.default_rng(seed).choice(len(rows), _EXACT_UP_TO, replace=False)
        rows = np.ascontiguousarray(rows[np.sort(drawn)])
    distances = neighbor_distances(rows, 2, metric, None, threads).astype(np.float64)
    if metric in ("l2", "cosine"):
        distances = np.sqrt(np.maximum(distances, 0))
    apart = distances[:, 0] > (1e-3 if metric == "cosine" else 0)
    ratios = np.sort(distances[apart, 1] / distances[apart, 0])
    kept = ratios[: int(len(ratios) * (1 - _LEFT_OUT))]
    if len(kept) < 10 or kept[-1] <= 1:
        return float("nan")
    logs = np.log(kept)
    beyond = -np.log(1 - np.arange(1, len(kept) + 1) / len(ratios))
    return float((logs * beyond).sum() / np.square(logs).sum())

"""Exact nearest neighbors, by scanning every row with the engine's own kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.errors import DimensionError, InvalidVectorError
from vicinal.progress import Progress, reporting

_FLOAT_METRICS = ("l2", "ip", "cosine")
_BIT_METRICS = ("hamming", "jaccard")


def ground_truth(
    base: ArrayLike,
    queries: ArrayLike,
    k: int = 100,
    metric: str = "l2",
    *,
    threads: int = 0,
    progress: Progress = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the exact `k` nearest rows of every query.

    Parameters
    ----------
    base : array_like, shape (n, d)
        Rows to search. Integers are widened to float32; packed bits for hamming and jaccard.
    queries : array_like, shape (m, d)
    k : int
        Neighbors per query. Beyond n, rows are padded with id -1 and distance +inf.
    metric : str
        "l2" (squared Euclidean), "ip" (1 - x·y), "cosine" (1 - cos), "hamming" or "jaccard".
    threads : int
        0 takes every core this process may use.
    progress : callable or bool, optional
        Called with (queries done, queries); True draws a bar on a terminal.

    Returns
    -------
    ids : ndarray of int64, shape (m, k)
        Nearest first; equal distances in the order of their row numbers.
    distances : ndarray of float32, shape (m, k)

    Raises
    ------
    DimensionError
        The shapes do not fit together.
    InvalidVectorError
        A value is NaN or infinite, or a row is zero under cosine.
    ValueError
        `k`, `metric` or `threads` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.arange(5, dtype=np.float32)[:, None]
    >>> ids, distances = ground_truth(line, [[1.0]], k=3)
    >>> ids.tolist(), distances.tolist()
    ([[1, 0, 2]], [[0.0, 1.0, 1.0]])
    """
    from vicinal import _core

    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be an integer of at least 1, got {k!r}")
    if metric not in _FLOAT_METRICS + _BIT_METRICS:
        raise ValueError(f"metric {metric!r} is unknown; known: {', '.join(_FLOAT_METRICS + _BIT_METRICS)}")
    if threads < 0:
        raise ValueError(f"threads must be 0 (every core) or more, got {threads}")
    rows = _prepare(base, "base", metric)
    asked = _prepare(queries, "queries", metric)
    if rows.shape[1] != asked.shape[1]:
        raise DimensionError(f"queries have shape {asked.shape} and base {rows.shape}; their columns must be equal")
    found = min(int(k), len(rows))
    ids = np.full((len(asked), int(k)), -1, dtype=np.int64)
    distances = np.full((len(asked), int(k)), np.inf, dtype=np.float32)
    if found and len(asked):
        with reporting(progress, "queries") as report:
            ids[:, :found], distances[:, :found] = _core.exact_search(rows, asked, found, metric, threads, report)
            if report:
                report(len(asked), len(asked))  # the core reports by the clock, so a quick scan not at all
    return ids, distances


def exact_distances(
    base: NDArray[Any], queries: NDArray[Any], ids: NDArray[np.integer[Any]], metric: str
) -> NDArray[np.float64]:
    """Compute the distances of given answers in double precision.

    Parameters
    ----------
    base : ndarray, shape (n, d)
    queries : ndarray, shape (m, d)
    ids : ndarray of int, shape (m, k)
        Row numbers; negative ones are padding.
    metric : str
        As for `ground_truth`.

    Returns
    -------
    ndarray of float64, shape (m, k)
        As vicinal defines distances; +inf for padding.
    """
    out = np.full(ids.shape, np.inf)
    for query, row, distances in zip(queries, ids, out, strict=True):
        real = row >= 0
        distances[real] = _distances(base[row[real]], query, metric)
    return out


def _distances(rows: NDArray[Any], query: NDArray[Any], metric: str) -> NDArray[np.float64]:
    if metric in _BIT_METRICS:
        differing: NDArray[np.float64] = np.unpackbits(rows ^ query, axis=1).sum(axis=1).astype(np.float64)
        if metric == "hamming":
            return differing
        union = np.unpackbits(rows | query, axis=1).sum(axis=1)
        jaccard: NDArray[np.float64] = differing / np.maximum(union, 1)  # two empty sets are equal
        return jaccard
    wide, asked = rows.astype(np.float64), query.astype(np.float64)
    if metric == "l2":
        return np.asarray(np.square(wide - asked).sum(axis=1))
    products = wide @ asked
    if metric == "cosine":
        products /= np.linalg.norm(wide, axis=1) * np.linalg.norm(asked)
    return np.asarray(1.0 - products)


def _prepare(array: ArrayLike, name: str, metric: str) -> NDArray[Any]:
    given = np.asarray(array)
    if given.ndim != 2:
        raise DimensionError(f"{name} have shape {given.shape}, expected (rows, columns)")
    if metric in _BIT_METRICS:
        if given.dtype != np.uint8:
            raise InvalidVectorError(f"{name}: {metric} takes packed bits in uint8, found {given.dtype}")
        return np.ascontiguousarray(given)
    if given.dtype.kind not in "fiu":
        raise InvalidVectorError(f"{name} must hold numbers, found {given.dtype}")
    rows = np.ascontiguousarray(given, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise InvalidVectorError(f"{name} row {int(bad[0])} holds NaN or an infinite value")
    if metric == "cosine":
        zero = np.flatnonzero(~rows.any(axis=1))
        if zero.size:
            raise InvalidVectorError(f"{name} row {int(zero[0])} is a zero vector, which has no direction under cosine")
    return rows

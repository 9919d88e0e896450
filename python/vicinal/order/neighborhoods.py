"""Neighbors of rows among rows, by comparing them, without an index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.arrays import vector_rows
from vicinal.errors import DimensionError, InvalidVectorError

__all__ = ["METRICS_WITH_DISTANCE", "nearest_of", "neighbor_distances", "rows_to_compare", "without_itself"]

METRICS_WITH_DISTANCE = ("l2", "cosine", "hamming", "jaccard")  # an inner product is none: nothing is at zero
_BIT_METRICS = ("hamming", "jaccard")
_AT_ONCE = 8192  # rows a call to the core, so that what it returns stays small


def rows_to_compare(vectors: ArrayLike, metric: str) -> NDArray[Any]:
    """Return vectors in a type that the core compares as it is: float32, int8 or uint8; packed bits: uint8.

    Raises
    ------
    DimensionError
        They do not have two dimensions.
    InvalidVectorError
        One holds NaN or an infinity, or is zero under cosine.

    Examples
    --------
    >>> rows_to_compare([[1, 2], [3, 4]], "l2")
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    given = vectors if isinstance(vectors, np.ndarray) else np.asarray(vectors)
    if given.ndim != 2 or given.shape[1] == 0:
        raise DimensionError(f"vectors has shape {given.shape}, expected (n, dim)")
    if metric in _BIT_METRICS:
        return vector_rows(given, "vectors", given.shape[1] * 8, "b1")
    if given.dtype in (np.int8, np.uint8):
        rows = vector_rows(given, "vectors", given.shape[1], "i8" if given.dtype == np.int8 else "u8")
    else:
        rows = vector_rows(given, "vectors", given.shape[1], "f32")
    for first in range(0, len(rows), _AT_ONCE):
        some = rows[first : first + _AT_ONCE]
        if not np.isfinite(some).all():
            row = int(np.flatnonzero(~np.isfinite(some).all(axis=1))[0])
            raise InvalidVectorError(f"vectors row {first + row} holds NaN or an infinity")
        if metric == "cosine" and not (filled := some.any(axis=1)).all():
            row = int(np.flatnonzero(~filled)[0])
            raise InvalidVectorError(f"vectors row {first + row} is zero, which has no direction under cosine")
    return rows


def nearest_of(
    base: NDArray[Any], rows: NDArray[Any], k: int, metric: str, threads: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the k nearest base rows of each row: numbers and distances, shape (n, k), nearest first.

    Examples
    --------
    >>> line = np.arange(4, dtype=np.float32)[:, None]
    >>> nearest_of(line, line[2:], 1, "l2")[0].tolist()
    [[2], [3]]
    """
    ids = np.empty((len(rows), k), dtype=np.int64)
    distances = np.empty((len(rows), k), dtype=np.float32)
    for first in range(0, len(rows), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        ids[some], distances[some] = _core.exact_search(base, rows[some], k, metric, threads, None)
    return ids, distances


def neighbor_distances(
    rows: NDArray[Any], k: int, metric: str, sample: NDArray[np.int64] | None = None, threads: int = 0
) -> NDArray[np.float32]:
    """Measure how far the k nearest other rows are, among all rows or among those of the sample.

    Parameters
    ----------
    rows : ndarray, shape (n, dim)
    k : int
        Fewer than there are to compare with.
    metric : str
    sample : ndarray of int64, shape (m,), optional
        Row numbers.
    threads : int

    Returns
    -------
    ndarray of float32, shape (n, k)
        Nearest first. Copies of a row count, the row itself does not.

    Examples
    --------
    >>> line = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)
    >>> neighbor_distances(line, 2, "l2").tolist()
    [[1.0, 9.0], [1.0, 4.0], [4.0, 9.0]]
    """
    among = np.arange(len(rows)) if sample is None else sample
    base = rows if sample is None else np.ascontiguousarray(rows[sample])
    out = np.empty((len(rows), k), dtype=np.float32)
    for first in range(0, len(rows), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        ids, distances = _core.exact_search(base, rows[some], min(k + 1, len(base)), metric, threads, None)
        out[some] = without_itself(among[ids], distances, np.arange(first, first + len(ids)))[:, :k]
    return out


def without_itself(ids: NDArray[np.integer[Any]], distances: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Drop, from each row of neighbors, the row itself; where it is not among them, the last.

    Examples
    --------
    >>> ids, distances = np.array([[5, 0], [0, 1], [0, 1]]), np.array([[0.0, 0.0], [2.0, 0.0], [3.0, 4.0]])
    >>> without_itself(ids, distances, np.arange(3)).tolist()
    [[0.0], [2.0], [3.0]]
    """
    itself = ids == rows[:, None]
    itself[~itself.any(axis=1), -1] = True
    others: NDArray[Any] = distances[~itself].reshape(len(distances), -1)
    return others

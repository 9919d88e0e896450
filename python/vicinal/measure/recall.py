"""Which share of the true neighbors was found, and how sure that share is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.errors import DimensionError
from vicinal.estimate import Recall, wilson_interval

__all__ = ["Recall", "recall", "wilson_interval"]


def recall(
    found: ArrayLike,
    truth: ArrayLike,
    k: int = 10,
    *,
    found_distances: ArrayLike | None = None,
    truth_distances: ArrayLike | None = None,
    tolerance: float = 1e-5,
    confidence: float = 0.95,
) -> Recall:
    """Count how many of the true first `k` neighbors are among the first `k` found.

    By ids alone, an answer that is exactly as near as the k-th true neighbor counts as wrong when
    the truth happens to list another one. With both arrays of distances, such ties count as
    right. An id that is returned twice counts once, and padding (-1) never counts.

    Parameters
    ----------
    found : array_like of int, shape (m, at least k)
        What an engine answered; -1 is padding. Fewer columns than `k` are allowed and cost recall.
    truth : array_like of int, shape (m, at least k)
        The exact neighbors, nearest first; -1 where there are fewer than `k`.
    k : int
    found_distances, truth_distances : array_like of float, same shapes, optional
        Smaller is closer, both in the same unit. With both given, a found id also counts when its
        distance is at most (1 + `tolerance`) times that of the k-th true neighbor.
    tolerance : float
        Relative; allows for rounding in the distances.
    confidence : float
        Of the interval. It treats every neighbor as an independent trial; the neighbors of one
        query are alike, so the true uncertainty is somewhat larger.

    Returns
    -------
    Recall

    Raises
    ------
    DimensionError
        The arrays do not fit together.
    ValueError
        `k`, `tolerance` or `confidence` is out of range, or only one array of distances is given.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.

    Examples
    --------
    >>> print(recall([[4, 7]], [[4, 9]], k=2))
    recall@2 0.5000 [0.0945, 0.9055]
    >>> float(recall([[4, 7]], [[4, 9]], k=2, found_distances=[[1.0, 2.0]], truth_distances=[[1.0, 2.0]]))
    1.0
    """
    answers, true_ids = _id_matrix(found, "found"), _id_matrix(truth, "truth")
    if len(answers) != len(true_ids):
        raise DimensionError(f"found has {len(answers)} rows and truth {len(true_ids)}; expected one row per query")
    if k < 1 or true_ids.shape[1] < k:
        raise ValueError(f"k must be between 1 and the {true_ids.shape[1]} columns of truth, got {k}")
    if tolerance < 0:
        raise ValueError(f"tolerance must be 0 or more, got {tolerance}")
    if (found_distances is None) != (truth_distances is None):
        raise ValueError("ties need both found_distances and truth_distances; only one was given")
    answers, true_ids = answers[:, :k], true_ids[:, :k]
    right = (answers[:, :, None] == true_ids[:, None, :]).any(axis=2)
    if found_distances is not None and truth_distances is not None:
        right |= _as_near(found_distances, truth_distances, answers, true_ids, tolerance)
    right &= (answers >= 0) & ~_repeats(answers)
    there = (true_ids >= 0).sum(axis=1)
    hits = int(np.minimum(right.sum(axis=1), there).sum())
    trials = int(there.sum())
    low, high = wilson_interval(hits, trials, confidence)
    return Recall(hits / trials if trials else math.nan, low, high, k, hits, trials, confidence)


def _id_matrix(ids: ArrayLike, name: str) -> NDArray[np.int64]:
    given = np.asarray(ids)
    if given.ndim != 2:
        raise DimensionError(f"{name} has shape {given.shape}, expected (queries, neighbors)")
    if given.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integer ids, found {given.dtype}")
    # Unsigned padding (some engines return 2^64 - 1) becomes -1 here.
    return given.astype(np.int64)


def _as_near(
    found_distances: ArrayLike,
    truth_distances: ArrayLike,
    answers: NDArray[np.int64],
    true_ids: NDArray[np.int64],
    tolerance: float,
) -> NDArray[np.bool_]:
    """Tell which answers are no farther than the last true neighbor."""
    found = np.asarray(found_distances, dtype=np.float64)
    true: NDArray[Any] = np.asarray(truth_distances, dtype=np.float64)
    k = true_ids.shape[1]
    if found.ndim != 2 or found[:, :k].shape != answers.shape:
        raise DimensionError(f"found_distances has shape {found.shape}, expected {answers.shape} or more columns")
    if true.ndim != 2 or true[:, :k].shape != true_ids.shape:
        raise DimensionError(f"truth_distances has shape {true.shape}, expected {true_ids.shape} or more columns")
    farthest = np.where(true_ids >= 0, true[:, :k], -np.inf).max(axis=1, keepdims=True)
    near: NDArray[np.bool_] = found[:, :k] <= farthest + tolerance * np.abs(farthest)
    return near


def _repeats(answers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark every id that already stands further left in its row."""
    order = np.argsort(answers, axis=1, kind="stable")
    ranked = np.take_along_axis(answers, order, axis=1)
    again = np.zeros(answers.shape, dtype=bool)
    again[:, 1:] = ranked[:, 1:] == ranked[:, :-1]
    marked = np.zeros(answers.shape, dtype=bool)
    np.put_along_axis(marked, order, again, axis=1)
    return marked

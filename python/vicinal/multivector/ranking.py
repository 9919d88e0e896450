"""Groups ranked by what the vectors of a set have found, and how that is returned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GroupResult", "ranked_groups"]


@dataclass(frozen=True)
class GroupResult:
    """What a search for groups found; unpacks as groups, scores.

    Attributes
    ----------
    groups : ndarray of int64, shape (m, k), or (k,) for one set
        Best first, equal scores in the order of groups; -1 where no more have a vector within the radius.
    scores : ndarray of float64, same shape
        Mean weight of the query's vectors; -inf where there are no more.
    compared : ndarray of int64, shape (m,)
        Vectors that a set was compared with, counted for each of its vectors.
    radius : float
        That was searched within, in the metric's own unit.
    """

    groups: NDArray[np.int64]
    scores: NDArray[np.float64]
    compared: NDArray[np.int64]
    radius: float

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.groups, self.scores))


def ranked_groups(
    which: NDArray[np.int64],
    groups: NDArray[np.int64],
    weights: NDArray[np.float64],
    offsets: NDArray[np.int64],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Add up the weights of each set's vectors for each group, and take the best."""
    m = len(offsets) - 1
    ranked = np.full((m, k), -1, np.int64)
    scores = np.full((m, k), -np.inf)
    order = np.argsort(which, kind="stable")
    starts = np.searchsorted(which[order], offsets)
    for one in range(m):
        part = order[starts[one] : starts[one + 1]]
        names, places = np.unique(groups[part], return_inverse=True)
        totals = np.bincount(places, weights[part], len(names)) / max(int(offsets[one + 1] - offsets[one]), 1)
        best = np.lexsort((names, -totals))
        best = best[totals[best] > 0][:k]
        ranked[one, : len(best)] = names[best]
        scores[one, : len(best)] = totals[best]
    return ranked, scores

"""Searches for queries whose true neighbors are known, to see what an effort yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.estimate import Recall, recall_of_queries

__all__ = ["Effort", "Outcome", "Trials", "Truth", "hits_of"]


@dataclass(frozen=True)
class Effort:
    """How far a search goes: a beam of some width and, with an anchor, a rule that may end it sooner.

    The rule (cpp/graph/stop_rule.hpp): stop when the next candidate is farther than `stretch` times the distance of
    the `anchor`-th best so far.
    """

    width: int
    anchor: int = 0
    stretch: float = 1.0


@dataclass(frozen=True)
class Outcome:
    """What an effort yielded: the recall, and the mean number of vectors compared."""

    recall: Recall
    distances: float


@dataclass(frozen=True)
class Truth:
    """The exact neighbors of some queries: ids and distances of shape (m, at least k), padded with -1 and +inf."""

    queries: NDArray[Any]
    ids: NDArray[np.int64]
    distances: NDArray[np.float32]

    @classmethod
    def of(cls, index: _core.Index, queries: NDArray[Any], k: int, threads: int) -> Truth:
        """Compare the queries with every vector of the index."""
        ids, distances, _ = index._search(queries, k, 0, True, threads, False, 0.0)
        return cls(queries, ids, distances)

    def thinned(self, most: int) -> Truth:
        """At most so many of the queries, evenly from first to last: they may come in some order."""
        rows = np.unique(np.linspace(0, len(self.queries) - 1, min(most, len(self.queries))).astype(np.int64))
        return Truth(self.queries[rows], self.ids[rows], self.distances[rows])


def hits_of(
    ids: NDArray[np.int64], distances: NDArray[np.float32], truth: Truth, k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, by query, how many of the k nearest were found, and how many there are.

    An answer as near as the k-th neighbor is right, whichever of those that tie is in the truth.
    """
    there = np.count_nonzero(truth.ids[:, :k] >= 0, axis=1)
    farthest = np.where(truth.ids[:, :k] >= 0, truth.distances[:, :k], -np.inf).max(axis=1, keepdims=True)
    near = (ids[:, :k] >= 0) & (distances[:, :k] <= farthest)
    return np.minimum(np.count_nonzero(near, axis=1), there), there


class Trials:
    """Searches of one index for the k nearest of known queries; each effort is tried once and remembered."""

    def __init__(self, index: _core.Index, truth: Truth, k: int, threads: int) -> None:
        self.k = k
        self._index = index
        self._truth = truth
        self._threads = threads
        self._known: dict[Effort, Outcome] = {}

    def __call__(self, effort: Effort) -> Outcome:
        """Search with this effort."""
        outcome = self._known.get(effort)
        if outcome is None:
            outcome = self._known[effort] = self._search(effort)
        return outcome

    def _search(self, effort: Effort) -> Outcome:
        ids, distances, work = self._index._search_by_rule(
            self._truth.queries, self.k, effort.width, effort.anchor, effort.stretch, self._threads
        )
        hits, there = hits_of(ids, distances, self._truth, self.k)
        compared = float((work["distances"] + work["reranked"]).mean())
        return Outcome(recall_of_queries(hits, there, self.k), compared)

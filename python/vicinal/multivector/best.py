"""The best of the documents that each query is scored with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicinal.multivector.held import Held
from vicinal.multivector.results import MultiVectorResult
from vicinal.multivector.scoring import score_lists
from vicinal.multivector.sets import VectorSets

__all__ = ["best_of", "best_of_all"]

PAIRS = 2**20  # of a query and a document that are scored at once: 30 bytes each


def best_of(held: Held, asked: VectorSets, lists: NDArray[np.int64], k: int, threads: int) -> MultiVectorResult:
    """Score the documents of each query's list, of which -1 stand for none, and take the best."""
    m = len(asked)
    result = MultiVectorResult(
        np.full((m, k), -1, np.int64), np.full((m, k), -np.inf, np.float32), np.zeros(m, np.int64)
    )
    step = max(1, PAIRS // max(1, lists.shape[1]))
    for first in range(0, m, step):
        last = min(m, first + step)
        some = slice(first, last)
        _score(
            held,
            asked.part(first, last),
            lists[some],
            result.ids[some],
            result.scores[some],
            result.scored[some],
            threads,
        )
    return result


def best_of_all(held: Held, asked: VectorSets, every: NDArray[np.int64], k: int, threads: int) -> MultiVectorResult:
    """Score these documents with each query, and take the best."""
    return best_of(held, asked, np.broadcast_to(every, (len(asked), len(every))), k, threads)


def _score(
    held: Held,
    asked: VectorSets,
    lists: NDArray[np.int64],
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    scored: NDArray[np.int64],
    threads: int,
) -> None:
    there = lists >= 0
    scored[:] = there.sum(axis=1)
    if not scored.any():
        return
    starts = np.concatenate([[0], np.cumsum(scored)])
    which = lists[there]
    values = score_lists(asked, held.sets, starts, held.places[which], threads)
    names = held.ids[which]
    k = ids.shape[1]
    for query in range(len(asked)):
        part = slice(starts[query], starts[query + 1])
        order = np.lexsort((names[part], -values[part]))[:k]
        ids[query, : len(order)] = names[part][order]
        scores[query, : len(order)] = values[part][order]

"""Orders by where vectors lie: cluster after cluster, or far from one another first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.order.neighborhoods import nearest_of

__all__ = ["Clusters", "cluster_by_cluster", "farthest_first", "find_clusters"]

_MOST = 256
_ROUNDS = 8
_TRAINED_ON = 20_000
_AS_THEY_ARE = ("hamming", "jaccard")  # bits have no mean: centers stay the rows they were


@dataclass(frozen=True)
class Clusters:
    """Centers, shape (c, dim), and of each row the number of its nearest center and the distance to it."""

    centers: NDArray[Any]
    members: NDArray[np.int64]
    distances: NDArray[np.float32]


def find_clusters(
    rows: NDArray[Any], metric: str, rng: np.random.Generator, *, most: int = _MOST, threads: int = 0
) -> Clusters:
    """Find at most `most` clusters by k-means: eight rounds on up to 20 000 rows.

    Examples
    --------
    >>> rows = np.repeat(np.float32([[0.0], [9.0]]), 50, axis=0)
    >>> found = find_clusters(rows, "l2", np.random.default_rng(1), most=2)
    >>> len(set(found.members[:50].tolist())), len(set(found.members[50:].tolist()))
    (1, 1)
    """
    n = len(rows)
    count = max(1, min(most, round(n**0.5)))
    learned = rows[np.sort(rng.choice(n, min(n, _TRAINED_ON), replace=False))]
    centers = learned[np.sort(rng.choice(len(learned), count, replace=False))]
    measured = metric if metric in _AS_THEY_ARE else "l2"
    if metric not in _AS_THEY_ARE:
        learned, centers, rows = (_on_even_ground(part, metric) for part in (learned, centers, rows))
        for _ in range(_ROUNDS):
            centers = _means(learned, nearest_of(centers, learned, 1, "l2", threads)[0][:, 0], centers)
    members, distances = nearest_of(np.ascontiguousarray(centers), rows, 1, measured, threads)
    return Clusters(centers, members[:, 0], distances[:, 0])


def cluster_by_cluster(clusters: Clusters) -> NDArray[np.int64]:
    """Return one cluster after the other, the rows of each as they stand: what a graph should like least."""
    return np.argsort(clusters.members, kind="stable").astype(np.int64, copy=False)


def farthest_first(clusters: Clusters) -> NDArray[np.int64]:
    """Return first the row nearest each center, then the second of each, and so on.

    Centers come in the order in which each is the farthest from those before it, so that whatever enters first
    spans the data (the traversal of Gonzalez, Clustering to minimize the maximum intercluster distance, 1985).
    """
    turn = np.empty(len(clusters.centers), dtype=np.int64)
    turn[_traversal(clusters.centers)] = np.arange(len(turn))
    together = np.lexsort((np.arange(len(clusters.members)), clusters.distances, clusters.members))
    sizes = np.bincount(clusters.members, minlength=len(turn))
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    ranks = np.arange(len(together)) - starts  # of each row in its cluster, nearest to the center first
    return together[np.lexsort((turn[clusters.members[together]], ranks))].astype(np.int64, copy=False)


def _on_even_ground(rows: NDArray[Any], metric: str) -> NDArray[np.float32]:
    """Return rows as floats; under cosine of length one, where Euclidean distance orders as cosine does."""
    floats = np.ascontiguousarray(rows, dtype=np.float32)
    if metric != "cosine":
        return floats
    directions: NDArray[np.float32] = floats / np.linalg.norm(floats, axis=1, keepdims=True)
    return directions


def _means(rows: NDArray[np.float32], members: NDArray[np.int64], old: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each cluster's rows; an empty cluster keeps its center."""
    together = np.argsort(members, kind="stable")
    sizes = np.bincount(members, minlength=len(old))
    filled = np.flatnonzero(sizes)
    starts = (np.cumsum(sizes) - sizes)[filled]
    means: NDArray[np.float32] = old.copy()
    means[filled] = np.add.reduceat(rows[together], starts, axis=0, dtype=np.float64) / sizes[filled, None]
    return means


def _traversal(centers: NDArray[Any]) -> NDArray[np.int64]:
    spread = centers.astype(np.float64)
    if centers.dtype == np.uint8:  # packed bits
        spread = np.unpackbits(centers, axis=1).astype(np.float64)
    chosen = np.empty(len(spread), dtype=np.int64)
    far = np.square(spread - spread.mean(axis=0)).sum(axis=1)
    nearest = np.full(len(spread), np.inf)
    for place in range(len(spread)):
        chosen[place] = int(np.argmax(far))
        nearest = np.minimum(nearest, np.square(spread - spread[chosen[place]]).sum(axis=1))
        nearest[chosen[: place + 1]] = -1  # taken
        far = nearest
    return chosen

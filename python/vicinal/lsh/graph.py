"""Near pairs and neighbor graphs through the HNSW index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.index import Index
from vicinal.lsh.join import Pairs
from vicinal.settings import whole_number

__all__ = ["check_join", "index_pairs", "joined", "knn_graph", "near"]

PIECE = 10_000  # items that are searched for at a time

Near = tuple[NDArray[np.int64], NDArray[np.float64], int]


def index_pairs(ix: Index, threshold: float, k_max: int = 100, *, ef: int | None = None, threads: int = 0) -> Pairs:
    """Find the pairs of an index that are at most `threshold` apart.

    Each item is searched for; a pair is found when either has the other among its `k_max` nearest.

    Parameters
    ----------
    ix : vicinal.Index
    threshold : float
        Distance at most, in the metric's own unit.
    k_max : int
        Neighbors of each item to look at.
    ef, threads : int, optional
        As in `vicinal.Index.search`.

    Returns
    -------
    Pairs
        ``.pairs`` holds ids, i < j; ``.scores`` distances; ``.stats["full"]`` counts items all of whose `k_max`
        neighbors were near, and which may have more.

    Examples
    --------
    >>> import vicinal
    >>> index = vicinal.Index(2)
    >>> _ = index.add([[0.0, 0.0], [0.0, 0.1], [5.0, 5.0]])
    >>> index_pairs(index, 0.5).pairs.tolist()
    [[0, 1]]
    """
    check_join(threshold, k_max)
    ids = ix.ids
    pieces = [ids[first : first + PIECE] for first in range(0, len(ids), PIECE)]
    parts = []
    for own in pieces:
        found = ix.search(ix.get(own), k_max + 1, ef=ef, threads=threads)
        parts.append(near(own, found.ids, found.distances, threshold))
    return joined(parts)


def check_join(threshold: float, k_max: int) -> None:
    """Refuse a threshold that is no distance, and more neighbors than a search gives."""
    if not isinstance(threshold, (int, float, np.floating)) or isinstance(threshold, bool) or np.isnan(threshold):
        raise ValueError(f"threshold is {threshold!r}, expected a distance")
    whole_number("k_max", k_max, 1, 9_999)


def near(own: NDArray[np.int64], others: NDArray[np.int64], distances: NDArray[np.float32], threshold: float) -> Near:
    """Return the pairs among what a search for stored vectors found, their distances, and how many rows were full.

    Examples
    --------
    >>> found = np.array([[3, 5], [5, 3]]), np.array([[0.0, 0.5], [0.0, 0.5]], dtype=np.float32)
    >>> pairs, scores, full = near(np.array([3, 5]), *found, threshold=1.0)
    >>> pairs.tolist(), full
    ([[3, 5], [3, 5]], 2)
    """
    close = (others >= 0) & (distances <= threshold) & (others != own[:, None])
    full = int((close.sum(axis=1) >= others.shape[1] - 1).sum())
    pair = np.stack([np.broadcast_to(own[:, None], others.shape)[close], others[close]], axis=1)
    return np.sort(pair, axis=1), distances[close].astype(np.float64), full


def joined(parts: Iterable[Near]) -> Pairs:
    """Put parts together: ascending, each pair once, whichever of its two searches found it."""
    kept = list(parts)
    pairs = np.concatenate([np.empty((0, 2), np.int64), *(part[0] for part in kept)])
    scores = np.concatenate([np.empty(0), *(part[1] for part in kept)])
    order = np.lexsort((scores, pairs[:, 1], pairs[:, 0]))  # by score last: the order of the parts does not matter
    pairs, scores = pairs[order], scores[order]
    first = np.ones(len(pairs), dtype=bool)
    first[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return Pairs(pairs[first], scores[first], {"full": sum(part[2] for part in kept)})


def knn_graph(
    vectors: Any, k: int, *, metric: str = "l2", ef: int | None = None, threads: int = 0, **index_options: Any
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find the k nearest other rows of each row.

    Returns
    -------
    neighbors : ndarray of int64, shape (n, k)
        Nearest first, never the row itself; padded with -1 where there are fewer than k others.
    distances : ndarray of float32, shape (n, k)
        Padded with +inf.

    Examples
    --------
    >>> knn_graph([[0.0], [1.0], [3.0]], 1)[0].ravel().tolist()
    [1, 0, 1]
    """
    shape = np.shape(vectors)
    if len(shape) != 2:
        raise ValueError(f"vectors has shape {shape}, expected (n, dim)")
    whole_number("k", k, 1, 9_999)
    dim = shape[1] * 8 if metric in ("hamming", "jaccard") else shape[1]
    ix = Index(dim, metric, **index_options)
    ix.add(vectors, threads=threads)
    neighbors, distances = ix.search(vectors, k + 1, ef=ef, threads=threads)
    # A row is left out of its own neighbors; where copies crowd it out, the farthest is.
    own = neighbors == np.arange(len(neighbors))[:, None]
    own[~own.any(axis=1), -1] = True
    return neighbors[~own].reshape(-1, k), distances[~own].reshape(-1, k)

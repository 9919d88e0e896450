"""Near pairs and neighbor graphs through the HNSW index."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.index import Index
from vicinal.lsh.join import Pairs
from vicinal.settings import whole_number

__all__ = ["index_pairs", "knn_graph"]


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
    if not isinstance(threshold, (int, float, np.floating)) or isinstance(threshold, bool) or np.isnan(threshold):
        raise ValueError(f"threshold is {threshold!r}, expected a distance")
    whole_number("k_max", k_max, 1, 9_999)
    ids = ix.ids
    found, scores, full = [np.empty((0, 2), np.int64)], [np.empty(0)], 0
    for first in range(0, len(ids), 10_000):
        own = ids[first : first + 10_000]
        others, distances = ix.search(ix.get(own), k_max + 1, ef=ef, threads=threads)
        near = (others >= 0) & (distances <= threshold) & (others != own[:, None])
        full += int((near.sum(axis=1) >= k_max).sum())
        pair = np.stack([np.broadcast_to(own[:, None], others.shape)[near], others[near]], axis=1)
        found.append(np.sort(pair, axis=1))
        scores.append(distances[near].astype(np.float64))
    pairs, first_at = np.unique(np.concatenate(found), axis=0, return_index=True)
    return Pairs(pairs, np.concatenate(scores)[first_at], {"full": full})


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

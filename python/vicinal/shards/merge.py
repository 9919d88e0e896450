"""Lists of neighbors, one from each shard, become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["merged_hits", "merged_ranges", "merged_work"]

Hits = tuple[NDArray[np.int64], NDArray[np.float32]]
Ranges = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def merged_hits(lists: Sequence[Hits], queries: int, k: int) -> Hits:
    """Return the k nearest of all lists for each query: by distance, equal distances by id, padding last.

    Parameters
    ----------
    lists : sequence of (ids int64 (m, any), distances float32 (m, any))
        No id is in two of them. Short rows are padded with id -1 and distance +inf.
    queries, k : int
        The result's shape.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([[4, -1]]), np.array([[1.0, np.inf]], dtype=np.float32)
    >>> other = np.array([[3, 9]]), np.array([[1.0, 2.0]], dtype=np.float32)
    >>> merged_hits([one, other], 1, 3)[0].tolist()
    [[3, 4, 9]]
    """
    padding = np.full((queries, k), -1, dtype=np.int64), np.full((queries, k), np.inf, dtype=np.float32)
    ids = np.concatenate([*(ids for ids, _ in lists), padding[0]], axis=1)
    distances = np.concatenate([*(distances for _, distances in lists), padding[1]], axis=1)
    # As unsigned numbers, -1 comes after every id: padding is last also beside a distance that is infinite.
    best = np.lexsort((ids.view(np.uint64), distances), axis=-1)[:, :k]
    return np.take_along_axis(ids, best, 1), np.take_along_axis(distances, best, 1)


def merged_ranges(lists: Sequence[Ranges], queries: int) -> Ranges:
    """Return everything that the lists hold for each query, nearest first, in the form of ``range_search``.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([0, 1, 1]), np.array([7]), np.array([0.5], dtype=np.float32)
    >>> other = np.array([0, 1, 2]), np.array([2, 3]), np.array([0.5, 0.1], dtype=np.float32)
    >>> [part.tolist() for part in merged_ranges([one, other], 2)][:2]
    [[0, 2, 3], [2, 7, 3]]
    """
    counts = [np.diff(lims) for lims, _, _ in lists]
    rows = np.concatenate([np.repeat(np.arange(queries), count) for count in counts] or [np.empty(0, dtype=np.int64)])
    ids = np.concatenate([ids for _, ids, _ in lists] or [np.empty(0, dtype=np.int64)])
    distances = np.concatenate([distances for _, _, distances in lists] or [np.empty(0, dtype=np.float32)])
    order = np.lexsort((ids, distances, rows))
    lims = np.zeros(queries + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=queries), out=lims[1:])
    return lims, ids[order], distances[order]


def merged_work(works: Sequence[dict[str, Any]], queries: int) -> dict[str, Any]:
    """Return the work of all shards for each query: summed, of efforts the largest, strategies joined by ``+``."""
    total: dict[str, Any] = {}
    for name in ("distances", "estimates", "hops", "bytes", "reranked", "effort"):
        parts = [work[name] for work in works] or [np.zeros(queries, dtype=np.int64)]
        total[name] = np.max(parts, axis=0) if name == "effort" else np.sum(parts, axis=0)
    ways = zip(*(work["strategy"] for work in works), strict=True)
    total["strategy"] = ["+".join(sorted(set(way))) for way in ways] if works else [""] * queries
    return total

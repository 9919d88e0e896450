"""Centroids of vectors: k-means, the same bytes from the same seed on any number of threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicinal import _core

__all__ = ["find_centroids", "nearest_centroids"]

ROUNDS = 5
EACH = 48  # vectors a centroid that are looked at
AT_ONCE = 2**16  # rows


def find_centroids(rows: NDArray[np.float32], n: int, seed: int, threads: int = 0) -> NDArray[np.float32]:
    """Return n centroids, or as many as there are rows, as float32 of shape (n, dim): Lloyd's rounds on a sample.

    They begin as rows drawn at random; one that is nearest to nothing stays where it is.
    """
    rng = np.random.default_rng([seed, n])
    n = min(n, len(rows))
    sample = rows
    if len(rows) > EACH * n:
        sample = rows[np.sort(rng.choice(len(rows), EACH * n, replace=False))]
    centroids = sample[np.sort(rng.choice(len(sample), n, replace=False))]
    for _ in range(ROUNDS):
        nearest = nearest_centroids(sample, centroids, threads)
        order = np.argsort(nearest, kind="stable")
        held, first = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(sample[order], first, axis=0, dtype=np.float64)
        counts = np.diff([*first, len(order)])
        centroids = centroids.copy()
        centroids[held] = (sums / counts[:, None]).astype(np.float32)
    return centroids


def nearest_centroids(
    rows: NDArray[np.float32], centroids: NDArray[np.float32], threads: int = 0
) -> NDArray[np.uint32]:
    """Return of each row the number of the nearest centroid.

    Distances are compared as products: nearest is where <row, c> - |c|^2 / 2 is largest, one more dimension.
    """
    squares = np.einsum("ij,ij->i", centroids, centroids)
    others = np.ascontiguousarray(np.column_stack([centroids, -squares / 2]), np.float32)
    parts = [
        _core.assigned(np.column_stack([part, np.ones(len(part), np.float32)]), others, threads)
        for part in (rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE))
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.uint32)

"""Directions that vectors are laid along before they are coded, and other pieces of the algebra of fitting.

Products and decompositions are the core's, or numpy's own loops (`einsum`): libraries that numpy calls elsewhere add in
an order that depends on their number of threads, and the same seed would make other codes on another machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core

__all__ = ["nearest_rotation", "principal_axes", "random_axes", "sample", "scatter"]

Matrix = NDArray[np.float64]


def sample(rows: NDArray[np.float32], most: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return `most` of the rows, or all, in their order."""
    if len(rows) <= most:
        return rows
    chosen: NDArray[np.float32] = rows[np.sort(rng.choice(len(rows), most, replace=False))]
    return chosen


def random_axes(n: int, dim: int, rng: np.random.Generator) -> Matrix:
    """Return n random directions, shape (n, dim): a rotation or some of its rows.

    Of n > dim the columns are orthonormal.
    """
    if n <= dim:
        return _core.orthonormal(rng.standard_normal((n, dim)))
    return np.ascontiguousarray(_core.orthonormal(rng.standard_normal((dim, n))).T)


def scatter(a: NDArray[np.float32], b: NDArray[np.float32], threads: int) -> Matrix:
    """Return a' b for rows of as many, in double precision."""
    left, right = (np.ascontiguousarray(side.T, np.float32) for side in (a, b))
    return _core.products(left, right, threads).astype(np.float64)


def principal_axes(rows: NDArray[np.float32], threads: int) -> tuple[Matrix, Matrix]:
    """Return all principal axes of rows whose center has been taken off, one a row, and variances, largest first."""
    matrix = scatter(rows, rows, threads) / len(rows)
    values, axes = _core.symmetric_eigen((matrix + matrix.T) / 2)
    return np.ascontiguousarray(axes[::-1]), np.ascontiguousarray(values[::-1])


def nearest_rotation(matrix: Matrix, rng: np.random.Generator) -> Matrix:
    """Return the orthogonal matrix nearest to one of shape (n, m), n >= m: that of its columns that is orthonormal.

    Schönemann 1966. Directions in which the matrix says nothing are drawn.
    """
    n = len(matrix)
    scaled = matrix / max(float(np.abs(matrix).max()), 1e-300)
    values, right = _core.symmetric_eigen(np.einsum("ij,ik->jk", scaled, scaled))
    left = np.einsum("ij,kj->ki", scaled, right)[::-1]  # rows, the longest first
    left = left / np.sqrt(np.maximum(values[::-1], 1e-300))[:, None]
    nothing = values[::-1] <= 1e-13 * max(float(values[-1]), 1e-300)
    left[nothing] = rng.standard_normal((int(nothing.sum()), n))
    rotation: Matrix = np.einsum("ki,kj->ij", _core.orthonormal(np.ascontiguousarray(left)), right[::-1])
    return rotation


def as_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return it as float32 in one piece."""
    return np.ascontiguousarray(array, np.float32)

"""A rotation drawn from a seed: after it the elements of a vector are alike in size, whatever they were before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Turning"]

AT_ONCE = 2**20  # elements of a block
TURNS = 4


class Turning:
    """Random signs and Hadamard's transform, over the first and then over the last 2**b dimensions, twice.

    No more than additions: the same bytes on every machine, and n log n of them instead of n squared products.
    """

    def __init__(self, dim: int, seed: int) -> None:
        width = 1 << (dim.bit_length() - 1)  # the largest power of two within
        self._parts = (slice(0, width), slice(dim - width, dim))
        self._signs = np.random.default_rng([seed, TURNS]).choice(np.array([-1, 1], np.float32), (TURNS, dim))

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows turned. Lengths and inner products stay."""
        turned = np.array(rows, np.float32)
        for block in _blocks(turned):
            for turn in range(TURNS):
                block *= self._signs[turn]
                block[:, self._parts[turn % 2]] = _transformed(block[:, self._parts[turn % 2]])
        return turned

    def back(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what rows were before."""
        rows = np.array(rows, np.float32)
        for block in _blocks(rows):
            for turn in reversed(range(TURNS)):
                block[:, self._parts[turn % 2]] = _transformed(block[:, self._parts[turn % 2]])
                block *= self._signs[turn]
        return rows


def _blocks(rows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    step = max(1, AT_ONCE // rows.shape[1])
    return [rows[first : first + step] for first in range(0, len(rows), step)]


def _transformed(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hadamard's transform of each row, of length one: its own inverse."""
    n, width = rows.shape
    half = 1
    while half < width:
        pairs = rows.reshape(n, width // (2 * half), 2, half)
        rows = np.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], axis=2)
        half *= 2
    return np.asarray(rows.reshape(n, width) * np.float32(1 / np.sqrt(width)), np.float32)

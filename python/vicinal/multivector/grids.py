"""Random grids: which groups have a vector about so far from a query, by cells of a low-dimensional projection alone.

CANN's second engine (Aiger, Araujo, Lynen, Yes, we CANN, ICCV 2023), with two changes. Its cells have all 128
dimensions, in which two vectors share one only at a small part of the nominal radius: here a grid has a few dimensions,
and the width of its cells is chosen by the probability that two vectors at the radius share a cell of one of the grids
(Datar, Immorlica, Indyk, Mirrokni, SoCG 2004). And its keys are cell numbers cut to 8 bits, which merges cells far
apart: here they are 64 bits of a hash of whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vicinal.lsh.families import PStable
from vicinal.settings import MAX_SEED, whole_number

__all__ = ["GridShape", "Grids"]

BYTES = 16  # of an entry: a key and the number of a group


@dataclass(frozen=True)
class GridShape:
    """How many grids there are and what they are made of.

    Raises
    ------
    ValueError
        A number is out of range.
    """

    tables: int = 16  # at each radius
    dims: int = 16  # of a grid
    levels: int = 6  # radii, each 1 / sqrt(2) of the one before
    chance: float = 0.8  # that two vectors at a radius share a cell of one of its grids
    seed: int = 0

    def __post_init__(self) -> None:
        for name, most in (("tables", 1024), ("dims", 64), ("levels", 64)):
            whole_number(name, getattr(self, name), 1, most)
        whole_number("seed", self.seed, 0, MAX_SEED)
        if not 0 < self.chance < 1:
            raise ValueError(f"chance is {self.chance!r}, expected a number between 0 and 1, without both")

    def bytes_for(self, rows: int) -> int:
        """Return the most that grids over so many vectors take."""
        return self.tables * self.levels * rows * BYTES

    def cell_by_radius(self) -> float:
        """Return the width of a cell, in radii."""
        alone = 1 - (1 - self.chance) ** (1 / self.tables)  # that they share a cell of one grid
        wanted = alone ** (1 / self.dims)  # and of one of its dimensions
        low, high = 1e-3, 1e6
        for _ in range(100):
            middle = (low * high) ** 0.5
            near = PStable(1, 1, width=middle).collision_probability(1.0) < wanted
            low, high = (middle, high) if near else (low, middle)
        return high


class Grids:
    """Cells of random grids at several radii, each with the groups that have a vector in it.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, dim)
    places : ndarray of int64, shape (n,)
        The group of each, as numbers from 0.
    radius : float
        The largest radius, Euclidean.
    shape : GridShape
    """

    def __init__(self, rows: NDArray[np.float32], places: NDArray[np.int64], radius: float, shape: GridShape) -> None:
        rng = np.random.default_rng(shape.seed)
        self.shape = shape
        self.radii = radius * 0.5 ** (np.arange(shape.levels)[::-1] / 2)  # the smallest first
        self._groups = int(places.max(initial=-1)) + 1
        self._lines = rng.standard_normal((rows.shape[1], shape.tables * shape.dims)).astype(np.float32)
        self._shifts = rng.random((shape.levels, shape.tables * shape.dims))
        self._factors = rng.integers(0, 2**64, shape.tables * shape.dims, dtype=np.uint64) | np.uint64(1)
        self._widths = self.radii * shape.cell_by_radius()
        projected = rows @ self._lines
        self._cells = [
            [_cells_of(keys, places) for keys in self._keys(projected, level).T] for level in range(shape.levels)
        ]

    def first_met(
        self, queries: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Find for each query the groups it shares a cell with, and the smallest radius at which.

        Returns
        -------
        rows, groups : ndarray of int64, shape (hits,)
        radii : ndarray of float64, shape (hits,)
        """
        projected = queries @ self._lines
        known = np.empty(0, np.int64)  # row * groups + group, ascending
        met, radii = [known], [np.empty(0)]
        for level, tables in enumerate(self._cells):
            keys = self._keys(projected, level)
            pairs = [_in_cells(keys[:, table], cells, self._groups) for table, cells in enumerate(tables)]
            fresh = np.setdiff1d(np.concatenate(pairs), known)
            known = np.union1d(known, fresh)
            met.append(fresh)
            radii.append(np.full(len(fresh), self.radii[level]))
        pairs_met = np.concatenate(met)
        return pairs_met // max(self._groups, 1), pairs_met % max(self._groups, 1), np.concatenate(radii)

    def _keys(self, projected: NDArray[np.float32], level: int) -> NDArray[np.uint64]:
        """Return a key for each row and table."""
        cells = np.floor(projected / self._widths[level] + self._shifts[level]).astype(np.int64).view(np.uint64)
        mixed = (cells * self._factors).reshape(len(projected), self.shape.tables, self.shape.dims)
        keys: NDArray[np.uint64] = mixed.sum(axis=2, dtype=np.uint64)
        return keys


def _cells_of(keys: NDArray[np.uint64], places: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return each pair of a key and a group once, in the order of keys."""
    order = np.lexsort((places, keys))
    keys, places = keys[order], places[order]
    first = np.ones(len(keys), np.bool_)
    first[1:] = (keys[1:] != keys[:-1]) | (places[1:] != places[:-1])
    return keys[first], places[first]


def _in_cells(
    keys: NDArray[np.uint64], cells: tuple[NDArray[np.uint64], NDArray[np.int64]], groups: int
) -> NDArray[np.int64]:
    """Return row * groups + group for the groups in the cell of each row."""
    begin, end = np.searchsorted(cells[0], keys, "left"), np.searchsorted(cells[0], keys, "right")
    counts = end - begin
    rows = np.repeat(np.arange(len(keys)), counts)
    at = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(begin, counts)
    return np.asarray(rows * groups + cells[1][at], np.int64)

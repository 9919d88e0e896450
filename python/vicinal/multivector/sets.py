"""Sets of vectors as callers hold them, brought into one shape: all rows one after the other, and where sets begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.arrays import float_rows, id_numbers
from vicinal.errors import DimensionError, InvalidVectorError
from vicinal.settings import whole_number

__all__ = ["VectorSets", "pool_tokens"]

MOST_CODED = 450_000  # the largest factor, that of float16, times somewhat less than the largest code about zero


class VectorSets:
    """Rows of float32 or float16, shape (rows, dim), and int64 offsets: set i has rows offsets[i] to offsets[i + 1].

    None is empty, no row holds NaN or an infinity. Where `coded` says how many dimensions there are, rows are uint8:
    four bits an element (cpp/sets/four_bits.hpp).
    """

    def __init__(self, rows: NDArray[Any], offsets: NDArray[np.int64], coded: int | None = None) -> None:
        self.rows = rows
        self.offsets = offsets
        self.coded = coded

    @classmethod
    def of(
        cls, sets: ArrayLike | Sequence[ArrayLike], offsets: ArrayLike | None, dim: int | None, name: str, unit: bool
    ) -> VectorSets:
        """Take a list of arrays (n_i, dim), or one array of all rows with its offsets, or one set (n, dim).

        Parameters
        ----------
        sets, offsets : as above
        dim : int, optional
            What rows must have.
        name : str
            What messages call it.
        unit : bool
            Bring each row to length one.

        Raises
        ------
        DimensionError
            The rows have another dimension, or sets differ.
        InvalidVectorError
            A row holds NaN or an infinity, or is zero and has no direction.
        ValueError
            A set is empty, or offsets do not begin with 0, ascend, and end with the number of rows.
        """
        if offsets is None and isinstance(sets, (list, tuple)):
            parts = [_matrix(part, f"{name}[{i}]") for i, part in enumerate(sets)]
            for i, part in enumerate(parts):
                if not len(part):
                    raise ValueError(f"{name}[{i}] is an empty set, expected one vector or more")
                if part.shape[1] != parts[0].shape[1]:
                    raise DimensionError(f"{name}[{i}] has {part.shape[1]} dimensions, {name}[0] {parts[0].shape[1]}")
            rows = np.concatenate(parts) if parts else np.empty((0, dim or 1), np.float32)
            starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        else:
            rows = _matrix(sets, name)
            starts = np.array([0, len(rows)], np.int64) if offsets is None else _offsets(offsets, len(rows), name)
            if offsets is None and not len(rows):
                raise ValueError(f"{name} is an empty set, expected one vector or more")
        if dim is not None and rows.shape[1] != dim:
            raise DimensionError(f"{name} has vectors of {rows.shape[1]} dimensions, expected {dim}")
        _check_finite(rows, starts, name)
        return cls(_unit(rows, starts, name) if unit else rows, starts)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def dim(self) -> int:
        """Dimensions of a row."""
        return int(self.rows.shape[1]) if self.coded is None else self.coded

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each set."""
        return np.diff(self.offsets)

    def means(self) -> NDArray[np.float32]:
        """Return the mean row of each set, float32 of shape (sets, dim)."""
        sums = np.add.reduceat(self.rows.astype(np.float32), self.offsets[:-1], axis=0)
        return np.asarray(sums / self.counts[:, None], np.float32)

    def take(self, which: NDArray[np.int64]) -> VectorSets:
        """Return some of the sets, in this order."""
        counts = self.counts[which]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        places = np.repeat(self.offsets[which] - starts[:-1], counts) + np.arange(starts[-1])
        return VectorSets(self.rows[places], starts, self.coded)

    def part(self, first: int, last: int) -> VectorSets:
        """Return the sets first to last - 1, where they are."""
        begin, end = self.offsets[first], self.offsets[last]
        return VectorSets(self.rows[begin:end], self.offsets[first : last + 1] - begin, self.coded)

    def floats(self) -> VectorSets:
        """Return the sets with rows of numbers."""
        if self.coded is None:
            return self
        return VectorSets(_core.decoded_rows(np.ascontiguousarray(self.rows), self.coded), self.offsets)

    def joined(self, others: VectorSets) -> VectorSets:
        """Return these sets and after them the others."""
        rows = np.concatenate([self.rows, others.rows.astype(self.rows.dtype)])
        return VectorSets(rows, np.concatenate([self.offsets, others.offsets[1:] + self.offsets[-1]]), self.coded)


def _matrix(rows: Any, name: str) -> NDArray[Any]:
    array = float_rows(rows, name)
    if array.ndim != 2:
        raise DimensionError(f"{name} has shape {array.shape}, expected (vectors, dim)")
    return array


def _offsets(offsets: ArrayLike, rows: int, name: str) -> NDArray[np.int64]:
    starts = id_numbers(offsets, f"the offsets of {name}")  # as whole and as large as ids
    if not len(starts) or starts[0] != 0 or starts[-1] != rows:
        ends = f"{starts[0]} to {starts[-1]}" if len(starts) else "nothing to nothing"
        raise ValueError(f"the offsets of {name} go from {ends}, expected 0 to {rows}, the number of vectors")
    empty = np.flatnonzero(np.diff(starts) <= 0)
    if len(empty):
        raise ValueError(f"{name}[{empty[0]}] is an empty set, or the offsets do not ascend there")
    return starts


def _set_of(row: int, starts: NDArray[np.int64]) -> int:
    return int(np.searchsorted(starts, row, side="right")) - 1


def _check_finite(rows: NDArray[Any], starts: NDArray[np.int64], name: str) -> None:
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InvalidVectorError(f"{name}[{_set_of(row, starts)}] holds NaN or an infinity (row {row} of all)")


def _unit(rows: NDArray[Any], starts: NDArray[np.int64], name: str) -> NDArray[Any]:
    wide = rows.astype(np.float32, copy=False)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide, dtype=np.float64))
    if (lengths == 0).any():
        row = int(np.flatnonzero(lengths == 0)[0])
        raise InvalidVectorError(f"{name}[{_set_of(row, starts)}] holds a vector of zeros (row {row} of all)")
    return np.ascontiguousarray((wide / lengths[:, None]).astype(rows.dtype))


def halves(sets: VectorSets, name: str) -> NDArray[np.float16]:
    """Return the rows as float16. Raises InvalidVectorError where that does not hold a number."""
    with np.errstate(over="ignore"):
        rows = sets.rows.astype(np.float16)
    beyond = np.isinf(rows).any(axis=1)
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0])
        raise InvalidVectorError(
            f"{name}[{_set_of(row, sets.offsets)}] holds a number beyond what float16 holds (65504): take dtype='f32'"
        )
    return rows


def four_bits(sets: VectorSets, name: str) -> VectorSets:
    """Return the sets as four bits an element. Raises InvalidVectorError where one is beyond what these hold."""
    beyond = (np.abs(sets.rows) > MOST_CODED).any(axis=1)
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0])
        raise InvalidVectorError(
            f"{name}[{_set_of(row, sets.offsets)}] holds a number beyond what four bits hold (450000): take dtype='f32'"
        )
    return VectorSets(_core.coded_rows(sets.rows), sets.offsets, sets.dim)


def kept_sets(rows: NDArray[Any], offsets: NDArray[np.int64], kind: VectorSets) -> VectorSets:
    """Return the sets that a file holds, of the same kind as others. Raises ValueError, InvalidVectorError."""
    if kind.coded is None:
        return VectorSets.of(rows, offsets, kind.dim, "rows", unit=False)
    if rows.ndim != 2 or rows.shape[1] != kind.rows.shape[1]:
        raise ValueError(f"rows have shape {rows.shape}, expected (n, {kind.rows.shape[1]})")
    if not np.isfinite(rows[:, -2:].copy().view("<f2")).all():
        raise ValueError("rows have factors that are no numbers")
    return VectorSets(rows, _offsets(offsets, len(rows), "rows"), kind.coded)


def pool_tokens(rows: ArrayLike, offsets: ArrayLike, *, factor: int = 2) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Make about 1/factor as many vectors of each set: means of those that are alike.

    Parameters
    ----------
    rows : array_like of float32 or float16, shape (n, dim)
    offsets : array_like of int, shape (sets + 1,)
    factor : int
        1 leaves sets as they are.

    Returns
    -------
    rows : ndarray, shape (m, dim)
        Of the same type; means of unit vectors are brought to length one.
    offsets : ndarray of int64

    Raises
    ------
    ValueError, TypeError, DimensionError, InvalidVectorError
        As `MultiVectorIndex.add`; `factor` is no whole number from 1 on.

    References
    ----------
    Clavié, Chaffin, Adams, Reducing the Footprint of Multi-Vector Retrieval with Minimal Performance Impact via Token
    Pooling, arXiv 2409.14683: Ward's clustering of each document's tokens.

    Examples
    --------
    >>> import numpy as np
    >>> rows, offsets = pool_tokens(np.eye(6, dtype=np.float32)[[0, 0, 1, 1]], [0, 4])
    >>> rows.shape, offsets.tolist()
    ((2, 6), [0, 2])
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    each = whole_number("factor", factor, 1, 2**31)
    sets = VectorSets.of(rows, offsets, None, "rows", unit=True)
    if not len(sets):
        return sets.rows, sets.offsets
    pooled, counts = [], []
    for first, last in zip(sets.offsets[:-1], sets.offsets[1:], strict=True):
        part = sets.rows[first:last].astype(np.float32)
        wanted = -(-len(part) // each)
        if wanted < len(part):
            label = fcluster(linkage(part, "ward"), wanted, "maxclust")
            part = np.stack([part[label == one].mean(axis=0) for one in np.unique(label)])
            part /= np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
        pooled.append(part.astype(sets.rows.dtype))
        counts.append(len(part))
    return np.concatenate(pooled), np.cumsum([0, *counts], dtype=np.int64)

"""What readers of foreign files share: bytes that are checked before they are taken, and a graph made of arrays."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vicinal import _core
from vicinal.errors import CorruptIndexError
from vicinal.index import Index

LARGEST_ID = np.iinfo(np.int64).max
MAX_LEVEL = 16
ROWS_AT_ONCE = 16_384
ROOM_IN_ANY_CASE = 1 << 24  # lanes: 64 MB


class ForeignBytes:
    """The bytes of a file, from the front to the back; none is taken that is not there.

    Nothing is allocated by a length that the file only claims.
    """

    def __init__(self, data: bytes | memoryview | mmap.mmap, name: str) -> None:
        self._data = memoryview(data)
        self.name = name
        self.at = 0

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> ForeignBytes:
        """Map a file. Raises OSError."""
        name = os.fsdecode(path)
        with Path(name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        return cls(data, name)

    @property
    def left(self) -> int:
        """How many bytes have not been taken."""
        return len(self._data) - self.at

    def take(self, dtype: DTypeLike, count: int, what: str) -> NDArray[Any]:
        """Return the next `count` items: a view of the bytes. Raises CorruptIndexError where they are not there."""
        kind = np.dtype(dtype)
        if count < 0 or count * kind.itemsize > self.left:
            self.refuse(f"{what} take {count * kind.itemsize} bytes from byte {self.at} on, but {self.left} are left")
        items = np.frombuffer(self._data, kind, count, self.at) if count else np.empty(0, kind)
        self.at += count * kind.itemsize
        return items

    def number(self, dtype: DTypeLike, what: str) -> int:
        """Return the next whole number."""
        return int(self.take(dtype, 1, what)[0])

    def check(self, good: bool | np.bool_, what: str) -> None:
        """Raise CorruptIndexError unless it is good."""
        if not good:
            self.refuse(what)

    def refuse(self, what: str) -> NoReturn:
        """Raise CorruptIndexError."""
        raise CorruptIndexError(f"{self.name} is damaged: {what}")


@dataclass
class ForeignGraph:
    """A graph as other libraries have it: n vectors, each a node. Nobody has checked that it is sound."""

    vectors: NDArray[Any]  # (n, dim) as an `Index` of `dtype` takes them; packed bits: (n, dim // 8)
    ids: NDArray[Any]  # (n,), whole numbers
    levels: NDArray[np.int64]  # (n,), the highest of each
    counts: NDArray[np.int64]  # (n,), of links on level 0
    targets: NDArray[Any]  # (n, most), the first `counts` of each row hold
    upper_counts: NDArray[np.int64]  # (sum of levels,), by node and then by level, from 1 up
    upper_targets: NDArray[Any]  # (sum of levels, most)
    entry: int  # no node: -1
    gone: NDArray[np.bool_]  # (n,), removed, and walked through
    dtype: str = "f32"

    def adopt(self, metric: str, M: int, ef_construction: int, name: str, **options: Any) -> Index:
        """Make an index of it, with every check that a file of ours has to pass.

        Raises
        ------
        CorruptIndexError
            It is no sound graph.
        ValueError
            `options` are not those of an `Index`.
        """
        n, dim = self.vectors.shape
        _check_counts(self.counts, min(self.targets.shape[1], 2 * _core.MAX_M), name)
        _check_counts(self.upper_counts, min(self.upper_targets.shape[1], _core.MAX_M), name)
        self._cut_levels()
        width = max(M, -(-int(self.counts.max(initial=0)) // 2), int(self.upper_counts.max(initial=0)), _core.MIN_M)
        stored = self.targets.size + self.upper_targets.size
        _check_room(n, len(self.upper_counts), width, stored, name)
        if self.dtype == "b1":
            dim *= 8
        if metric == "ip":
            options = {"lift": "off", **options}
        like = Index(dim, metric, dtype=self.dtype, M=width, ef_construction=ef_construction, **options)
        if n == 0:
            return like
        _check_numbers(self.ids, self.levels, name)
        own = np.arange(n, dtype=np.uint32)
        loaded = _core.adopt(
            like,
            np.ascontiguousarray(self.vectors),
            self.ids.astype(np.int64),
            self.gone.astype(np.uint8),
            self.levels.astype(np.int8),
            _lanes(self.counts, self.targets, own, 2 * width, name),
            _lanes(self.upper_counts, self.upper_targets, np.repeat(own, self.levels), width, name),
            self.entry if 0 <= self.entry < n else n,
            name,
        )
        return Index._holding(loaded)

    def _cut_levels(self) -> None:
        """Leave out levels higher than ours go: with few links a node, graphs of millions have one or two of them."""
        if self.levels.max(initial=0) <= MAX_LEVEL or (self.levels < 0).any():
            return
        firsts = np.cumsum(self.levels) - self.levels
        level = np.arange(len(self.upper_counts)) - np.repeat(firsts, self.levels) + 1
        self.upper_counts, self.upper_targets = (
            rows[level <= MAX_LEVEL] for rows in (self.upper_counts, self.upper_targets)
        )
        self.levels = np.minimum(self.levels, MAX_LEVEL)


def _check_numbers(ids: NDArray[Any], levels: NDArray[np.int64], name: str) -> None:
    """What would not survive the way into smaller types."""
    if (levels < 0).any() or (levels > MAX_LEVEL).any():
        row = int(np.flatnonzero((levels < 0) | (levels > MAX_LEVEL))[0])
        raise CorruptIndexError(
            f"{name} is damaged: the level of row {row} is {levels[row]}, expected 0 to {MAX_LEVEL}"
        )
    wrong = ids > LARGEST_ID if ids.dtype.kind == "u" else ids < 0
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise CorruptIndexError(
            f"{name} cannot be taken over: the id of row {row} is {ids[row]}, expected 0 to {LARGEST_ID}"
        )


def _check_counts(counts: NDArray[np.int64], most: int, name: str) -> None:
    if (counts > most).any():
        row = int(np.flatnonzero(counts > most)[0])
        raise CorruptIndexError(f"{name} is damaged: a row has {counts[row]} links, expected at most {most}")


def _check_room(rows: int, upper_rows: int, width: int, stored: int, name: str) -> None:
    """Every row of ours has room for as many links as the longest: not for a file with one long row among many."""
    needed = rows * 2 * width + upper_rows * width
    if needed > 4 * stored + ROOM_IN_ANY_CASE:
        raise CorruptIndexError(
            f"{name} cannot be taken over: with room for {2 * width} links in each row the graph would be "
            f"{needed / max(stored, 1):.0f} times as large as in the file, expected up to 4 times"
        )


def _lanes(
    counts: NDArray[np.int64], targets: NDArray[Any], own: NDArray[np.uint32], width: int, name: str
) -> NDArray[np.uint32]:
    """Rows of links as the core has them: the links first, then the row's own number in every lane.

    A link that stands twice in a row stands there once: two threads that insert neighbors of each other at one time
    may both have written it, and no walk follows it again.
    """
    lanes = np.repeat(own[:, None], width, axis=1)
    most = min(width, targets.shape[1])
    for first in range(0, len(own), ROWS_AT_ONCE):
        some = slice(first, first + ROWS_AT_ONCE)
        there = np.arange(most) < counts[some, None]
        given, block = targets[some, :most], lanes[some]
        if (given[there] >= np.uint32(2**32 - 1)).any() or (there & (given == own[some, None])).any():
            raise CorruptIndexError(f"{name} is damaged: a link leads nowhere, or from a node to itself")
        block[:, :most][there] = given[there]
        ascending = np.sort(block, axis=1)
        again = ((ascending[:, 1:] == ascending[:, :-1]) & (ascending[:, 1:] != own[some, None])).any(axis=1)
        for row in np.flatnonzero(again):
            once = np.array(list(dict.fromkeys(block[row].tolist())), np.uint32)
            once = once[once != own[first + row]]
            block[row] = own[first + row]
            block[row, : len(once)] = once
    return lanes

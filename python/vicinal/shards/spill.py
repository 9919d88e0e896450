"""Rows on their way to their shards: one pass over a source of any length, a file of rows and one of ids per shard."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.arrays import vector_rows
from vicinal.errors import DuplicateIdError, InvalidVectorError
from vicinal.index import Index
from vicinal.shards.routing import split_by_shard

__all__ = ["Part", "spilled"]


@dataclass(frozen=True)
class Part:
    """What one shard is built from.

    Attributes
    ----------
    ids, rows : Path
        Raw files: int64, and rows in the form `vicinal.Index.add` takes them.
    width : int
        Elements of a row.
    element : str
        Their type, as numpy writes it.
    count : int
    source : str
        SHA-256 of settings, ids and rows: the same however the source was cut into batches.
    """

    ids: Path
    rows: Path
    width: int
    element: str
    count: int
    source: str

    def numbers(self) -> NDArray[np.int64]:
        """Read the ids."""
        return np.fromfile(self.ids, dtype=np.int64)

    def vectors(self) -> NDArray[Any]:
        """Map the rows."""
        if self.count == 0:
            return np.empty((0, self.width), dtype=self.element)
        return np.memmap(self.rows, dtype=self.element, mode="r", shape=(self.count, self.width))


class _Pile:
    """The files of one shard while they grow."""

    def __init__(self, folder: Path, number: int, settings: str) -> None:
        self._paths = folder / f"{number:05d}.ids", folder / f"{number:05d}.rows"
        self._digests = hashlib.sha256(settings.encode()), hashlib.sha256()
        self._count = 0
        for path in self._paths:
            path.write_bytes(b"")

    def take(self, ids: NDArray[np.int64], rows: NDArray[Any]) -> None:
        for path, digest, array in zip(self._paths, self._digests, (ids, rows), strict=True):
            piece = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            digest.update(piece)
            with path.open("ab") as file:  # opened each time: there may be more shards than a process may open files
                file.write(piece)
        self._count += len(ids)

    def part(self, width: int, element: np.dtype[Any]) -> Part:
        whole = hashlib.sha256("\n".join(digest.hexdigest() for digest in self._digests).encode()).hexdigest()
        return Part(*self._paths, width, element.str, self._count, whole)


def spilled(batches: Iterator[tuple[NDArray[np.int64], Any]], like: Index, folder: Path, shards: int) -> list[Part]:
    """Write every row where its shard will find it, and check each: nothing is built before all are right.

    Parameters
    ----------
    batches : iterator of (ids, rows)
    like : Index
        Empty, with the settings of the shards: says what a row may be.
    folder : Path
    shards : int

    Raises
    ------
    DimensionError, InvalidVectorError, DuplicateIdError, TypeError, OSError
        The message names the row of the source.
    """
    settings = json.dumps([like._options(), shards], sort_keys=True)
    piles = [_Pile(folder, number, settings) for number in range(shards)]
    width, element, first = 0, np.dtype(np.float32), 0
    for ids, given in batches:
        rows = vector_rows(given, "source", like.dim, like.dtype)
        try:
            like._check(rows, 0)
        except InvalidVectorError as error:
            raise InvalidVectorError(f"source, in the batch that starts at row {first}: {error}") from None
        for number, places in split_by_shard(ids, shards).items():
            piles[number].take(ids[places], rows[places])
        width, element, first = rows.shape[1], rows.dtype, first + len(rows)
    parts = [pile.part(width, element) for pile in piles]
    for part in parts:
        _check_ids(part.numbers())
    return parts


def _check_ids(ids: NDArray[np.int64]) -> None:
    """Equal ids have the same shard, so that each can be looked at alone."""
    ordered = np.sort(ids)
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if twice.size:
        raise DuplicateIdError(f"ids holds {ordered[twice[0]]} more than once")

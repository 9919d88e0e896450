"""One shard as whoever works on it sees it: mapped when it is first needed, in whatever process that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import CorruptIndexError, MismatchError, VicinalError
from vicinal.index import Index
from vicinal.shards.manifest import Entry
from vicinal.shards.routing import shard_of

__all__ = ["Shard", "named_error", "range_one", "search_one"]

_opened_here: dict[tuple[Path, int], tuple[str, Index | None]] = {}  # what a worker process keeps mapped, by digest


class Shard:
    """A shard's place, and its index once it was opened; a pickled one is opened again where it arrives."""

    def __init__(self, folder: Path, number: int, of: int, entry: Entry, settings: dict[str, Any]) -> None:
        self.folder, self.number, self.of, self.entry, self.settings = folder, number, of, entry, settings
        self._index: Index | None = None

    @property
    def path(self) -> Path:
        """The shard's file."""
        return self.folder / self.entry.file(self.number)

    def index(self) -> Index:
        """Return the index, mapped: in another process than the one that opened it, by the first call there.

        Raises
        ------
        FileNotFoundError, CorruptIndexError, MismatchError, NotAnIndexError, FormatTooNewError, OSError
            The message names the shard.
        """
        if self._index is None:
            key = (self.folder, self.number)
            digest, index = _opened_here.get(key, ("", None))
            if index is None or digest != self.entry.sha256:
                index = self.open().index()
                _opened_here[key] = self.entry.sha256, index
            self._index = index
        return self._index

    def open(self) -> Shard:
        """Map the file and compare it with the manifest."""
        try:
            self._index = self._compared()
        except Exception as error:
            raise named_error(self, error) from error
        return self

    def _compared(self) -> Index:
        if not self.path.exists():
            raise FileNotFoundError(2, f"{self} is missing", str(self.path))
        size = self.path.stat().st_size
        if size != self.entry.bytes:
            raise CorruptIndexError(f"{size} bytes, expected {self.entry.bytes} as the manifest says")
        index = Index.load(self.path, mmap=True)
        found = index._options()
        for name, value in self.settings.items():
            if found[name] != value:
                raise MismatchError(f"has {name}={found[name]!r}, expected {value!r} as the manifest says")
        ids = index.ids
        bounds = (int(ids[0]), int(ids[-1])) if len(ids) else (-1, -1)
        if len(ids) != self.entry.vectors or bounds != (self.entry.least_id, self.entry.largest_id):
            raise MismatchError(f"{len(ids)} vectors, expected {self.entry.vectors} with the ids of the manifest")
        astray = np.flatnonzero(shard_of(ids, self.of) != self.number)
        if astray.size:
            raise MismatchError(f"holds id {ids[astray[0]]}, which belongs to another shard")
        return index

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_index": None}


def search_one(
    shard: Shard, queries: NDArray[Any], k: int, ef: int, exact: bool, threads: int, stats: bool, filters: Any
) -> tuple[NDArray[np.int64], NDArray[np.float32], dict[str, Any] | None]:
    """Search one shard; `filters` is None, or a list as the core takes it."""
    try:
        return shard.index()._search(_in_place(queries), k, ef, exact, threads, stats, 0.0, 0, filters)
    except CorruptIndexError as error:
        raise named_error(shard, error) from error


def range_one(
    shard: Shard, queries: NDArray[Any], radius: float, exact: bool, threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Find everything within a radius in one shard."""
    try:
        return shard.index()._range_search(_in_place(queries), radius, exact, threads)
    except CorruptIndexError as error:
        raise named_error(shard, error) from error


def _in_place(queries: NDArray[Any]) -> NDArray[Any]:
    """Return queries as the core reads them: with numpy's own element type, of which pickle makes a copy."""
    return np.require(queries, requirements=["C", "A"]).view(np.dtype(queries.dtype.str))


def named_error(shard: Shard, error: Exception) -> Exception:
    """Return an error of the same kind whose message names the shard."""
    name = f"{shard} ({shard.path.name})"
    if not isinstance(error, VicinalError) or str(error).startswith("shard "):
        return error
    return type(error)(f"{name}: {error}")

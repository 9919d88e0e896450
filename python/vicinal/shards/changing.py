"""Vectors that come to, change in and leave a folder of shards.

A change writes the files of the shards it touches anew, under names of the next generation, and then the manifest,
in one step: before that the folder is what it was, after it the whole change is there. The old files are dropped
last; whoever has them mapped keeps them. So a change costs as much as writing its shards, and many rows are best
changed by one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vicinal._core import MAX_THREADS
from vicinal.arrays import IdsLike, VectorsLike, id_numbers, one_id, vector_rows
from vicinal.errors import DimensionError, DuplicateIdError, MismatchError, ReadOnlyError
from vicinal.index import Index
from vicinal.settings import whole_number
from vicinal.shards.locked import only_writer
from vicinal.shards.manifest import Entry, file_sha256, read_manifest
from vicinal.shards.opened import OpenShards, State, unknown
from vicinal.shards.routing import split_by_shard
from vicinal.shards.shard import Shard

__all__ = ["ChangingShards"]

Change = Callable[[Index, NDArray[np.int64]], object]  # is given a shard, and the places in the call that are its own


class ChangingShards(OpenShards):
    """The part of `ShardedIndex` that changes."""

    def add(self, vectors: VectorsLike, ids: IdsLike | None = None, *, threads: int = 0) -> NDArray[np.int64]:
        """Add vectors, each to the shard of its id; all of them, or after an error none.

        Parameters
        ----------
        vectors : array_like, shape (n, dim)
        ids : array_like of int, shape (n,), optional
            By default consecutive ones, starting at the largest id ever used + 1.
        threads : int

        Returns
        -------
        ndarray of int64, shape (n,)

        Raises
        ------
        DimensionError, InvalidVectorError, DuplicateIdError, OverflowError, TypeError, MemoryError
            As for `vicinal.Index.add`.
        ReadOnlyError
            A shard does not answer.
        MismatchError
            The folder was changed by somebody else since it was opened.
        BlockingIOError
            Somebody else is changing it.
        OSError
            A file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import vicinal
        >>> folder = tempfile.TemporaryDirectory()
        >>> index = vicinal.shards.build_sharded([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], folder.name, shards=2)
        >>> index.add([[5.0, 5.0]]).tolist(), len(index)
        ([3], 4)
        >>> index.upsert([3, 9], [[6.0, 6.0], [7.0, 7.0]])
        >>> index.remove([0])
        >>> index.ids.tolist(), index.get(3).tolist()
        ([1, 2, 3, 9], [6.0, 6.0])
        >>> index.close()
        >>> folder.cleanup()
        """
        rows = vector_rows(vectors, "vectors", self.dim, self.dtype)
        state = self._state
        if ids is None:
            first = state.manifest.next_id
            if len(rows) > 2**63 - first:
                raise OverflowError(f"there are no {len(rows)} ids left from {first} on; give ids")
            numbers = np.arange(len(rows), dtype=np.int64) + first
        else:
            numbers = id_numbers(ids)
        workers = _checked(rows, numbers, threads)
        for number, places in split_by_shard(numbers, len(state.shards)).items():
            if number not in state.missing:
                here = np.isin(numbers[places], state.shards[number].index().ids)
                if here.any():
                    raise DuplicateIdError(f"id {numbers[places][here][0]} is in the index already")
        self._change(state, numbers, lambda shard, mine: shard.add(rows[mine], numbers[mine], threads=workers))
        return numbers

    def update(self, ids: IdsLike, vectors: VectorsLike, *, threads: int = 0) -> None:
        """Give vectors that are in the index new values; all of them, or after an error none.

        Parameters
        ----------
        ids : array_like of int, shape (n,)
        vectors : array_like, shape (n, dim)
        threads : int

        Raises
        ------
        UnknownIdError
            An id is not in the index.
        DimensionError, InvalidVectorError, DuplicateIdError, ReadOnlyError, MismatchError, OSError
            As for `add`.
        """
        rows, numbers, workers = self._given(vectors, ids, threads)
        state = self._state
        _all_there(state, numbers)
        self._change(state, numbers, lambda shard, mine: shard.update(numbers[mine], rows[mine], threads=workers))

    def upsert(self, ids: IdsLike, vectors: VectorsLike, *, threads: int = 0) -> None:
        """Update the ids that are in the index and add the others; all of them, or after an error none.

        Parameters
        ----------
        ids : array_like of int, shape (n,)
        vectors : array_like, shape (n, dim)
        threads : int

        Raises
        ------
        DimensionError, InvalidVectorError, DuplicateIdError, ReadOnlyError, MismatchError, OSError
            As for `add`; an id is a duplicate only if it is twice in `ids`.
        """
        rows, numbers, workers = self._given(vectors, ids, threads)
        self._change(self._state, numbers, lambda shard, mine: shard.upsert(numbers[mine], rows[mine], threads=workers))

    def remove(self, ids: IdsLike) -> None:
        """Remove vectors; all of them, or after an error none.

        Parameters
        ----------
        ids : array_like of int, shape (n,), or int

        Raises
        ------
        UnknownIdError, DuplicateIdError
            An id is not in the index, or named twice.
        ReadOnlyError, MismatchError, OSError
            As for `add`.
        """
        number = one_id(ids)
        numbers = id_numbers(ids) if number is None else np.array([number], dtype=np.int64)
        _check_twice(numbers)
        state = self._state
        _all_there(state, numbers)
        self._change(state, numbers, lambda shard, mine: shard.remove(numbers[mine]))

    def _given(
        self, vectors: VectorsLike, ids: IdsLike, threads: int
    ) -> tuple[NDArray[np.generic], NDArray[np.int64], int]:
        """Check what `update` and `upsert` are given."""
        rows, numbers = vector_rows(vectors, "vectors", self.dim, self.dtype), id_numbers(ids)
        return rows, numbers, _checked(rows, numbers, threads)

    def _change(self, state: State, ids: NDArray[np.int64], change: Change) -> None:
        if state.missing:
            raise ReadOnlyError(f"a sharded index that answers in part cannot be changed: {state.coverage}")
        if len(ids) == 0:
            return
        with only_writer(self._folder):
            if self._now is not state or read_manifest(self._folder) != state.manifest:
                raise MismatchError(f"{self._folder}: the folder was changed since it was opened; open it again")
            self._now = self._rewritten(state, ids, change)
            named = {shard.path.name for shard in self._now.shards}
            for path in self._folder.glob("shard-*.vicinal"):  # also what a change left that was killed
                if path.name not in named:
                    path.unlink(missing_ok=True)

    def _rewritten(self, state: State, ids: NDArray[np.int64], change: Change) -> State:
        """Write the shards that the ids belong to, and the manifest that names them."""
        generation = state.manifest.generation + 1
        shards = list(state.shards)
        try:
            for number, places in split_by_shard(ids, len(shards)).items():
                old = shards[number]
                index = Index.load(old.path)
                change(index, places)
                shards[number] = Shard(self._folder, number, len(shards), Entry(generation, 0, 0, 0, 0, "", None),
                                       old.settings)  # fmt: skip
                index.save(shards[number].path)
                shards[number].entry = _entry(shards[number], index)
                shards[number].open()
            manifest = replace(
                state.manifest,
                shards=tuple(shard.entry for shard in shards),
                generation=generation,
                next_id=max(state.manifest.next_id, int(ids.max()) + 1),
            )
            manifest.write(self._folder)
        except BaseException:
            # The manifest may have been replaced before the error came: then it names the new files.
            if read_manifest(self._folder).generation != generation:
                for shard in shards:
                    if shard.entry.generation == generation:
                        shard.path.unlink(missing_ok=True)
            raise
        return State(manifest, tuple(shards), {})


def _entry(shard: Shard, index: Index) -> Entry:
    ids = index.ids
    bounds = (int(ids[0]), int(ids[-1])) if len(ids) else (-1, -1)
    return Entry(shard.entry.generation, len(ids), *bounds, shard.path.stat().st_size, file_sha256(shard.path), None)


def _checked(rows: NDArray[np.generic], ids: NDArray[np.int64], threads: int) -> int:
    if len(ids) != len(rows):
        raise DimensionError(f"ids has shape {ids.shape}, expected ({len(rows)},): vectors has {rows.shape}")
    _check_twice(ids)
    return whole_number("threads", threads, 0, MAX_THREADS)


def _check_twice(ids: NDArray[np.int64]) -> None:
    ordered = np.sort(ids)
    twice = np.flatnonzero(ordered[1:] == ordered[:-1])
    if twice.size:
        raise DuplicateIdError(f"ids holds {ordered[twice[0]]} more than once")


def _all_there(state: State, ids: NDArray[np.int64]) -> None:
    for number, places in split_by_shard(ids, len(state.shards)).items():
        shard = state.shards[number]
        gone = ids[places]
        if number not in state.missing:
            gone = gone[~np.isin(gone, shard.index().ids)]
        if len(gone):
            raise unknown(int(gone[0]), shard, state.missing)

"""Vectors that change and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from vicinal._core import MAX_THREADS
from vicinal.arrays import IdsLike, VectorsLike, id_numbers, one_id, vector_rows
from vicinal.errors import DimensionError
from vicinal.index.groups import group_numbers
from vicinal.index.stored import StoredIndex
from vicinal.progress import Progress, reporting
from vicinal.settings import accepts, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from vicinal.index import Index

__all__ = ["ChangingIndex"]

NO_IDS = np.empty(0, dtype=np.int64)


class ChangingIndex(StoredIndex):
    """What `vicinal.Index` inherits of changes."""

    __slots__ = ()

    @accepts(keys="ids", num_threads="threads")
    def update(
        self,
        ids: IdsLike,
        vectors: VectorsLike,
        *,
        groups: IdsLike | None = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> None:
        """Give vectors that are in the index new values.

        An id answers with its old vector to each search that begins before its change, and with the new one
        to each that begins later: it is never missing and never there twice.

        Parameters
        ----------
        ids : array_like of int, shape (n,), or int
            Each in the index, none twice.
        vectors : array_like, shape (n, dim), or (dim,) with a single id
            As in `add`.
        groups : array_like of int, shape (n,), optional
            As in `add`. By default each id keeps the group it has.
        threads : int
            0 takes all cores this process may use.
        progress : bool or callable, optional
            As in `add`.

        Raises
        ------
        UnknownIdError
            An id is not in the index.
        DimensionError, InvalidVectorError, DuplicateIdError, MemoryError
            As for `add`. After these, as after `UnknownIdError`, the index is unchanged.
        Interrupted
            Ctrl-C; its ``added`` holds the ids that have their new vectors.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[0.0, 0.0], [1.0, 1.0]])
        >>> index.update([0], [[5.0, 5.0]])
        >>> index.get(0).tolist(), index.search([4.0, 4.0], k=1).ids.tolist()
        ([5.0, 5.0], [0])
        """
        self._write(self._update, ids, vectors, groups, threads, progress)

    @accepts(keys="ids", num_threads="threads")
    def upsert(
        self,
        ids: IdsLike,
        vectors: VectorsLike,
        *,
        groups: IdsLike | None = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> None:
        """Update the ids that are in the index and add the others.

        Parameters
        ----------
        ids, vectors, groups, threads, progress
            As in `update`; where the vectors of the index have groups, `groups` is not optional for new ids.

        Raises
        ------
        DimensionError, InvalidVectorError, DuplicateIdError, ValueError, MemoryError, Interrupted
            As for `add` and `update`; an id is a duplicate only if it is twice in `ids`.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> index.upsert([7], [[0.0, 0.0]])
        >>> index.upsert([7, 8], [[1.0, 1.0], [2.0, 2.0]])
        >>> index.get([7, 8]).tolist()
        [[1.0, 1.0], [2.0, 2.0]]
        """
        self._write(self._upsert, ids, vectors, groups, threads, progress)

    def _write(
        self,
        write: Callable[..., NDArray[np.int64]],
        ids: IdsLike,
        vectors: VectorsLike,
        groups: IdsLike | None,
        threads: int,
        progress: Progress,
    ) -> None:
        index = cast("Index", self)
        number = one_id(ids)
        numbers = id_numbers(ids) if number is None else np.array([number], dtype=np.int64)
        rows = vector_rows(_one_row(vectors) if number is not None else vectors, "vectors", index.dim, index.dtype)
        if len(numbers) != len(rows):
            raise DimensionError(f"ids has shape {numbers.shape}, expected ({len(rows)},): vectors has {rows.shape}")
        parts = NO_IDS if groups is None else group_numbers(groups, len(rows))
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        with reporting(progress, "vectors") as report, self._alone():
            write(rows, numbers, parts, NO_IDS, workers, report)

    @accepts(keys="ids")
    def remove(self, ids: IdsLike) -> None:
        """Remove vectors. A search that starts afterwards never reports them.

        What led through them is led around them, by this call and by the next ones that add, update or remove; their
        memory is used again by what is added later (`stats` tells how many wait). `compact` returns it at once.

        Parameters
        ----------
        ids : array_like of int, shape (n,), or int

        Raises
        ------
        UnknownIdError
            An id is not in the index. Nothing has been removed.
        DuplicateIdError
            An id is named twice. Nothing has been removed.
        KeyboardInterrupt
            Ctrl-C, while links were being repaired: the vectors are removed.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0], [3.0, 4.0]])
        >>> index.remove([0])
        >>> 0 in index, len(index)
        (False, 1)
        """
        number = one_id(ids)
        with self._alone():
            self._remove(id_numbers(ids) if number is None else np.array([number], dtype=np.int64), 0)

    def snapshot(self) -> Index:
        """Return the vectors of this moment, and no others, for as long as they are kept.

        It takes no time and next to no memory: rows and links are those of the index. Whatever the index adds, updates
        or removes from now on, the snapshot does not show; meanwhile the index keeps what it removes, and sweeps it out
        when the snapshot is gone, or when it has grown into new memory.

        Returns
        -------
        Index
            To be searched and read by any number of threads; it can be neither changed nor saved.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0], [3.0, 4.0]])
        >>> snapshot = index.snapshot()
        >>> index.remove([0])
        >>> index.ids.tolist(), snapshot.ids.tolist()
        ([1], [0, 1])
        """
        with self._alone():
            return cast("Index", self._holding(self._snapshot()))

    @accepts(num_threads="threads")
    def compact(self, *, threads: int = 0) -> None:
        """Return the memory of what was removed.

        Links that still lead through removed vectors are repaired, and the others move together. Searches go on
        meanwhile, and answer the same before and after. Needs as much memory again as the index has, for a while.

        Parameters
        ----------
        threads : int
            0 takes all cores this process may use.

        Raises
        ------
        MemoryError, KeyboardInterrupt
            The index answers as before.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0], [3.0, 4.0]])
        >>> index.remove([0])
        >>> index.compact()
        >>> index.stats()["graph"]["vacant"], index.ids.tolist()
        (0, [1])
        """
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        with self._alone():
            self._compact(workers)

    @accepts(num_threads="threads")
    def optimize(self, *, threads: int = 0) -> None:
        """Do as `compact` does, and lay vectors that walks read together beside each other.

        The order of rows is that of Gorder (Wei et al., "Speedup Graph Processing by Graph Ordering", SIGMOD 2016).
        Ids and answers do not change. Of 1 000 000 SIFT vectors searches became 1.11 to 1.17 times as fast, of 100 000
        they stayed as fast as they were (``python bench/optimize.py``).

        Parameters
        ----------
        threads : int
            0 takes all cores this process may use.

        Raises
        ------
        MemoryError, KeyboardInterrupt
            The index answers as before.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0], [3.0, 4.0]])
        >>> index.optimize()
        >>> index.search([3.0, 4.0], k=1).ids.tolist()
        [1]
        """
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        with self._alone():
            self._optimize(workers)


def _one_row(vectors: VectorsLike) -> Any:
    """Return a vector that is given alone, for a single id, as a row."""
    shape = np.shape(cast("Any", vectors))
    return np.asarray(vectors)[np.newaxis] if len(shape) == 1 else vectors

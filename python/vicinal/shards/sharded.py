"""A sharded index: the face of an index, over many files."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal._core import ALWAYS_ALLOWED_K, MAX_THREADS
from vicinal.arrays import IdsLike, VectorsLike, id_numbers, one_id, query_rows
from vicinal.errors import RecallError, VicinalError
from vicinal.index import IdSet
from vicinal.index.filters import Filter, core_filters
from vicinal.index.within import radius_of
from vicinal.settings import accepts, truth, whole_number
from vicinal.shards.changing import ChangingShards
from vicinal.shards.coverage import ShardedResult
from vicinal.shards.efforts import TunedShards
from vicinal.shards.health import ShardsHealth, check_one
from vicinal.shards.merge import merged_hits, merged_ranges, merged_work
from vicinal.shards.opened import FAULTS, unknown
from vicinal.shards.routing import split_by_shard
from vicinal.shards.shard import range_one, search_one

__all__ = ["ShardedIndex"]


class ShardedIndex(ChangingShards, TunedShards):
    """A folder of shards that answers as one `vicinal.Index` would: see `open` and `build_sharded`.

    Rows lie in shards by a hash of their ids. Each query goes to every shard, and their answers are merged by
    (distance, id): with ``exact=True`` they are those of a single index. Any number of threads may search.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import vicinal
    >>> rows = np.random.default_rng(0).random((500, 8), dtype=np.float32)
    >>> folder = tempfile.TemporaryDirectory()
    >>> vicinal.shards.build_sharded(rows, folder.name, shards=3).close()
    >>> with vicinal.shards.ShardedIndex.open(folder.name) as index:
    ...     found = index.search(rows[:2], k=1)
    >>> found.ids.tolist(), found.coverage.complete
    ([[0], [1]], True)
    >>> folder.cleanup()
    """

    def __init__(self) -> None:
        raise TypeError("a sharded index is made by build_sharded(source, folder, shards=...) or ShardedIndex.open")

    @accepts(count="k", expansion_search="ef", num_threads="threads")
    def search(
        self,
        queries: VectorsLike,
        k: int = 10,
        *,
        ef: int | None = None,
        recall: float | None = None,
        filter: Filter = None,  # noqa: A002
        radius: float | None = None,
        exact: bool = False,
        threads: int = 0,
        stats: bool = False,
        strict: bool = False,
    ) -> ShardedResult:
        """Find the nearest vectors of each query, in all shards.

        Parameters
        ----------
        queries : array_like, shape (m, dim) or (dim,)
        k : int
        ef : int, optional
            Width of the beam in each shard. By default the effort that `tune` found for 0.95, or max(64, 2k).
        recall : float, optional
            The share of the true neighbors that the merged answer finds, in place of `ef`; see `tune`.
        filter : mask, ids, IdSet, bitmap, callable, or list of these, optional
            As for `vicinal.Index.search`; a mask is in the order of ``ids``.
        radius : float, optional
            Cut the rows where the distance is larger than this.
        exact : bool
            Compare with every vector.
        threads : int
            For each shard. 0 shares the cores this process may use among the shards that are searched at once.
        stats : bool
            Report the work, of all shards together, in the result's ``stats``.
        strict : bool
            Raise `RecallError` where a query has fewer than k neighbors, not counting what `radius` cuts.

        Returns
        -------
        ShardedResult
            As `vicinal.SearchResult`; its ``coverage`` says which part of the data was searched.

        Raises
        ------
        DimensionError, InvalidVectorError, ValueError, TypeError, OverflowError, NotTunedError, RecallError
            As for `vicinal.Index.search`.
        CorruptIndexError, OSError
            A shard is damaged; the message names it. With ``partial=True`` the others answer.

        Warns
        -----
        DataWarning
            With `recall`, when the number of vectors has changed by more than 20 % since `tune` was called.
        """
        state = self._state
        rows, is_single = query_rows(queries, self.dim, self.dtype)
        wanted = whole_number("k", k, 1, max(len(self), ALWAYS_ALLOWED_K))
        width = self._widths(state, wanted, ef, recall)
        workers = whole_number("threads", threads, 0, MAX_THREADS) or self._shares(state.there)
        limit = None if radius is None else radius_of(radius)
        filters, compare, work = self._admitted(filter, len(rows)), truth("exact", exact), truth("stats", stats)
        answers, told = self._asked(
            state,
            search_one,
            lambda s: (rows, min(wanted, max(s.entry.vectors, 1)), width(s), compare, workers, work, filters),
        )
        ids, distances = merged_hits([answer[:2] for answer in answers], len(rows), wanted)
        if truth("strict", strict):
            _check_full(ids, wanted)
        if limit is not None:
            beyond = distances > limit
            ids[beyond], distances[beyond] = -1, np.inf
        if is_single:
            ids, distances = ids[0], distances[0]
        total = merged_work([answer[2] for answer in answers], len(rows)) if work else None
        result = ShardedResult(ids, distances, self.metric, total)
        result.coverage = told.coverage
        return result

    def range_search(
        self, queries: VectorsLike, radius: float, *, exact: bool = False, threads: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Find everything within a radius of each query, in all shards.

        Parameters
        ----------
        queries, radius, exact, threads
            As for `vicinal.Index.range_search` and `search`.

        Returns
        -------
        lims : ndarray of int64, shape (m + 1,)
        ids : ndarray of int64, shape (lims[-1],)
        distances : ndarray of float32, shape (lims[-1],)
            With ``partial=True``, ``coverage`` says what was searched.

        Raises
        ------
        DimensionError, InvalidVectorError, ValueError, TypeError, CorruptIndexError, OSError
            As for `search`.
        """
        state = self._state
        rows, _ = query_rows(queries, self.dim, self.dtype)
        workers = whole_number("threads", threads, 0, MAX_THREADS) or self._shares(state.there)
        limit, compare = radius_of(radius), truth("exact", exact)
        answers, _ = self._asked(state, range_one, lambda _: (rows, limit, compare, workers))
        return merged_ranges(answers, len(rows))

    def get(self, ids: IdsLike) -> NDArray[Any]:
        """Return vectors as they were added.

        Parameters
        ----------
        ids : array_like of int, shape (n,), or int

        Returns
        -------
        ndarray, shape (n, dim)
            One row, of one dimension, for a single number; types as for `vicinal.Index.get`.

        Raises
        ------
        UnknownIdError
            An id is not in the index, or its shard does not answer.
        """
        state = self._state
        number = one_id(ids)
        numbers = id_numbers(ids) if number is None else np.array([number], dtype=np.int64)
        rows = np.empty((len(numbers), self._width()), dtype=self._element())
        for owner, places in split_by_shard(numbers, len(state.shards)).items():
            shard, mine = state.shards[owner], numbers[places]
            if owner in state.missing:
                raise unknown(int(mine[0]), shard, state.missing)
            index = shard.index()
            gone = mine[~np.isin(mine, index.ids)] if len(mine) > 1 else mine[[int(mine[0]) not in index]]
            if len(gone):
                raise unknown(int(gone[0]), shard, state.missing)
            rows[places] = index._get(mine)
        return rows if number is None else rows[0]

    def check(self) -> ShardsHealth:
        """Read every shard as a whole: its digest, its bytes, its vectors and its links.

        Returns
        -------
        ShardsHealth
            Prints as a report; ``ok`` says whether anything is wrong. A shard that is missing or damaged is one of its
            ``faults``, and no error.
        """
        state = self._state
        outcomes = self._executor.run(check_one, [(shard,) for shard in state.shards])
        faults = {number: str(found) for number, found in enumerate(outcomes) if isinstance(found, FAULTS)}
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, (*FAULTS, VicinalError)):
                raise outcome
        shards = {number: found for number, found in enumerate(outcomes) if number not in faults}
        return ShardsHealth(shards, faults, state.coverage)

    def stats(self) -> dict[str, Any]:
        """Say what the index is made of.

        Returns
        -------
        dict
            ``"memory"``: bytes by part, summed over the shards; ``"shards"``: for each that answers its number, file,
            vectors and bytes; ``"tuned"``: what `tune` found, or None; ``"coverage"``: which part answers;
            ``"kernels"``: the instruction set in use; ``"generation"``: changes since it was built.
        """
        state = self._state
        memory: Counter[str] = Counter()
        for shard in state.there:
            memory.update(shard.index().stats()["memory"])
        return {
            "memory": dict(memory),
            "shards": [
                {"number": s.number, "file": s.path.name, "vectors": s.entry.vectors, "bytes": s.entry.bytes}
                for s in state.there
            ],
            "tuned": state.manifest.calibration,
            "coverage": state.coverage,
            "kernels": _core.kernels_in_use(),
            "generation": state.manifest.generation,
        }

    def _admitted(self, given: Filter, queries: int) -> list[IdSet] | None:
        """Return a filter as sets of ids, which mean the same in every shard."""
        parts = core_filters(given, self, queries)  # type: ignore[arg-type]  # asks for len and ids only
        return None if parts is None else [self._id_set(part) for part in parts]

    def _id_set(self, part: _core.IdSet | _core.AttributeFilter | NDArray[np.uint8]) -> IdSet:
        if isinstance(part, IdSet):
            return part
        if isinstance(part, (_core.IdSet, _core.AttributeFilter)):
            return IdSet(part._ids())
        ids = self.ids
        if len(part) != len(ids):
            raise ValueError(f"filter is a mask of {len(part)}, expected {len(ids)}: an entry for each of index.ids")
        return IdSet(ids[part.view(np.bool_)])

    def _width(self) -> int:
        return self.dim // 8 if self.dtype == "b1" else self.dim

    def _element(self) -> type[np.generic]:
        return {"i8": np.int8, "u8": np.uint8, "b1": np.uint8}.get(self.dtype, np.float32)


def _check_full(ids: NDArray[np.int64], wanted: int) -> None:
    counts = np.count_nonzero(ids >= 0, axis=1)
    short = np.flatnonzero(counts < wanted)
    if short.size:
        row = int(short[0])
        raise RecallError(
            f"queries row {row} has {int(counts[row])} neighbors, expected k={wanted} (strict=True); "
            f"{short.size} of {len(ids)} queries are short"
        )

"""The index: an HNSW graph over vectors, in memory."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal._core import ALWAYS_ALLOWED_K, MAX_DIM, MAX_EF, MAX_M, MAX_THREADS, MAX_VECTORS, MIN_M
from vicinal.arrays import IdsLike, VectorsLike, id_numbers, one_id, query_rows, vector_rows
from vicinal.errors import DimensionError, RecallError
from vicinal.index.attributes import Attributes
from vicinal.index.changing import ChangingIndex
from vicinal.index.durable import DurableIndex
from vicinal.index.entering import chosen_order
from vicinal.index.filters import Filter, IdSet, core_filters
from vicinal.index.groups import group_numbers
from vicinal.index.health import CheckedIndex, Health
from vicinal.index.tiers import TieredIndex
from vicinal.index.tuned import TunedIndex
from vicinal.index.within import RadiusIndex, radius_of
from vicinal.order import Order
from vicinal.progress import Progress, reporting
from vicinal.result import SearchResult
from vicinal.settings import (
    LIFTS,
    MAX_SEED,
    TRAVERSALS,
    accepts,
    codes_and_tier,
    metric_and_dtype,
    one_of,
    truth,
    whole_number,
)

__all__ = ["Attributes", "Health", "IdSet", "Index"]

NO_IDS = np.empty(0, dtype=np.int64)


class Index(DurableIndex, RadiusIndex, TunedIndex, ChangingIndex, CheckedIndex, TieredIndex):
    """Approximate nearest neighbors of vectors, by a hierarchical navigable small-world graph (HNSW).

    The graph is that of Malkov and Yashunin (arXiv 1603.09320), built in parallel and yet the same, byte for byte,
    for any number of threads. It grows as needed. Any number of threads may search while one adds, updates or removes.

    Parameters
    ----------
    dim : int
        Elements of a vector, 1 to 65 536; for packed bits, bits, a multiple of 8.
    metric : str
        Smaller is closer. ``"l2"``: squared Euclidean distance; ``"ip"``: 1 - x·y; ``"cosine"``: 1 - cos;
        ``"hamming"``: the number of differing bits; ``"jaccard"``: 1 - the share of common bits.
    dtype : str, optional
        What vectors are stored as. ``"f32"`` (the default), ``"f16"``, ``"bf16"``, ``"i8"`` or ``"u8"`` for l2, ip and
        cosine; ``"b1"``, packed bits, for hamming and jaccard (there the default).
    M : int
        Links of a node above level 0, 2 to 4096; level 0 holds 2M. More links: better recall, more memory.
    ef_construction : int
        Width of the beam that finds the neighbors of a new vector, 1 to 1 000 000. Wider: a better graph, built more
        slowly.
    traversal : str
        What a search walks on; results are measured on the stored vectors in any case. ``"exact"``: on those too.
        ``"u8"``: on whole numbers from 0 to 255, a byte each, which lose nothing (l2 and ip). ``"sq8"``: on vectors
        rounded to 8 bits, a quarter of the memory to read. ``"sq4"``: on vectors rounded to 4 bits; what they find is
        compared by codes of u8 or sq8, which are kept besides, before it meets the vectors. ``"auto"``: sq4 from 192
        dimensions on unless it blurs the nearest distances by more than 3 %; else u8 where all vectors are such
        numbers; else sq8 unless it blurs them by more than 2 %; and the vectors themselves in up to 32 dimensions,
        below 1024 vectors, and for the integer and bit types. It is decided at 1024 vectors and whenever the index has
        doubled since.
    lift : str
        For ``"ip"``: whether the graph is built on vectors lifted to the length that nine tenths of them stay below,
        which keeps short ones reachable. ``"on"``, ``"off"``, or ``"auto"``: on when the longest is more than 1.1 times
        as long as the shortest.
    seed : int
        Of the levels and of shuffled orders. Same vectors, seed and calls: the same index.
    codes : str, optional
        Codes that stand for the vectors in memory: ``"2bit"``, ``"4bit"`` or ``"8bit"`` a dimension, and 8 bytes a
        vector. Searches walk on them, and what they find meets the vectors (`rerank` of `search`), so that distances
        are exact. They are saved with the index. For vectors stored as f32, f16 or bf16; in place of `traversal`.
    vectors : str
        With `codes`, where the vectors lie. ``"memory"``; or ``"disk"``, of which a search reads only the rows it
        re-ranks, all asked for before the first is waited for: of an index that was filled or loaded in a file without
        a name, in the folder that the environment variable TMPDIR names, else in /var/tmp; of one that was loaded with
        ``mmap=True`` in its own file. While it is being filled the vectors are read all over, at the speed of memory
        only as long as the system has memory left to keep them in.

    Raises
    ------
    ValueError
        A setting is out of range, metric and dtype do not go together, or codes do not serve them; `vectors` is
        ``"disk"`` without `codes`; `codes` and `traversal` are both given.
    OSError
        While vectors are added: there is no room for them on the disk.

    Notes
    -----
    Some arguments may go by the names other libraries give them: ``space`` for `metric`, ``connectivity`` for `M`,
    ``expansion_add`` for `ef_construction`, ``expansion_search`` for `ef`, ``keys`` for `ids`, ``count`` for `k` and
    ``num_threads`` for `threads`.

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> vectors = np.random.default_rng(0).random((1000, 16), dtype=np.float32)
    >>> index = vicinal.Index(16)
    >>> ids = index.add(vectors)
    >>> neighbors, distances = index.search(vectors[:2], k=3)
    >>> neighbors[:, 0].tolist(), distances[:, 0].tolist()
    ([0, 1], [0.0, 0.0])
    """

    __slots__ = ()

    @accepts(space="metric", connectivity="M", expansion_add="ef_construction")
    def __init__(
        self,
        dim: int,
        metric: str = "l2",
        *,
        dtype: str | None = None,
        M: int = 16,
        ef_construction: int = 200,
        traversal: str = "auto",
        lift: str = "auto",
        seed: int = 0,
        codes: str | None = None,
        vectors: str | None = "memory",
    ) -> None:
        distance, stored = metric_and_dtype(metric, dtype)
        one_of("traversal", traversal, TRAVERSALS)
        coded, tier = codes_and_tier(codes, vectors, traversal)
        if one_of("lift", lift, LIFTS) == "on" and distance != "ip":
            raise ValueError(f'lift is "on" and metric "{distance}": only "ip" can be lifted')
        _core.Index.__init__(
            self,
            dim=whole_number("dim", dim, 1, MAX_DIM),
            metric=distance,
            dtype=stored,
            M=whole_number("M", M, MIN_M, MAX_M),
            ef_construction=whole_number("ef_construction", ef_construction, 1, MAX_EF),
            traversal=traversal,
            lift=lift,
            seed=whole_number("seed", seed, 0, MAX_SEED),
            codes=coded,
            vectors=tier,
        )
        self._prepare()

    @property
    def dim(self) -> int:
        """Elements of a vector; for packed bits, bits."""
        return self._settings["dim"]  # type: ignore[no-any-return]

    @property
    def metric(self) -> str:
        """What distances measure."""
        return self._settings["metric"]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        """What vectors are stored as."""
        return self._settings["dtype"]  # type: ignore[no-any-return]

    @property
    def M(self) -> int:  # noqa: N802
        """Links of a node above level 0; level 0 holds 2M."""
        return self._settings["M"]  # type: ignore[no-any-return]

    @property
    def ef_construction(self) -> int:
        """Width of the beam that finds the neighbors of a new vector."""
        return self._settings["ef_construction"]  # type: ignore[no-any-return]

    @property
    def traversal(self) -> str:
        """What searches were asked to walk on; ``stats()["graph"]["walked"]`` says what they do walk on."""
        return self._settings["traversal"]  # type: ignore[no-any-return]

    @property
    def lift(self) -> str:
        """Whether an ``"ip"`` graph is built on lifted vectors: ``"auto"``, ``"on"`` or ``"off"``."""
        return self._settings["lift"]  # type: ignore[no-any-return]

    @property
    def seed(self) -> int:
        """Seed of the levels and of shuffled orders."""
        return self._settings["seed"]  # type: ignore[no-any-return]

    @property
    def ids(self) -> NDArray[np.int64]:
        """Ids of all vectors in the index: int64, ascending."""
        return self._ids()

    def __contains__(self, id: object) -> bool:  # noqa: A002
        try:
            number = one_id(id)
        except OverflowError:  # no vector can have it
            return False
        if number is None:
            raise TypeError(f"id is {id!r}, expected an integer")
        return self._contains(number)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        return f"<{type(self).__name__} of {len(self)} vectors: {settings}>"

    @accepts(keys="ids", num_threads="threads")
    def add(
        self,
        vectors: VectorsLike,
        ids: IdsLike | None = None,
        *,
        groups: IdsLike | None = None,
        order: Order = "auto",
        labels: ArrayLike | None = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> NDArray[np.int64]:
        """Add vectors.

        Parameters
        ----------
        vectors : array_like, shape (n, dim); packed bits: uint8, shape (n, dim // 8)
            Anything numpy understands, CPU tensors by DLPack, Arrow arrays of fixed-size lists. Nothing is copied
            but the vectors into the index where they are C-contiguous and of the right type (float32 for ``"f32"``,
            ``"f16"`` and ``"bf16"``).
        ids : array_like of int, shape (n,), optional
            One number per vector, 0 to 2**63 - 1, none in use. By default consecutive ones, starting at the largest id
            ever used + 1 (at first 0).
        groups : array_like of int, shape (n,), optional
            What each vector is a part of (the document of a passage), any number of 64 bits: `search` can then take at
            most so many hits of a group. All vectors of an index have one, or none has.
        order : str, array_like of int with shape (n,), or callable
            The sequence in which the batch enters the graph; ids and what a search may find do not depend on it.
            ``"auto"`` looks at a sample of 4096 vectors or more, and shuffles a batch that is sorted or clustered;
            ``stats()["order"]`` tells what it did and why. ``"given"``: as the rows stand; ``"random"``: shuffled by
            `seed`; other names as in `vicinal.order.permutation`; a permutation; or a callable ``(vectors, rng) ->
            permutation``. None copies the batch.
        labels : array_like, shape (n,), optional
            One category per vector, numbers or strings, for ``"category"`` and ``"interleave"``.
        threads : int
            0 takes all cores this process may use. The index is the same for any number.
        progress : bool or callable, optional
            True shows a bar on a terminal or notebook (needs tqdm); a callable is given (done, total) now and then.

        Returns
        -------
        ndarray of int64, shape (n,)
            The vectors' ids, in the rows' order.

        Raises
        ------
        DimensionError
            `vectors`, `ids`, `groups` or `labels` has the wrong shape.
        ValueError
            The order is unknown, lacks labels, is no permutation, or needs a distance where the metric is ``"ip"``.
            There are vectors with groups in the index and `groups` is not given, or the other way round.
        InvalidVectorError
            A vector holds NaN or an infinity, is zero under cosine, or does not fit `dtype`; the message names the row.
        DuplicateIdError
            An id is in the index already, or twice in `ids`.
        OverflowError, TypeError
            An id is out of range, or no integer; or the elements of `vectors` are no numbers.
        MemoryError
            There is no room.
        Interrupted
            Ctrl-C; its ``added`` holds the ids that are in, in the order in which they went in. The index is valid.
            What a `progress` callable or a signal handler raises is raised as it is, with the same ``added``. After all
            other errors, the index is unchanged.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> index.add([[0.0, 0.0], [1.0, 1.0]]).tolist()
        [0, 1]
        >>> index.add([[2.0, 2.0]], ids=[40]).tolist()
        [40]
        """
        rows = vector_rows(vectors, "vectors", self.dim, self.dtype)
        numbers = NO_IDS if ids is None else id_numbers(ids)
        if ids is not None and len(numbers) != len(rows):
            raise DimensionError(f"ids has shape {numbers.shape}, expected ({len(rows)},): vectors has {rows.shape}")
        parts = NO_IDS if groups is None else group_numbers(groups, len(rows))
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        sequence, explained = chosen_order(self, rows, order, labels, workers)
        with reporting(progress, "vectors") as report, self._alone():
            entered = self._add(rows, numbers, parts, sequence, workers, report)
            self._order = explained
        if len(sequence) == 0:
            return entered
        numbers = np.empty_like(entered)
        numbers[sequence] = entered
        return numbers

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
        per_group: int | None = None,
        rerank: int | str = "auto",
        exact: bool = False,
        threads: int = 0,
        stats: bool = False,
        strict: bool = False,
    ) -> SearchResult:
        """Find the nearest vectors of each query.

        Parameters
        ----------
        queries : array_like, shape (m, dim) or (dim,); packed bits: (m, dim // 8) or (dim // 8,)
            As vectors in `add`. One vector of one dimension gives results of one dimension; as a float32 array it
            takes the shortest way through.
        k : int
            Neighbors per query, 1 to max(len(index), 10 000).
        ef : int, optional
            Width of the beam, 1 to 1 000 000, raised to k: wider finds more of the true neighbors, more slowly. By
            default the effort that `tune` found for a recall of 0.95, or max(64, 2k) before `tune` was called.
        recall : float, optional
            The share of the true neighbors to find, in place of `ef`: above 0, at most 1. `tune` says what it takes.
        filter : mask, ids, IdSet, region of `Attributes`, bitmap, callable, or list of these, optional
            What may be reported: a boolean array in the order of ``index.ids``; an integer array, range or set of ids,
            of which unknown ones admit nothing; an `IdSet`, which is quickest when used again; a bitmap of pyroaring;
            or a callable that is given all ids as an array, once, and returns a boolean array. A Python list holds one
            of these for each query. k neighbors are found whenever k are admitted.
        radius : float, optional
            Cut the rows where the distance, in the metric's own unit, is larger than this.
        per_group : int, optional
            Find the k best of which no group (see `add`) has more than this many, 1 or more. k are found whenever
            there are so many; where the groups are too few for k, each query is compared with every vector.
        rerank : int or str
            Of an index with `codes`, how many of the nearest by codes are compared with the vectors themselves, k at
            least; the beam is as wide at least. ``"auto"``: all of the beam, so that `ef`, or what `tune` found, says
            how many. Each is one read where the vectors lie on disk.
        exact : bool
            Compare with every vector, or with every one that `filter` admits.
        threads : int
            0 takes all cores this process may use.
        stats : bool
            Report the work done in the result's ``stats``.
        strict : bool
            Raise `RecallError` where a query has fewer than k neighbors, not counting what `radius` cuts.

        Returns
        -------
        SearchResult
            Unpacks as ``ids, distances``: int64 and float32, shape (m, k), nearest first, equal distances in the order
            of ids. Short rows are padded with id -1 and distance +inf.

        Raises
        ------
        DimensionError
            `queries` has the wrong shape.
        InvalidVectorError
            A query holds NaN or an infinity, is zero under cosine, or does not fit `dtype`; the message names the row.
        ValueError
            `k`, `ef`, `recall`, `per_group`, `rerank` or `threads` is out of range; there are no codes and `rerank` is
            a number; both `ef` and `recall` are given; `radius` is
            NaN; there are no groups; a mask has not one entry for each vector, or a list not one filter for each query.
        TypeError, OverflowError
            `filter` is nothing that admits ids.
        NotTunedError
            `recall` was not calibrated, or not reached; the message says how to call `tune`.
        RecallError
            With ``strict=True``.

        Warns
        -----
        DataWarning
            With `recall`, when the number of vectors has changed by more than 20 % since `tune` was called.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]])
        >>> ids, distances = index.search([0.0, 1.0], k=2)
        >>> ids.tolist(), distances.tolist()
        ([0, 1], [1.0, 1.0])
        >>> index.search([[0.0, 0.0], [9.0, 9.0]], k=1).ids.tolist()
        [[0], [2]]
        >>> index.search([0.0, 0.0], k=2, filter=lambda ids: ids % 2 == 1).ids.tolist()
        [1, -1]
        """
        rows, is_single = query_rows(queries, self.dim, self.dtype)
        wanted = whole_number("k", k, 1, max(len(self), ALWAYS_ALLOWED_K))
        width, target = self._effort(ef, recall)
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        most = 0 if per_group is None else whole_number("per_group", per_group, 1, MAX_VECTORS)
        limit = None if radius is None else radius_of(radius)
        compared = self._compared(rerank)
        filters = core_filters(filter, self, len(rows))
        ids, distances, work = self._search(
            rows, wanted, width, truth("exact", exact), workers, truth("stats", stats), target, most, filters, compared
        )
        if is_single:
            ids, distances = ids[0], distances[0]
        result = SearchResult(ids, distances, self.metric, work)
        if truth("strict", strict):
            _check_full(result, wanted)
        if limit is not None:
            beyond = distances > limit
            ids[beyond], distances[beyond] = -1, np.inf
        return result

    @accepts(keys="ids")
    def get(self, ids: IdsLike) -> NDArray[Any]:
        """Return vectors as they were added, to the stored precision.

        Parameters
        ----------
        ids : array_like of int, shape (n,), or int

        Returns
        -------
        ndarray of float32, shape (n, dim)
            int8 or uint8 for ``"i8"`` and ``"u8"``; uint8 of shape (n, dim // 8) for packed bits. One row, of one
            dimension, for a single number.

        Raises
        ------
        UnknownIdError
            An id is not in the index; the message names the first.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0], [3.0, 4.0]])
        >>> index.get([1]).tolist(), index.get(0).tolist()
        ([[3.0, 4.0]], [1.0, 2.0])
        """
        number = one_id(ids)
        if number is None:
            return self._get(id_numbers(ids))
        row: NDArray[Any] = self._get(np.array([number], dtype=np.int64))[0]
        return row

    def stats(self) -> dict[str, Any]:
        """Say what the index is made of.

        Returns
        -------
        dict
            ``"memory"``: bytes by part; ``"mapped"``, those of vectors that lie in a file, of which memory holds what
            the system has room for; and ``"resident"``, the sum of the others, even where they lie in a file too.
            ``"order"``: how the last batch entered the graph and why, None before the first; ``"kernels"``: the
            instruction set in use; ``"graph"``: number of live and removed vectors, of those that are copies of another
            byte for byte, levels and mean number of links at level 0; ``"tuned"``: what `tune` found and by which share
            the size has changed since, None before it was called; ``"mapped"``: whether the index is used where it lies
            in a file; ``"store"``: what `open` keeps, None for other indexes.
        """
        return {
            "memory": self._memory_by_place(),
            "order": self._order,
            "kernels": _core.kernels_in_use(),
            "graph": self._graph_shape(),
            "tuned": self._tuned(),
            "mapped": self._is_mapped(),
            "store": self._store(),
        }


def _check_full(result: SearchResult, wanted: int) -> None:
    short = np.flatnonzero(result.counts < wanted)
    if short.size:
        row = int(short[0])
        raise RecallError(
            f"queries row {row} has {int(result.counts[row])} neighbors, expected k={wanted} (strict=True); "
            f"{short.size} of {result.counts.size} queries are short"
        )


def _signature_of_search() -> str:
    """Return the signature as a method of the C API declares it: without types."""
    signature = inspect.signature(Index.search)
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)).replace("(self", "($self")


_core.quicken_search(Index, SearchResult, _signature_of_search())

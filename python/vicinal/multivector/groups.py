"""An index whose vectors belong to groups, which are ranked by sets of vectors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.arrays import IdsLike, VectorsLike, id_numbers, vector_rows
from vicinal.errors import MismatchError, UnknownIdError
from vicinal.index import Index
from vicinal.index.groups import group_numbers
from vicinal.index.within import radius_of
from vicinal.multivector.falloff import Falloff, falloff_of
from vicinal.multivector.grids import Grids, GridShape
from vicinal.multivector.ranking import GroupResult, ranked_groups
from vicinal.progress import Progress
from vicinal.settings import one_of, whole_number

__all__ = ["GroupIndex"]

METRICS = ("l2", "cosine", "hamming", "jaccard")
ENGINES = ("hnsw", "grids", "exact")
ALL_GROUPS = 2**31 - 1
RETRIES = 100
STRANGERS = 256  # vectors that the default radius is measured by

Read = TypeVar("Read")


class GroupIndex:
    """Rank groups of vectors (the pictures that descriptors are of) by a set of vectors.

    Each vector of the query counts once for a group: by the group's vector that is nearest to it, and the less the
    farther that is. So a group gains nothing by having many vectors alike. The vectors are those of one `vicinal.Index`
    with groups, and are kept, changed and saved as its are.

    Parameters
    ----------
    dim : int
        Of the vectors.
    metric : str
        ``"l2"``, ``"cosine"``, ``"hamming"`` or ``"jaccard"``.
    **options
        As for `vicinal.Index`: `dtype`, `M`, `ef_construction`, `traversal`, `seed`.

    References
    ----------
    Aiger, Araujo, Lynen, Yes, we CANN: Constrained Approximate Nearest Neighbors for Local Feature-Based Visual
    Localization, ICCV 2023, arXiv 2306.09012.

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> pictures = np.random.default_rng(0).standard_normal((20, 30, 16))  # 20 pictures of 30 descriptors
    >>> index = vicinal.GroupIndex(16)
    >>> ids = index.add(pictures.reshape(600, 16), groups=np.repeat(np.arange(20), 30))
    >>> groups, scores = index.search_groups(pictures[7, :10] + 0.1, k=3)
    >>> int(groups[0])
    7
    """

    def __init__(self, dim: int, metric: str = "l2", **options: Any) -> None:
        self._take(Index(dim, one_of("metric", metric, METRICS), **options))

    def _take(self, index: Index) -> None:
        self._index = index
        self._changed()

    def _changed(self) -> None:
        self._moment = object()  # what has been derived is of another one from now on
        self._strangers: tuple[object, float] | None = None
        self._grids: tuple[object, Any, Grids, NDArray[np.int64]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"index": self._index}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._take(state["index"])

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, id: object) -> bool:  # noqa: A002
        return id in self._index

    def __repr__(self) -> str:
        return f"<GroupIndex of {len(self)} vectors: dim={self.dim}, metric={self.metric!r}>"

    @property
    def dim(self) -> int:
        """Of the vectors."""
        return self._index.dim

    @property
    def metric(self) -> str:
        """What distances measure."""
        return self._index.metric

    @property
    def ids(self) -> NDArray[np.int64]:
        """Ids of the vectors: int64, ascending."""
        return self._index.ids

    @property
    def groups(self) -> NDArray[np.int64]:
        """The groups that have a vector: int64, ascending."""
        return np.unique(_groups_of(self._index)[1])

    @property
    def radius(self) -> float:
        """What searches take for a radius when none is given, in the metric's own unit (l2: squared).

        The median distance of a vector to the nearest one of another group, over a sample of 256: what is farther is
        met by chance. Infinite while there are fewer than two groups. It is measured anew after each change.
        """
        moment, known = self._moment, self._strangers
        if known is None or known[0] is not moment:
            known = moment, _distance_of_strangers(self._index)
            self._strangers = known
        return known[1]

    # -- changing it

    def add(
        self,
        vectors: VectorsLike,
        groups: IdsLike,
        ids: IdsLike | None = None,
        *,
        threads: int = 0,
        progress: Progress = None,
    ) -> NDArray[np.int64]:
        """Add vectors, to groups that are there or new.

        Parameters
        ----------
        vectors : array_like, shape (n, dim)
        groups : array_like of int, shape (n,)
            The group of each, 0 or more.
        ids : array_like of int, shape (n,), optional
            By default numbers on from the largest that was ever used.
        threads, progress
            As for `vicinal.Index.add`.

        Returns
        -------
        ndarray of int64, shape (n,)
            The ids of the vectors.

        Raises
        ------
        ValueError
            A group is negative.
        DimensionError, InvalidVectorError, DuplicateIdError, TypeError, OverflowError, MemoryError
            As for `vicinal.Index.add`; nothing is added then.
        Interrupted
            Ctrl-C; its ``added`` holds the ids that are in.
        """
        rows = vector_rows(vectors, "vectors", self.dim, self._index.dtype)
        numbers = group_numbers(groups, len(rows))
        if (numbers < 0).any():
            row = int(np.flatnonzero(numbers < 0)[0])
            raise ValueError(f"groups row {row} is {numbers[row]}, expected 0 or more: -1 says that there is no group")
        try:
            return self._index.add(rows, ids, groups=numbers, threads=threads, progress=progress)
        finally:
            self._changed()

    def remove(self, ids: IdsLike) -> None:
        """Remove vectors. Raises UnknownIdError; nothing is removed then."""
        try:
            self._index.remove(ids)
        finally:
            self._changed()

    def remove_groups(self, groups: IdsLike) -> None:
        """Remove all vectors of some groups. Raises UnknownIdError where one has none; nothing is removed then."""
        wanted = np.unique(id_numbers(groups, "groups"))
        ids, numbers = _groups_of(self._index)
        missing = np.setdiff1d(wanted, numbers)
        if len(missing):
            raise UnknownIdError(f"no vector is of group {missing[0]}")
        self.remove(ids[np.isin(numbers, wanted)])

    # -- asking it

    def search_groups(
        self,
        query_set: VectorsLike | Sequence[VectorsLike],
        k: int = 10,
        *,
        falloff: Falloff = "superellipse",
        radius: float | None = None,
        engine: str = "hnsw",
        ef: int = 32,
        per_vector: int = 256,
        grids: GridShape | None = None,
        grid_memory: int = 2**30,
        threads: int = 0,
    ) -> GroupResult:
        """Find the groups that score highest with a set of vectors.

        The score of a group is the mean, over the vectors of the set, of the weight of its nearest vector: 0 where that
        is farther than `radius`.

        Parameters
        ----------
        query_set : array_like, shape (t, dim), or list of these
            One set, whose result has one dimension; or a list of sets.
        k : int
        falloff : str, (str, float) or callable
            The weight by distance: ``"superellipse"`` or ``("superellipse", p1)`` as CANN has it, ``"exp"`` or
            ``("exp", s)``, ``"linear"``, ``"count"``; or a callable from an array of shares of the radius, 0 to 1, to
            weights. A share is a quotient of Euclidean distances for ``"l2"`` and ``"cosine"`` (there of vectors of
            length one), of distances for the others.
        radius : float, optional
            In the metric's own unit (l2: squared), itself included; by default the index's `radius`.
        engine : str
            ``"hnsw"``: a walk for each vector, until what is left is farther than the radius, or than the last of
            `per_vector` groups. ``"grids"``: cells of random grids, which know no distances: an estimate, for l2 and
            cosine; they are made by the first search after a change. ``"exact"``: compare with every vector.
        ef : int
            Of the walk: nodes that it expands at least; 16 times as many at most.
        per_vector : int
            Groups that a vector counts for at most, the nearest; not with ``"exact"``.
        grids : GridShape, optional
            How many grids, of how many dimensions, at how many radii.
        grid_memory : int
            Bytes that grids may take.
        threads : int
            0 takes all cores this process may use. The result is the same.

        Returns
        -------
        GroupResult
            Unpacks as ``groups, scores``.

        Raises
        ------
        ValueError
            A set is empty; `k`, `ef`, `per_vector`, `radius` or a number of `falloff` is out of range; the engine does
            not know the metric.
        DimensionError, InvalidVectorError, TypeError
            As for `vicinal.Index.search`.
        MemoryError
            Grids might take more than `grid_memory`; the message says how much. None is made then.
        """
        single = not isinstance(query_set, (list, tuple)) or (len(query_set) > 0 and _is_vector(query_set[0]))
        sets: Sequence[Any] = [query_set] if single else query_set  # type: ignore[assignment]
        rows, offsets = self._sets(sets)
        wanted = whole_number("k", k, 1, 10**6)
        weight = falloff_of(falloff)
        how = one_of("engine", engine, ENGINES)
        width = whole_number("ef", ef, 1, 10**6)
        most = whole_number("per_vector", per_vector, 1, ALL_GROUPS)
        budget = whole_number("grid_memory", grid_memory, 1, 2**62)
        workers = whole_number("threads", threads, 0, _core.MAX_THREADS)
        limit = None if radius is None else radius_of(radius)
        if limit is not None and limit <= 0:
            raise ValueError(f"radius is {radius!r}, expected a number above 0, in the metric's own unit")
        if how == "grids" and self.metric not in ("l2", "cosine"):
            raise ValueError(f"engine 'grids' knows the metrics 'l2' and 'cosine', this index has {self.metric!r}")
        within = self.radius if limit is None else limit

        if how == "grids":
            which, groups, shares = self._by_grids(rows, within, grids or GridShape(), budget)
            compared = np.zeros(len(rows), np.int64)
        else:
            exact = how == "exact"
            lims, groups, distances, compared = self._index._groups_within(
                rows, within, ALL_GROUPS if exact else most, width, exact, workers
            )
            which = np.repeat(np.arange(len(rows)), np.diff(lims))
            shares = self._shares(distances, within)
        ranked, scores = ranked_groups(which, groups, weight(shares), offsets, wanted)
        sums = np.add.reduceat(compared, offsets[:-1]) if len(rows) else compared
        return GroupResult(ranked[0], scores[0], sums, within) if single else GroupResult(ranked, scores, sums, within)

    def stats(self) -> dict[str, Any]:
        """Say what the index is made of: as `vicinal.Index.stats`, and ``"groups"``, how many there are."""
        return {**self._index.stats(), "groups": len(self.groups)}

    # -- keeping it

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file, all or nothing: that of a `vicinal.Index` with groups. Raises OSError."""
        self._index.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = False) -> GroupIndex:
        """Read what `save` wrote, or any file of a `vicinal.Index` whose vectors have groups.

        Raises
        ------
        MismatchError
            The index's vectors have no groups, or negative ones, or its metric is ``"ip"``.
        NotAnIndexError, CorruptIndexError, FormatTooNewError, OSError
            As `vicinal.Index.load`.
        """
        index = Index.load(path, mmap=mmap)
        name = os.fsdecode(path)
        if index.metric not in METRICS:
            raise MismatchError(f"{name} holds an index of metric {index.metric!r}, expected one of {METRICS}")
        if len(index):
            if not index._has_groups():
                raise MismatchError(f"{name} holds an index whose vectors have no groups")
            if (least := int(_groups_of(index)[1].min())) < 0:
                raise MismatchError(f"{name} holds an index with a group {least}, expected 0 or more")
        found = cls.__new__(cls)
        found._take(index)
        return found

    # -- inside

    def _sets(self, sets: Sequence[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return all rows of the sets, and where each set begins."""
        names = ["query_set"] if len(sets) == 1 else [f"query_set[{i}]" for i in range(len(sets))]
        parts = [vector_rows(one, name, self.dim, self._index.dtype) for one, name in zip(sets, names, strict=True)]
        for name, part in zip(names, parts, strict=True):
            if not len(part):
                raise ValueError(f"{name} is an empty set, expected one vector or more")
        rows = np.concatenate(parts) if parts else vector_rows(self._index.get([]), "none", self.dim, self._index.dtype)
        return rows, np.cumsum([0, *map(len, parts)], dtype=np.int64)

    def _shares(self, distances: NDArray[np.float32], radius: float) -> NDArray[np.float64]:
        quotients = np.maximum(distances.astype(np.float64), 0.0)
        quotients = np.divide(quotients, radius, out=np.zeros_like(quotients), where=quotients > 0)
        shares = np.sqrt(quotients) if self.metric in ("l2", "cosine") else quotients
        return np.minimum(shares, 1.0)

    def _by_grids(
        self, rows: NDArray[Any], radius: float, shape: GridShape, budget: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        euclidean = float(np.sqrt(radius if self.metric == "l2" else 2 * radius))
        key = (euclidean, shape)
        moment, known = self._moment, self._grids
        if known is None or known[0] is not moment or known[1] != key:
            n = len(self._index)
            if (needed := shape.bytes_for(n)) > budget:
                raise MemoryError(f"grids over {n} vectors take up to {needed} bytes, grid_memory is {budget}")
            vectors, numbers = _of_one_moment(lambda ids: (self._index.get(ids), self._index.groups(ids)), self._index)
            names, places = np.unique(numbers, return_inverse=True)
            reach = euclidean if np.isfinite(euclidean) else 1.0
            known = moment, key, Grids(self._euclidean(vectors), places, reach, shape), names
            self._grids = known
        _, _, grids, names = known
        which, places, radii = grids.first_met(self._euclidean(rows))
        return which, names[places], radii / grids.radii[-1]

    def _euclidean(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        wide = rows.astype(np.float32)
        if self.metric == "cosine":
            wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-30)
        return wide


def _is_vector(one: Any) -> bool:
    """Whether it is a row of numbers: a list of these is one set, not a list of sets."""
    if isinstance(one, (list, tuple)):
        return len(one) > 0 and not hasattr(one[0], "__len__")
    return getattr(one, "ndim", 2) == 1


def _of_one_moment(read: Callable[[NDArray[np.int64]], Read], index: Index) -> Read:
    """Read about all ids, again where one of them has been removed meanwhile: waits for no writer, as snapshots do."""
    for _ in range(RETRIES):
        with suppress(UnknownIdError):
            return read(index.ids)
    return read(index.ids)


def _groups_of(index: Index) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids of an index, ascending, and the group of each."""
    none = np.empty(0, np.int64)
    return _of_one_moment(lambda ids: (ids, index.groups(ids) if len(ids) else none), index)


def _distance_of_strangers(index: Index) -> float:
    def sampled(ids: NDArray[np.int64]) -> NDArray[Any]:
        places = np.linspace(0, max(len(ids) - 1, 0), min(STRANGERS, len(ids))).astype(np.int64)
        return index.get(ids[np.unique(places)])

    some = _of_one_moment(sampled, index)
    second = index.search(some, 2, per_group=1).distances[:, 1] if len(some) else np.empty(0)
    second = second[np.isfinite(second)]
    if not len(second):
        return float("inf")
    # Where most vectors have a copy in another group the median is 0, within which there is nothing to weigh.
    return max(float(np.median(second)), float(np.mean(second)) / 2, float(np.finfo(np.float32).tiny))

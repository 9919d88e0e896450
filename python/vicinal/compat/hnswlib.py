"""A drop-in for the module hnswlib 0.8: ``import vicinal.compat.hnswlib as hnswlib``.

The names, arguments, defaults and types are hnswlib's, so are its files; what is behind them is vicinal. What differs:

- A query that finds fewer than k neighbors gets a row padded with the label 2**64 - 1 and the distance +inf, where
  hnswlib raises; ``strict=True`` raises as hnswlib does.
- A filter is asked about every label once a call, not about each vertex that a search comes to.
- NaN, infinities and, under "cosine", vectors of zeros are refused (`vicinal.InvalidVectorError`).
- ``save_index`` takes ``format="vicinal"`` too, and ``load_index`` reads both.
"""

from __future__ import annotations

import operator
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import vicinal
from vicinal.compat.brute_force import BFIndex
from vicinal.compat.hnswlib_arguments import (
    FULL,
    LabelFilter,
    as_hnswlib_returns,
    check_space,
    columns_of,
    damage_as_hnswlib_reports,
    labels_of,
    rows_of,
)
from vicinal.compat.hnswlib_file import HEADER_BYTES, parse_hnswlib, write_with_removed

__all__ = ["BFIndex", "Index"]


class Index:
    """An HNSW index under hnswlib's names.

    Parameters
    ----------
    space : str
        "l2" (squared Euclidean), "ip" (1 - x·y) or "cosine" (1 - cos).
    dim : int
    index : Index, optional
        In place of both: another index, of which this one is a copy. It may stand first, as may `params`.
    params : dict, optional
        In place of all: what ``__getstate__()`` of another index returned.

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal.compat.hnswlib as hnswlib
    >>> data = np.random.default_rng(0).random((100, 16), dtype=np.float32)
    >>> p = hnswlib.Index(space="l2", dim=16)
    >>> p.init_index(max_elements=100, ef_construction=200, M=16)
    >>> p.add_items(data, np.arange(100))
    >>> p.set_ef(50)
    >>> labels, distances = p.knn_query(data[:2], k=1)
    >>> labels.tolist(), labels.dtype, distances.dtype
    ([[0], [1]], dtype('uint64'), dtype('float32'))
    """

    def __init__(
        self,
        space: str | Index | dict[str, Any] | None = None,
        dim: int | None = None,
        *,
        index: Index | None = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        like = next((one for one in (index, params, space) if isinstance(one, (Index, dict))), None)
        if like is not None:
            self.__setstate__(like.__getstate__() if isinstance(like, Index) else like)
            return
        if not isinstance(space, str) or not isinstance(dim, (int, np.integer)):
            raise TypeError(f"space is {space!r} and dim {dim!r}, expected a name and a whole number, or an index")
        check_space(space, dim)
        self._space = space
        self._dim = int(dim)
        self.num_threads = os.cpu_count() or 1
        self.ef = 10
        self._index: vicinal.Index | None = None
        self._max_elements = 0
        self._allow_replace_deleted = False
        self._added = 0  # rows ever handed in: where labels begin that nobody gave
        self._deleted: dict[int, NDArray[np.float32]] = {}  # by label, in case it is wanted back
        self._writing = threading.RLock()  # what is here beside the index changes together with it

    def __repr__(self) -> str:
        return f"<vicinal.compat.hnswlib.Index(space={self.space!r}, dim={self.dim})>"

    @property
    def space(self) -> str:
        """What distances measure."""
        return self._space

    @property
    def dim(self) -> int:
        """Elements of a vector."""
        return self._dim

    # -- making one

    def init_index(
        self,
        max_elements: int,
        M: int = 16,
        ef_construction: int = 200,
        random_seed: int = 100,
        allow_replace_deleted: bool = False,
    ) -> None:
        """Make the graph, empty, for at most `max_elements`. Raises RuntimeError the second time."""
        if self._index is not None:
            raise RuntimeError("The index is already initiated.")
        self._index = vicinal.Index(
            self.dim, self.space, M=max(M, 2), ef_construction=max(ef_construction, M), seed=random_seed
        )
        self._max_elements = max_elements
        self._allow_replace_deleted = allow_replace_deleted

    def resize_index(self, new_size: int) -> None:
        """Make room for so many elements in all. Raises RuntimeError when there are more already."""
        if new_size < self.element_count:
            raise RuntimeError("Cannot resize, max element is less than the current number of elements")
        self._max_elements = new_size

    def set_ef(self, ef: int) -> None:
        """Set the width of the beam; `knn_query` raises it to k."""
        self.ef = ef

    def set_num_threads(self, num_threads: int) -> None:
        """Set how many threads a call takes that names no number."""
        self.num_threads = num_threads

    # -- changing it

    def add_items(
        self, data: ArrayLike, ids: ArrayLike | None = None, num_threads: int = -1, replace_deleted: bool = False
    ) -> None:
        """Add vectors, and replace those whose labels are there.

        Parameters
        ----------
        data : array_like, shape (n, dim) or (dim,)
        ids : array_like of int, shape (n,), optional
            Labels, 0 to 2**63 - 1. By default numbers on from those of earlier calls.
        num_threads : int
            -1 takes `num_threads` of the index.
        replace_deleted : bool
            Let deleted elements give way to new ones. Needs ``allow_replace_deleted=True`` in `init_index`.

        Raises
        ------
        RuntimeError
            There is no room, or the shapes do not fit. Nothing is added then.
        vicinal.InvalidVectorError
            A vector holds NaN or an infinity, or is zero under cosine.
        """
        rows = rows_of(data, self.dim, self.space)
        with self._writing:
            self._add(rows, labels_of(ids, len(rows), self._added), num_threads, replace_deleted)

    def _add(
        self, rows: NDArray[np.float32], labels: NDArray[np.int64], num_threads: int, replace_deleted: bool
    ) -> None:
        index = self._made()
        if replace_deleted and not self._allow_replace_deleted:
            raise RuntimeError("Replacement of deleted elements is disabled in constructor")
        again = set(labels.tolist()) & self._deleted.keys()
        if again and self._allow_replace_deleted and not replace_deleted:
            raise RuntimeError(
                "Can't use addPoint to update a deleted element. It will be replaced by the next element added"
            )
        wanted, last = np.unique(labels[::-1], return_index=True)  # of a label that comes twice, the last row
        fresh = sum(label not in index for label in wanted.tolist()) - len(again)
        spare = min(fresh, len(self._deleted) - len(again)) if replace_deleted else 0
        if self.element_count + fresh - spare > self._max_elements:
            raise RuntimeError(FULL)
        if len(wanted) < len(labels):
            keep = np.sort(len(labels) - 1 - last)
            rows, labels = rows[keep], labels[keep]
        others = [label for label in self._deleted if label not in again] if spare else []
        before = len(index)
        try:
            index.upsert(labels, rows, threads=self._threads(num_threads))
            self._added += len(labels)
        finally:  # a call that fails has none of them in, one that is interrupted some
            back = [label for label in again if label in index]
            for label in back + others[: min(spare, len(index) - before - len(back))]:
                del self._deleted[label]

    def mark_deleted(self, label: int) -> None:
        """Leave an element out of what queries find. Raises RuntimeError when there is none of this label."""
        index, label = self._made(), operator.index(label)
        with self._writing:
            if label in self._deleted:
                raise RuntimeError("The requested to delete element is already deleted")
            if label not in index:
                raise RuntimeError("Label not found")
            vector = index.get([label])[0]
            index.remove([label])
            self._deleted[label] = vector

    def unmark_deleted(self, label: int) -> None:
        """Let queries find an element again that was marked as deleted. Raises RuntimeError when it was not."""
        index, label = self._made(), operator.index(label)
        with self._writing:
            if label not in self._deleted:
                found = label in index
                raise RuntimeError("The requested to undelete element is not deleted" if found else "Label not found")
            index.add(self._deleted[label][None], ids=[label])
            del self._deleted[label]

    # -- asking it

    def knn_query(
        self,
        data: ArrayLike,
        k: int = 1,
        num_threads: int = -1,
        filter: LabelFilter | None = None,  # noqa: A002
        *,
        strict: bool = False,
    ) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """Find the k nearest of each row.

        Parameters
        ----------
        data : array_like, shape (n, dim) or (dim,)
        k : int
        num_threads : int
            -1 takes `num_threads` of the index.
        filter : callable, optional
            Is given a label, once for each in the index, and says whether it may be found.
        strict : bool
            Raise RuntimeError, as hnswlib does, where there are fewer than k.

        Returns
        -------
        labels : ndarray of uint64, shape (n, k)
        distances : ndarray of float32, shape (n, k)
        """
        index, k = self._made(), columns_of(k)
        rows = rows_of(data, self.dim, self.space)
        admitted = None
        if filter is not None:
            ids = index.ids
            admitted = vicinal.IdSet(ids[np.fromiter((bool(filter(label)) for label in ids.tolist()), bool, len(ids))])
        most = max(1, min(k, len(index)))  # more columns than there are elements are padding
        found = index.search(rows, most, ef=max(self.ef, most), filter=admitted, threads=self._threads(num_threads))
        return as_hnswlib_returns(found.ids, found.distances, k, strict)

    def get_items(self, ids: ArrayLike | None = None, return_type: str = "numpy") -> Any:
        """Return the vectors of labels: an array of float32 (n, dim), or a list of lists.

        Raises RuntimeError for a label that is not there, ValueError for another `return_type`.
        """
        if return_type not in ("numpy", "list"):
            raise ValueError('return_type should be "numpy" or "list"')
        index = self._made()
        if ids is not None and np.ndim(ids) == 0:
            raise ValueError("get_items accepts a list of indices and returns a list of vectors")
        labels = labels_of([] if ids is None else ids, 0 if ids is None else np.size(np.asarray(ids)), 0)
        try:
            rows = index.get(labels) if len(labels) else np.empty((0, self.dim), np.float32)
        except vicinal.UnknownIdError:
            raise RuntimeError("Label not found") from None
        return rows if return_type == "numpy" else rows.tolist()

    def get_ids_list(self) -> list[int]:
        """Return all labels, those of deleted elements too."""
        deleted = list(self._deleted)
        return [*(self._index.ids.tolist() if self._index is not None else []), *deleted]

    def get_max_elements(self) -> int:
        """Return how many elements there is room for."""
        return self._max_elements

    def get_current_count(self) -> int:
        """Return how many elements there are, deleted ones counted."""
        return self.element_count

    @property
    def max_elements(self) -> int:
        """How many elements there is room for."""
        return self._max_elements

    @property
    def element_count(self) -> int:
        """How many elements there are, deleted ones counted."""
        return (len(self._index) if self._index is not None else 0) + len(self._deleted)

    @property
    def M(self) -> int:  # noqa: N802
        """Links of a node above level 0."""
        return self._made().M

    @property
    def ef_construction(self) -> int:
        """Width of the beam that finds a new element's neighbors."""
        return self._made().ef_construction

    # -- keeping it

    def save_index(self, path_to_index: str | os.PathLike[str], *, format: str = "hnswlib") -> None:  # noqa: A002
        """Write a file that hnswlib loads, deleted elements included; or, with ``format="vicinal"``, one of ours."""
        if format not in ("hnswlib", "vicinal"):
            raise ValueError(f"format is {format!r}, expected 'hnswlib' or 'vicinal'")
        index = self._made()
        with self._writing:
            if format == "vicinal":
                index.save(path_to_index)
                return
            if self._deleted:
                index = vicinal.Index.from_bytes(index.to_bytes())
                index.add(np.stack(list(self._deleted.values())), ids=list(self._deleted))
            write_with_removed(index, path_to_index, np.array(list(self._deleted), np.int64), self._max_elements)

    @damage_as_hnswlib_reports
    def load_index(
        self, path_to_index: str | os.PathLike[str], max_elements: int = 0, allow_replace_deleted: bool = False
    ) -> None:
        """Read a file that hnswlib or this library wrote, in place of what was here.

        Raises
        ------
        RuntimeError
            There is no such file.
        vicinal.CorruptIndexError, vicinal.MismatchError
            It is damaged, or of another dimension or metric. Here these are RuntimeErrors too.
        """
        if not Path(path_to_index).exists():
            raise RuntimeError("Cannot open file")
        deleted: dict[int, NDArray[np.float32]] = {}
        room = 0
        try:
            index = vicinal.Index.load(path_to_index)
        except vicinal.NotAnIndexError:
            graph, settings = parse_hnswlib(path_to_index, self.dim)
            index = graph.adopt(self.space, settings["M"], settings["ef_construction"], os.fsdecode(path_to_index))
            rows = np.flatnonzero(graph.gone)
            deleted = {int(graph.ids[row]): np.array(graph.vectors[row]) for row in rows}
            twice = [label for label in deleted if label in index]
            if twice or len(deleted) < len(rows):
                raise vicinal.CorruptIndexError(
                    f"{os.fsdecode(path_to_index)} is damaged: the label of a deleted element stands there twice"
                ) from None
            room = settings["max_elements"]
        if (index.dim, index.metric) != (self.dim, self.space):
            raise vicinal.MismatchError(
                f"the file holds {index.metric} in {index.dim} dimensions, expected {self.space} in {self.dim}"
            )
        with self._writing:
            self._index, self._deleted = index, deleted
            enough = max_elements > 0 and max_elements >= self.element_count  # what is too little, hnswlib leaves aside
            self._max_elements = max_elements if enough else max(room, self.element_count)
            self._allow_replace_deleted = allow_replace_deleted
            self._added = self.element_count
            self.ef = 10

    def index_file_size(self) -> int:
        """Return how many bytes `save_index` writes, about: the levels of deleted elements are not known before."""
        index = self._made()
        levels = index.stats()["graph"]["level_counts"]
        lower = 4 + 8 * index.M + 4 * self.dim + 8
        return HEADER_BYTES + self.element_count * (lower + 4) + int(sum(levels[1:])) * (4 + 4 * index.M)

    def __getstate__(self) -> dict[str, Any]:
        with self._writing:
            state = dict(self.__dict__)
            state["_index"] = None if self._index is None else self._index.to_bytes()
            state["_deleted"] = dict(self._deleted)
        del state["_writing"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _writing=threading.RLock())
        self._deleted = dict(self._deleted)  # a copy has its own
        if state["_index"] is not None:
            self._index = vicinal.Index.from_bytes(state["_index"])

    def _made(self) -> vicinal.Index:
        if self._index is None:
            raise RuntimeError("The index is not initiated: call init_index or load_index first")
        return self._index

    def _threads(self, num_threads: int) -> int:
        return max(1, self.num_threads if num_threads <= 0 else num_threads)

"""hnswlib's BFIndex: no graph, exact answers."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.compat.foreign import LARGEST_ID, ForeignBytes
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
from vicinal.errors import InvalidVectorError
from vicinal.files import replace_file


class BFIndex:
    """An index that compares with everything, under hnswlib's names. Any threads may call it side by side.

    Parameters
    ----------
    space : str
        "l2", "ip" or "cosine".
    dim : int

    Examples
    --------
    >>> import vicinal.compat.hnswlib as hnswlib
    >>> exact = hnswlib.BFIndex("l2", 2)
    >>> exact.init_index(max_elements=10)
    >>> exact.add_items([[0.0, 0.0], [3.0, 4.0]], [7, 8])
    >>> labels, distances = exact.knn_query([0.0, 1.0], k=2)
    >>> labels.tolist(), distances.tolist()
    ([[7, 8]], [[1.0, 18.0]])
    """

    def __init__(self, space: str, dim: int) -> None:
        check_space(space, dim)
        self.space = space
        self.dim = dim
        self.num_threads = os.cpu_count() or 1
        self._max_elements: int | None = None
        # Replaced as a whole, and never written to: a query that runs has what it began with.
        self._held: tuple[NDArray[np.float32], NDArray[np.int64]] = (
            np.empty((0, dim), np.float32),
            np.empty(0, np.int64),
        )
        self._room = self._held  # what is held is a part of it, and what comes next is written behind that
        self._added = 0
        self._writing = threading.Lock()

    def __repr__(self) -> str:
        return f"<vicinal.compat.hnswlib.BFIndex(space={self.space!r}, dim={self.dim})>"

    def init_index(self, max_elements: int) -> None:
        """Make room for `max_elements`. Raises RuntimeError the second time."""
        if self._max_elements is not None:
            raise RuntimeError("The index is already initiated.")
        self._max_elements = max_elements

    def set_num_threads(self, num_threads: int) -> None:
        """Set how many threads a query takes that names no number."""
        self.num_threads = num_threads

    def add_items(self, data: ArrayLike, ids: ArrayLike | None = None) -> None:
        """Add vectors, and replace those whose labels are there.

        Raises RuntimeError when there is no room, InvalidVectorError for NaN, infinities and, under cosine, zeros.
        """
        rows = rows_of(data, self.dim, self.space)
        bad = ~np.isfinite(rows).all(axis=1) | ((self.space == "cosine") & ~rows.any(axis=1))
        if bad.any():
            raise InvalidVectorError(f"data row {np.flatnonzero(bad)[0]} holds NaN or an infinity, or has no direction")
        with self._writing:
            labels = labels_of(ids, len(rows), self._added)
            wanted, last = np.unique(labels[::-1], return_index=True)
            stay = ~np.isin(self._held[1], wanted)
            if self._max_elements is None:
                raise RuntimeError("The index is not initiated: call init_index first")
            if int(stay.sum()) + len(wanted) > self._max_elements:
                raise RuntimeError(FULL)
            if not stay.all():
                self._keep(stay)
            self._append(rows[::-1][last], wanted)
            self._added += len(labels)

    def delete_vector(self, label: int) -> None:
        """Forget a vector; nothing happens when there is none of this label."""
        with self._writing:
            stay = self._held[1] != label
            if not stay.all():
                self._keep(stay)

    def _keep(self, stay: NDArray[np.bool_]) -> None:
        rows, labels = self._held
        self._held = self._room = rows[stay], labels[stay]

    def _append(self, rows: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """Grow by halves, so that adding one by one does not copy everything each time."""
        n = len(self._held[1])
        if n + len(labels) > len(self._room[1]):
            size = max(n + len(labels), n + n // 2)
            self._room = np.empty((size, self.dim), np.float32), np.empty(size, np.int64)
            self._room[0][:n], self._room[1][:n] = self._held
        end = n + len(labels)
        self._room[0][n:end], self._room[1][n:end] = rows, labels
        self._held = self._room[0][:end], self._room[1][:end]

    def knn_query(
        self,
        data: ArrayLike,
        k: int = 1,
        num_threads: int = -1,
        filter: LabelFilter | None = None,  # noqa: A002
        *,
        strict: bool = False,
    ) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """Find the k nearest of each row, as `Index.knn_query` does but exactly."""
        queries, k = rows_of(data, self.dim, self.space), columns_of(k)
        rows, labels = self._held
        if filter is not None:
            passes = np.fromiter((bool(filter(label)) for label in labels.tolist()), bool, len(labels))
            rows, labels = rows[passes], labels[passes]
        found = min(k, len(rows))
        ids, distances = np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        if found > 0 and len(queries):
            threads = max(1, self.num_threads if num_threads <= 0 else num_threads)
            places, distances = _core.exact_search(np.ascontiguousarray(rows), queries, found, self.space, threads)
            ids = labels[places]
        return as_hnswlib_returns(ids, distances, k, strict)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        del state["_writing"], state["_room"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _writing=threading.Lock(), _room=state["_held"])

    def get_max_elements(self) -> int:
        """Return how many vectors there is room for."""
        return self._max_elements or 0

    def get_current_count(self) -> int:
        """Return how many vectors there are."""
        return len(self._held[1])

    def save_index(self, path_to_index: str | os.PathLike[str]) -> None:
        """Write a file that hnswlib's BFIndex loads."""
        rows, labels = self._held
        records = np.zeros(max(self.get_max_elements(), len(labels)), _flat_record(self.dim))
        records["vector"][: len(rows)] = rows
        records["label"][: len(labels)] = labels
        replace_file(path_to_index, [np.array([len(records), records.itemsize, len(labels)], "<u8"), records])

    @damage_as_hnswlib_reports
    def load_index(self, path_to_index: str | os.PathLike[str], max_elements: int = 0) -> None:
        """Read a file that hnswlib's BFIndex wrote.

        Raises RuntimeError when there is none, and CorruptIndexError, which is also a RuntimeError here.
        """
        if not Path(path_to_index).exists():
            raise RuntimeError("Cannot open file")
        source = ForeignBytes.of(path_to_index)
        kind = _flat_record(self.dim)
        room, record, n = (int(number) for number in source.take("<u8", 3, "the header"))
        source.check(record == kind.itemsize, f"a vector takes {record} bytes, expected {kind.itemsize}")
        source.check(n <= room, f"{n} vectors are in room for {room}")
        records = source.take(kind, room, "the vectors")[:n]
        source.check(source.left == 0, f"{source.left} bytes follow the last vector")
        source.check(bool(np.isfinite(records["vector"]).all()), "a vector holds NaN or an infinity")
        source.check(bool((records["label"] <= LARGEST_ID).all()), f"a label is above {LARGEST_ID}")
        labels = records["label"].astype(np.int64)
        source.check(len(np.unique(labels)) == n, "a label stands for two vectors")
        with self._writing:
            self._held = self._room = np.array(records["vector"]), labels
            self._max_elements = max(max_elements, room)
            self._added = n


def _flat_record(dim: int) -> np.dtype[np.void]:
    return np.dtype([("vector", "<f4", (dim,)), ("label", "<u8")])

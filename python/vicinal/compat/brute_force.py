"""hnswlib's BFIndex: no graph, exact answers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.compat.foreign import ForeignBytes
from vicinal.compat.hnswlib_arguments import FULL, LabelFilter, as_hnswlib_returns, check_space, labels_of, rows_of


class BFIndex:
    """An index that compares with everything, under hnswlib's names.

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
        self._rows = np.empty((0, dim), np.float32)
        self._labels = np.empty(0, np.int64)
        self._added = 0

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
        """Add vectors, and replace those whose labels are there. Raises RuntimeError when there is no room."""
        rows = rows_of(data, self.dim, self.space)
        labels = labels_of(ids, len(rows), self._added)
        wanted, last = np.unique(labels[::-1], return_index=True)
        rows = rows[::-1][last]
        stay = ~np.isin(self._labels, wanted)
        if self._max_elements is None:
            raise RuntimeError("The index is not initiated: call init_index first")
        if int(stay.sum()) + len(wanted) > self._max_elements:
            raise RuntimeError(FULL)
        self._rows = np.concatenate([self._rows[stay], rows])
        self._labels = np.concatenate([self._labels[stay], wanted])
        self._added += len(labels)

    def delete_vector(self, label: int) -> None:
        """Forget a vector; nothing happens when there is none of this label."""
        stay = self._labels != label
        self._rows, self._labels = self._rows[stay], self._labels[stay]

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
        queries = rows_of(data, self.dim, self.space)
        rows, labels = self._rows, self._labels
        if filter is not None:
            passes = np.fromiter((bool(filter(label)) for label in labels.tolist()), bool, len(labels))
            rows, labels = rows[passes], labels[passes]
        found = min(k, len(rows))
        ids = np.full((len(queries), k), -1, np.int64)
        distances = np.full((len(queries), k), np.inf, np.float32)
        if found and len(queries):
            threads = max(1, self.num_threads if num_threads <= 0 else num_threads)
            places, near = _core.exact_search(np.ascontiguousarray(rows), queries, found, self.space, threads)
            ids[:, :found], distances[:, :found] = labels[places], near
        return as_hnswlib_returns(ids, distances, strict)

    def get_max_elements(self) -> int:
        """Return how many vectors there is room for."""
        return self._max_elements or 0

    def get_current_count(self) -> int:
        """Return how many vectors there are."""
        return len(self._labels)

    def save_index(self, path_to_index: str | os.PathLike[str]) -> None:
        """Write a file that hnswlib's BFIndex loads."""
        kind = _flat_record(self.dim)
        records = np.zeros(max(self.get_max_elements(), len(self._labels)), kind)
        records["vector"][: len(self._rows)] = self._rows
        records["label"][: len(self._labels)] = self._labels
        head = np.array([len(records), kind.itemsize, len(self._labels)], "<u8")
        Path(path_to_index).write_bytes(head.tobytes() + records.tobytes())

    def load_index(self, path_to_index: str | os.PathLike[str], max_elements: int = 0) -> None:
        """Read a file that hnswlib's BFIndex wrote. Raises RuntimeError when there is none, CorruptIndexError."""
        if not Path(path_to_index).exists():
            raise RuntimeError("Cannot open file")
        source = ForeignBytes.of(path_to_index)
        kind = _flat_record(self.dim)
        room, record, n = (int(number) for number in source.take("<u8", 3, "the header"))
        source.check(record == kind.itemsize, f"a vector takes {record} bytes, expected {kind.itemsize}")
        source.check(n <= room, f"{n} vectors are in room for {room}")
        records = source.take(kind, n, "the vectors")
        source.check(bool(np.isfinite(records["vector"]).all()), "a vector holds NaN or an infinity")
        self._rows = np.array(records["vector"])
        self._labels = records["label"].astype(np.int64)
        self._max_elements = max(max_elements, room)
        self._added = n


def _flat_record(dim: int) -> np.dtype[np.void]:
    return np.dtype([("vector", "<f4", (dim,)), ("label", "<u8")])

"""Blocking by vectors: an embedding of each record, and its nearest neighbors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.arrays import VectorsLike, vector_rows
from vicinal.blocking.blocker import Answers, Blocker
from vicinal.blocking.records import filled_texts, read_records
from vicinal.errors import DimensionError
from vicinal.index import Index

__all__ = ["VectorBlocker"]

Embedding = Callable[[list[str]], VectorsLike]

EXACT_UP_TO = 10_000  # rows of B that a scan compares sooner than a graph is built


class Rows:
    """Vectors of one table."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Return some of them."""
        return Rows(self.vectors[rows])


class VectorBlocker(Blocker):
    """Pairs each record with those whose vectors have the largest cosine.

    Parameters
    ----------
    embed : callable, optional
        Takes a list of texts, returns an array of shape (n, dim). Without it tables are given as vectors.
    columns : sequence of str, optional
        Columns that `embed` reads; all but ids by default.
    index : str
        "hnsw", "exact", or "auto": a scan up to 10 000 records of B, a graph above.
    M, ef : int
        Links per node of the graph, and the width of its searches' beam (at least 2k).
    seed : int
        Of the graph.

    Raises
    ------
    ValueError
        `index` is none of these.

    Examples
    --------
    >>> left, right = [[1.0, 0.0], [0.0, 1.0]], [[0.1, 0.9], [0.9, 0.1], [-1.0, 0.0]]
    >>> VectorBlocker().candidates(left, right, k=1).indices.tolist()
    [[0, 1], [1, 0]]
    """

    name = "vectors"

    def __init__(
        self,
        embed: Embedding | None = None,
        *,
        columns: Sequence[str] | None = None,
        index: str = "auto",
        M: int = 16,
        ef: int = 128,
        seed: int = 0,
    ) -> None:
        if index not in ("auto", "hnsw", "exact"):
            raise ValueError(f"index is {index!r}, expected 'auto', 'hnsw' or 'exact'")
        self.embed, self.columns, self.index, self.M, self.ef, self.seed = embed, columns, index, M, ef, seed

    def score(self, A: Any, B: Any, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosines of given pairs."""
        left, right = self._sides(A, B)
        a, b = _of_length_one(left.vectors), _of_length_one((left if right is None else right).vectors)
        return np.asarray(np.einsum("ij,ij->i", a[indices[:, 0]], b[indices[:, 1]]))

    def vectors(self, table: Any, name: str = "A") -> NDArray[np.float32]:
        """Return a table's vectors as they are compared, shape (n, dim)."""
        given: Any = (
            table if self.embed is None else self.embed(filled_texts(read_records(table, name), self.columns, name))
        )
        shape = np.shape(given)
        if len(shape) != 2:
            raise DimensionError(f"{name} has shape {shape}, expected vectors of shape (n, dim); for text give embed=")
        return vector_rows(given, name, shape[1], "f32")

    def _sides(self, A: Any, B: Any) -> tuple[Rows, Rows | None]:
        left = self.vectors(A, "A")
        if B is None:
            return Rows(left), None
        right = self.vectors(B, "B")
        if len(left) and len(right) and left.shape[1] != right.shape[1]:
            raise DimensionError(f"A has {left.shape[1]} dimensions and B {right.shape[1]}, expected as many")
        return Rows(left), Rows(right)

    def _search(self, left: Rows, right: Rows | None, k: int | None, least: float, threads: int) -> Answers:
        from vicinal import _core

        base = (left if right is None else right).vectors
        wanted = len(base) if k is None else min(len(base), k + (right is None))
        exact = self.index == "exact" or (self.index == "auto" and len(base) <= EXACT_UP_TO)
        if exact and k is not None:
            ids, distances = _core.exact_search(base, left.vectors, wanted, "cosine", threads)
            starts = np.arange(len(left) + 1) * wanted
        else:
            graph = self.graph(base, threads)
            if k is None:
                starts, ids, distances = graph.range_search(left.vectors, 1 - least)
            else:
                ids, distances = graph.search(left.vectors, wanted, ef=max(self.ef, 2 * wanted), threads=threads)
                starts = np.arange(len(left) + 1) * wanted
        return _kept(starts, ids.ravel(), 1 - distances.ravel(), k, least, own=right is None)

    def graph(self, base: NDArray[np.float32], threads: int) -> Index:
        """Return an index of some vectors, numbered by row."""
        graph = Index(base.shape[1], "cosine", M=self.M, seed=self.seed)
        graph.add(base, threads=threads)
        return graph


def _kept(
    starts: NDArray[np.int64],
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    k: int | None,
    least: float,
    own: bool,
) -> Answers:
    """Leave out padding, what scores too little, each record itself, and what is then beyond k."""
    row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    good = (ids >= 0) & (scores >= least)
    if own:
        good &= ids != row
    row, ids, scores = row[good], ids[good], scores[good]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    within = place < (len(row) if k is None else k)
    starts = np.searchsorted(row[within], np.arange(len(starts)))
    return starts.astype(np.int64), ids[within], scores[within].astype(np.float32)


def _of_length_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

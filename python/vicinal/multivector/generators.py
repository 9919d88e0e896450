"""Where candidates come from: each generator finds documents that are likely to score high, without scoring them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vicinal.index import IdSet, Index
from vicinal.multivector.centroids import Centroids
from vicinal.multivector.encoding import FDE
from vicinal.multivector.sets import VectorSets
from vicinal.settings import whole_number

__all__ = ["GENERATORS", "Generator", "make_generator"]

GENERATORS = ("mean", "fde", "token", "centroid")
TOKEN_BITS = 20  # of a token's id, which is the document's number and the place in it
MOST_TOKENS = 2**TOKEN_BITS
ENOUGH = 4096  # vectors to find cells in
GROWTH = 4  # times the vectors that cells were found for: then they are found anew, unless these were enough
NEIGHBORS = 100  # of each vector of a query, at least


class Generator(Protocol):
    """The face they share. Documents are known by numbers, which are never used again."""

    def add(self, sets: VectorSets, numbers: NDArray[np.int64]) -> None:
        """Take in documents."""

    def remove(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Forget documents, which have so many vectors each; some may not be there."""

    def candidates(
        self, queries: VectorSets, n: int, admitted: NDArray[np.int64] | None, threads: int
    ) -> NDArray[np.int64]:
        """Return up to n documents for each query, likely ones first; -1 stands where there are no more."""

    def worn(self) -> bool:
        """Whether one made anew of the documents that are there would be better, or much smaller."""

    def check(self, sets: VectorSets) -> None:
        """Raise ValueError or KeyError unless its parts are of these documents, whose numbers count from 0."""

    def settings(self) -> dict[str, Any]:
        """What is needed beside the parts to make it again."""

    def parts(self) -> dict[str, NDArray[Any]]:
        """Arrays that are kept in a file."""


class Indexed:
    """One whose candidates come from an index of single vectors."""

    index: Index

    def worn(self) -> bool:
        return False

    def parts(self) -> dict[str, NDArray[Any]]:
        return {"candidates": np.frombuffer(self.index.to_bytes(), np.uint8)}


def _index(parts: dict[str, NDArray[Any]] | None, dim: int, metric: str, **settings: Any) -> Index:
    """Return the index that a file has, or a new one."""
    return Index(dim, metric, **settings) if parts is None else Index.from_bytes(parts["candidates"].tobytes())


class Means(Indexed):
    """One vector a document, the mean of its own, compared by cosine: the baseline, and often hard to beat."""

    def __init__(self, dim: int, seed: int, parts: dict[str, NDArray[Any]] | None = None, **_: Any) -> None:
        self.index = _index(parts, dim, "cosine", seed=seed)

    def add(self, sets: VectorSets, numbers: NDArray[np.int64]) -> None:
        self.index.add(_with_direction(sets.means()), ids=numbers)

    def remove(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:  # noqa: ARG002
        _remove(self.index, numbers)

    def candidates(
        self, queries: VectorSets, n: int, admitted: NDArray[np.int64] | None, threads: int
    ) -> NDArray[np.int64]:
        return _nearest(self.index, _with_direction(queries.means()), n, admitted, threads)

    def check(self, sets: VectorSets) -> None:
        _check(self.index, sets.dim, "cosine", np.arange(len(sets)))

    def settings(self) -> dict[str, Any]:
        return {}


class Encodings(Indexed):
    """One fixed-dimensional encoding a document (MUVERA), compared by inner product."""

    def __init__(
        self, dim: int, seed: int, parts: dict[str, NDArray[Any]] | None = None, fitted: int = 0, **_: Any
    ) -> None:
        self.fde = FDE(dim, seed=seed)
        self._fitted = fitted  # vectors that the cells were found for
        self._centers = None if parts is None else parts["centers"]
        self.index = _index(parts, self.fde.length, "ip", dtype="f16", seed=seed)
        self._added = fitted

    def add(self, sets: VectorSets, numbers: NDArray[np.int64]) -> None:
        if not self.fde.fitted:
            self.fde.fit_sets(sets)
            self._fitted, self._added = len(sets.rows), 0
        self.index.add(self.fde.encode(sets, False), ids=numbers)
        self._added += len(sets.rows)

    def remove(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:  # noqa: ARG002
        _remove(self.index, numbers)

    def worn(self) -> bool:
        return self._fitted < ENOUGH and self._added > GROWTH * self._fitted

    def candidates(
        self, queries: VectorSets, n: int, admitted: NDArray[np.int64] | None, threads: int
    ) -> NDArray[np.int64]:
        if not self.fde.fitted:
            return np.full((len(queries), n), -1, np.int64)
        return _nearest(self.index, self.fde.encode(queries, True), n, admitted, threads)

    def check(self, sets: VectorSets) -> None:
        _check(self.index, self.fde.length, "ip", np.arange(len(sets)))
        centers = self._centers
        if centers is None or not len(sets):
            return
        shape = (self.fde.reps * 2**self.fde.ksim, sets.dim)
        if centers.shape != shape or centers.dtype != np.float32 or not np.isfinite(centers).all():
            raise ValueError("the centers of the encodings are no vectors of the documents' dimension")
        self._fitted = whole_number("fitted", self._fitted, 1, 2**62)
        self._added = len(sets.rows)
        self.fde.take_centers(centers)

    def settings(self) -> dict[str, Any]:
        return {"fitted": self._fitted}

    def parts(self) -> dict[str, NDArray[Any]]:
        centers = self.fde._planes if self.fde.fitted else None
        return super().parts() | {"centers": np.empty((0, self.fde.dim), np.float32) if centers is None else centers}


class Tokens(Indexed):
    """All vectors of all documents in one graph: each vector of a query looks for its own nearest.

    A document's score is the sum over the query's vectors of the best that was found of it; where nothing was, that of
    the last that was found of any.
    """

    def __init__(self, dim: int, seed: int, parts: dict[str, NDArray[Any]] | None = None, **_: Any) -> None:
        self.index = _index(parts, dim, "ip", dtype="f16", seed=seed)

    def add(self, sets: VectorSets, numbers: NDArray[np.int64]) -> None:
        self.index.add(sets.rows.astype(np.float32), ids=_token_ids(numbers, sets.counts))

    def remove(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        _remove(self.index, _token_ids(numbers, counts))

    def candidates(
        self, queries: VectorSets, n: int, admitted: NDArray[np.int64] | None, threads: int
    ) -> NDArray[np.int64]:
        allowed = None
        if admitted is not None:
            allowed = IdSet(self.index.ids[np.isin(self.index.ids >> TOKEN_BITS, admitted)])
        # Of one document come many of a vector's neighbors, and to rank documents takes more of them than are wanted.
        k = min(max(NEIGHBORS, 2 * n), max(len(self.index), 1))
        found = self.index.search(queries.rows.astype(np.float32), k, ef=k, filter=allowed, threads=threads)
        return (
            np.stack(
                [
                    _merged(found.ids[first:last], 1 - found.distances[first:last], n)
                    for first, last in zip(queries.offsets[:-1], queries.offsets[1:], strict=True)
                ]
            )
            if len(queries)
            else np.empty((0, n), np.int64)
        )

    def check(self, sets: VectorSets) -> None:
        _check(self.index, sets.dim, "ip", _token_ids(np.arange(len(sets)), sets.counts))

    def settings(self) -> dict[str, Any]:
        return {}


def _check(index: Index, dim: int, metric: str, ids: NDArray[np.int64]) -> None:
    if (index.dim, index.metric) != (dim, metric) or not np.array_equal(index.ids, ids):
        raise ValueError("the index of candidates is of other documents")


def _remove(index: Index, ids: NDArray[np.int64]) -> None:
    index.remove(ids[[one in index for one in ids.tolist()]])


def make_generator(
    name: str, dim: int, seed: int, parts: dict[str, NDArray[Any]] | None = None, **settings: Any
) -> Generator:
    """Return the generator of this name, with what it had."""
    kinds: dict[str, Callable[..., Generator]] = {
        "mean": Means,
        "fde": Encodings,
        "token": Tokens,
        "centroid": Centroids,
    }
    return kinds[name](dim, seed, parts, **settings)


def _nearest(
    index: Index, queries: NDArray[np.float32], n: int, admitted: NDArray[np.int64] | None, threads: int
) -> NDArray[np.int64]:
    k = min(max(n, 1), max(len(index), 1))
    allowed = None if admitted is None else IdSet(admitted)
    return index.search(queries, k, ef=max(2 * k, 64), filter=allowed, threads=threads).ids


def _with_direction(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of opposite vectors may be zero, which has no direction: these point along the first axis."""
    means[~means.any(axis=1), 0] = 1
    return means


def _token_ids(numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    place = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return (np.repeat(numbers, counts) << TOKEN_BITS) + place


def _merged(ids: NDArray[np.int64], scores: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """Rank the documents that a query's vectors have found."""
    there = ids >= 0
    documents, which = np.unique(ids[there] >> TOKEN_BITS, return_inverse=True)
    least = np.where(there, scores, np.inf).min(axis=1)  # of each vector: what a document has that it did not find
    least = np.where(np.isfinite(least), least, 0.0)
    best = np.repeat(least[:, None], len(documents), axis=1)
    rows = np.nonzero(there)[0]
    np.maximum.at(best, (rows, which), scores[there])
    total = best.sum(axis=0, dtype=np.float64)
    order = np.lexsort((documents, -total))[:n]
    ranked = np.full(n, -1, np.int64)
    ranked[: len(order)] = documents[order]
    return ranked

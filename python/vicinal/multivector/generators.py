"""Where candidates come from: each generator finds documents that are likely to score high, without scoring them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vicinal.index import IdSet, Index
from vicinal.multivector.encoding import FDE
from vicinal.multivector.sets import VectorSets

__all__ = ["GENERATORS", "Generator", "make_generator"]

GENERATORS = ("mean", "fde", "token")
TOKEN_BITS = 20  # of a token's id, which is the document's number and the place in it
MOST_TOKENS = 2**TOKEN_BITS
NEIGHBORS = 100  # of each vector of a query, at least


class Generator(Protocol):
    """The face they share. Documents are known by numbers, which are never used again."""

    index: Index

    def add(self, sets: VectorSets, numbers: NDArray[np.int64]) -> None:
        """Take in documents."""

    def remove(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Forget documents, which have so many vectors each; some may not be there."""

    def candidates(
        self, queries: VectorSets, n: int, admitted: NDArray[np.int64] | None, threads: int
    ) -> NDArray[np.int64]:
        """Return up to n documents for each query, likely ones first; -1 stands where there are no more."""

    def check(self, sets: VectorSets) -> None:
        """Raise ValueError unless the index is one of these documents, whose numbers count from 0."""

    def settings(self) -> dict[str, Any]:
        """What is needed beside the index to make it again."""


class Means:
    """One vector a document, the mean of its own, compared by cosine: the baseline, and often hard to beat."""

    def __init__(self, dim: int, seed: int, index: Index | None = None, **_: Any) -> None:
        self.index = index if index is not None else Index(dim, "cosine", seed=seed)

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


class Encodings:
    """One fixed-dimensional encoding a document (MUVERA), compared by inner product."""

    def __init__(self, dim: int, seed: int, index: Index | None = None, origin: list[float] | None = None) -> None:
        self.fde = FDE(dim, seed=seed)
        if origin is not None:
            self.fde._origin = np.array(origin, np.float32)
        self.index = index if index is not None else Index(self.fde.length, "ip", dtype="f16", seed=seed)

    def add(self, sets: VectorSets, numbers: NDArray[np.int64]) -> None:
        if self.fde._origin is None:
            self.fde.fit_sets(sets)
        self.index.add(self.fde.encode(sets, False), ids=numbers)

    def remove(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:  # noqa: ARG002
        _remove(self.index, numbers)

    def candidates(
        self, queries: VectorSets, n: int, admitted: NDArray[np.int64] | None, threads: int
    ) -> NDArray[np.int64]:
        return _nearest(self.index, self.fde.encode(queries, True), n, admitted, threads)

    def check(self, sets: VectorSets) -> None:
        _check(self.index, self.fde.length, "ip", np.arange(len(sets)))
        origin = self.fde._origin
        if origin is None and len(sets):
            raise ValueError("the origin of the encodings is missing")
        if origin is not None and (origin.shape != (sets.dim,) or not np.isfinite(origin).all()):
            raise ValueError("the origin of the encodings is no vector of the documents' dimension")

    def settings(self) -> dict[str, Any]:
        return {} if self.fde._origin is None else {"origin": self.fde._origin.tolist()}


class Tokens:
    """All vectors of all documents in one graph: each vector of a query looks for its own nearest.

    A document's score is the sum over the query's vectors of the best that was found of it; where nothing was, that of
    the last that was found of any.
    """

    def __init__(self, dim: int, seed: int, index: Index | None = None, **_: Any) -> None:
        self.index = index if index is not None else Index(dim, "ip", dtype="f16", seed=seed)

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
    index.remove(ids[np.isin(ids, index.ids)])


def make_generator(name: str, dim: int, seed: int, index: Index | None = None, **settings: Any) -> Generator:
    """Return the generator of this name, with the index that it had."""
    kinds: dict[str, Callable[..., Generator]] = {"mean": Means, "fde": Encodings, "token": Tokens}
    return kinds[name](dim, seed, index, **settings)


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

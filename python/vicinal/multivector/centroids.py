"""Candidates by centroids and codes of what is left (PLAID)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.multivector.clusters import find_centroids, nearest_centroids
from vicinal.multivector.sets import VectorSets
from vicinal.multivector.turning import Turning

__all__ = ["Centroids"]

PROBES = 4  # lists a vector of a query looks into
CLOSELY = 4  # documents scored by codes, for each that is wanted
LEAST = 10_000  # and at least those that hold so many vectors
UNLISTED = 1000  # documents, and a quarter of those in lists, that are scored without lists
GROWTH = 4  # times the vectors that centroids were found for: then they are found anew


@dataclass(frozen=True)
class Tables:
    """What is known of the documents at one moment. Never changes, so that searches need no lock."""

    centroids: NDArray[np.float32]  # of turned vectors
    starts: NDArray[np.int64]  # of documents among vectors
    centroid_of: NDArray[np.uint32]  # each vector
    left: NDArray[np.uint8]  # what each vector is beyond it, as four bits an element
    numbers: NDArray[np.int64]  # of the documents, ascending
    live: NDArray[np.uint8]
    list_starts: NDArray[np.int64]
    listed: NDArray[np.uint32]
    unlisted_from: int

    def __len__(self) -> int:
        return len(self.numbers)

    def of_live(self) -> Tables:
        """Documents that are there alone."""
        there = np.flatnonzero(self.live)
        counts = np.diff(self.starts)
        rows = np.repeat(self.live.astype(np.bool_), counts)
        return replace(
            self,
            starts=np.concatenate([[0], np.cumsum(counts[there])]).astype(np.int64),
            centroid_of=self.centroid_of[rows],
            left=self.left[rows],
            numbers=self.numbers[there],
            live=self.live[there],
        ).with_lists()

    def with_lists(self) -> Tables:
        """Every document under each centroid that it has a vector of, by number."""
        n = len(self)
        owners = np.repeat(np.arange(n), np.diff(self.starts))
        pairs = np.unique(self.centroid_of.astype(np.int64) * max(n, 1) + owners)
        counts = np.bincount(pairs // max(n, 1), minlength=len(self.centroids))
        return replace(
            self,
            list_starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            listed=(pairs % max(n, 1)).astype(np.uint32),
            unlisted_from=n,
        )


class Centroids:
    """Each vector as the nearest of some centroids and four bits an element for what is left.

    Each vector of a query looks into the lists of its nearest centroids; the documents there are scored by their
    centroids alone, the best of them by their codes. Centroids are found in the first documents, and anew when there
    are four times as many vectors.

    References
    ----------
    Santhanam, Khattab, Potts, Zaharia, PLAID, CIKM 2022, arXiv 2205.09707.
    """

    def __init__(
        self, dim: int, seed: int, parts: dict[str, NDArray[Any]] | None = None, fitted: int = 0, **_: Any
    ) -> None:
        self._dim, self._seed, self._fitted = dim, seed, fitted
        self._turning = Turning(dim, seed)
        self._parts = parts  # of a file, until it is known of which documents they are
        self._tables: Tables | None = None

    def add(self, sets: VectorSets, numbers: NDArray[np.int64]) -> None:
        """Take in documents."""
        rows = self._turning(sets.rows)
        tables = self._tables
        if tables is None:
            centroids = find_centroids(rows, _how_many(len(rows)), self._seed)
            tables, self._fitted = _empty(centroids), len(rows)
        nearest = nearest_centroids(rows, tables.centroids)
        left = _core.coded_rows(rows - tables.centroids[nearest])
        tables = replace(
            tables,
            starts=np.concatenate([tables.starts, sets.offsets[1:] + tables.starts[-1]]),
            centroid_of=np.concatenate([tables.centroid_of, nearest]),
            left=np.concatenate([tables.left, left]),
            numbers=np.concatenate([tables.numbers, numbers]),
            live=np.concatenate([tables.live, np.ones(len(numbers), np.uint8)]),
        )
        if len(tables) - tables.unlisted_from > UNLISTED + tables.unlisted_from // 4:
            tables = tables.with_lists()
        self._tables = tables

    def remove(self, numbers: NDArray[np.int64], counts: NDArray[np.int64]) -> None:  # noqa: ARG002
        """Forget documents, some of which may not be there."""
        if self._tables is None:
            return
        live = self._tables.live.copy()
        live[np.isin(self._tables.numbers, numbers)] = 0
        tables = replace(self._tables, live=live)
        self._tables = tables if 2 * int(live.sum()) >= len(tables) else tables.of_live()

    def worn(self) -> bool:
        """Whether there are so many more vectors that centroids should be found anew."""
        return self._tables is not None and len(self._tables.centroid_of) > GROWTH * self._fitted

    def candidates(
        self, queries: VectorSets, n: int, admitted: NDArray[np.int64] | None, threads: int
    ) -> NDArray[np.int64]:
        """Return up to n documents for each query, likely ones first; -1 stands where there are no more."""
        tables = self._tables
        if tables is None or not len(queries):
            return np.full((len(queries), n), -1, np.int64)
        may = tables.live
        if admitted is not None:
            may = may * np.isin(tables.numbers, admitted).astype(np.uint8)
        places = _core.found_by_centroids(
            self._turning(queries.rows),
            queries.offsets,
            tables.centroids,
            tables.starts,
            tables.centroid_of,
            tables.left,
            tables.list_starts,
            tables.listed,
            tables.unlisted_from,
            may,
            n,
            PROBES,
            max(CLOSELY * n, LEAST * len(tables) // max(1, len(tables.centroid_of))),
            threads,
        )
        return np.where(places < 0, -1, tables.numbers[places])

    def check(self, sets: VectorSets) -> None:
        """Raise ValueError unless the parts are of these documents, and take them."""
        if self._parts is None or not len(sets):
            return
        centroids, nearest, left = (self._parts[name] for name in ("centroids", "centroid_of", "left"))
        rows = len(sets.rows)
        if [one.dtype.name for one in (centroids, nearest, left)] != ["float32", "uint32", "uint8"]:
            raise ValueError("the tables of centroids are of other types")
        if centroids.ndim != 2 or centroids.shape[1] != self._dim or not np.isfinite(centroids).all():
            raise ValueError("the centroids are no vectors of the documents' dimension")
        if nearest.shape != (rows,) or (nearest >= len(centroids)).any():
            raise ValueError("vectors are of centroids that are not there")
        if left.shape != (rows, _width(self._dim)) or not np.isfinite(left[:, -2:].copy().view("<f2")).all():
            raise ValueError("the codes are not of the documents' vectors")
        if not self._fitted > 0:
            raise ValueError("the centroids were found for no vectors")
        n = len(sets)
        self._tables = replace(
            _empty(centroids),
            starts=sets.offsets,
            centroid_of=nearest,
            left=left,
            numbers=np.arange(n),
            live=np.ones(n, np.uint8),
        ).with_lists()
        self._parts = None

    def settings(self) -> dict[str, Any]:
        """What is needed beside the parts."""
        return {"fitted": self._fitted}

    def parts(self) -> dict[str, NDArray[Any]]:
        """Arrays that are kept in a file; lists are made anew."""
        tables = self._tables if self._tables is not None else _empty(np.empty((0, self._dim), np.float32))
        return {"centroids": tables.centroids, "centroid_of": tables.centroid_of, "left": tables.left}


def _how_many(rows: int) -> int:
    """Some eight times the root, as PLAID's sixteen, but a power of two below it; few where rows are few."""
    return max(1, min(1 << int(np.log2(8 * np.sqrt(rows))), rows // 4))


def _width(dim: int) -> int:
    return (dim + 1) // 2 + 2


def _empty(centroids: NDArray[np.float32]) -> Tables:
    return Tables(
        centroids,
        np.zeros(1, np.int64),
        np.empty(0, np.uint32),
        np.empty((0, _width(centroids.shape[1])), np.uint8),
        np.empty(0, np.int64),
        np.empty(0, np.uint8),
        np.zeros(len(centroids) + 1, np.int64),
        np.empty(0, np.uint32),
        0,
    )

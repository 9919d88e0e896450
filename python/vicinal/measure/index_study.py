"""What one index finds of given queries, at rising effort, and whether it is well."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.arrays import query_rows
from vicinal.estimate import recall_of_queries
from vicinal.index import Index
from vicinal.index.health import Health
from vicinal.index.trials import Truth, hits_of
from vicinal.measure.points import Point
from vicinal.progress import Report

EFFORTS = (10, 20, 40, 80, 160, 320)
_ROUNDS = 3


@dataclass(frozen=True)
class IndexStudy:
    """What was found of an index and of searches in it.

    Attributes
    ----------
    facts : dict
        The index's settings and size, by name.
    k, queries : int
        Neighbors per query, and queries that were searched for.
    ef : int
        The beam of a search that names no effort; where it was tuned, the mean of what such searches expand.
    points : tuple of Point
        By rising effort; ``ef`` is among them. ``batch_qps`` are all queries in one call on one thread.
    found : tuple of int
        At ``ef``: of how many queries 0, 1, ... k of the true neighbors were found.
    health : Health

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> index = vicinal.Index(4)
    >>> _ = index.add(np.random.default_rng(0).random((200, 4), dtype=np.float32))
    >>> study = study_index(index, np.random.default_rng(1).random((50, 4)), k=5, efforts=[10])
    >>> [point.effort for point in study.points], sum(study.found), study.health.ok
    ([10, 64], 50, True)
    """

    facts: dict[str, Any]
    k: int
    queries: int
    ef: int
    points: tuple[Point, ...]
    found: tuple[int, ...]
    health: Health

    @property
    def usual(self) -> Point:
        """The point of a search that names no effort."""
        return next(point for point in self.points if point.effort == self.ef)

    def as_dict(self) -> dict[str, Any]:
        """Give everything as what JSON can hold."""
        return {**asdict(self), "health": {"ok": self.health.ok, **asdict(self.health)}}

    def __str__(self) -> str:
        lines = [
            f"{self.facts['size']:,} vectors of {self.facts['dim']} dimensions, {self.facts['metric']}; "
            f"{self.queries:,} queries",
            "      ef  recall      interval of 95 %   distances  queries/s",
        ]
        lines += [
            f"{point.effort:>8}  {point.recall.value:.4f}  {point.recall.low:.4f} to {point.recall.high:.4f}"
            f"  {point.distances or 0:>10,.0f} {np.median(point.batch_qps):>10,.0f}"
            + ("  (of a search that names none)" if point is self.usual else "")
            for point in self.points
        ]
        return "\n".join([*lines, str(self.health)])


def study_index(
    index: Index,
    queries: ArrayLike,
    k: int = 10,
    *,
    efforts: Sequence[int] = EFFORTS,
    threads: int = 0,
    progress: Report | None = None,
) -> IndexStudy:
    """Search an index for queries whose true neighbors are found by comparison with every vector.

    Parameters
    ----------
    index : vicinal.Index
    queries : array_like, shape (m, dim); packed bits: (m, dim // 8)
        Best such as are asked in earnest and are not in the index.
    k : int
        Neighbors per query.
    efforts : sequence of int
        Widths of the beam. That of a search that names none is added.
    threads : int
        For the exact search; 0 takes all cores. Searches are timed on one thread.
    progress : callable, optional
        Called with (steps done, steps).

    Returns
    -------
    IndexStudy

    Raises
    ------
    ValueError
        The index is empty, or `k` or an effort is out of range.
    DimensionError, InvalidVectorError
        The queries are no queries of this index.

    Examples
    --------
    >>> import vicinal
    >>> index = vicinal.Index(2)
    >>> _ = index.add([[0.0, 1.0], [1.0, 0.0]])
    >>> study_index(index, [[0.0, 0.9]], k=1).usual.recall.value
    1.0
    """
    if len(index) == 0:
        raise ValueError("the index is empty: nothing can be found in it")
    rows, _ = query_rows(queries, index.dim, index.dtype)
    if len(rows) == 0:
        raise ValueError("there are no queries, expected at least one")
    truth = Truth.of(index, rows, k, threads)
    usual, hits = _measured(index, rows, k, None, truth)
    steps = sorted({effort for effort in efforts if effort >= k and effort != usual.effort})
    points = [usual]
    for number, effort in enumerate(steps):
        points.append(_measured(index, rows, k, effort, truth)[0])
        if progress is not None:
            progress(number + 1, len(steps))
    points.sort(key=lambda point: point.effort)
    found = np.bincount(hits, minlength=k + 1)
    facts = {"size": len(index), "dim": index.dim, "metric": index.metric, "dtype": index.dtype, "M": index.M,
             "ef_construction": index.ef_construction, "traversal": index.traversal}  # fmt: skip
    return IndexStudy(facts, k, len(rows), usual.effort, tuple(points), tuple(found.tolist()), index.check())


def _measured(
    index: Index, rows: NDArray[Any], k: int, effort: int | None, truth: Truth
) -> tuple[Point, NDArray[np.int64]]:
    result = index.search(rows, k, ef=effort, threads=1, stats=True)
    hits, there = hits_of(result.ids, result.distances, truth, k)
    assert result.stats is not None
    speeds = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        index.search(rows, k, ef=effort, threads=1)
        speeds.append(len(rows) / max(time.perf_counter() - begun, 1e-9))
    point = Point(
        round(float(np.mean(result.stats["effort"]))),
        recall_of_queries(hits, there, k),
        batch_qps=tuple(speeds),
        distances=float(np.mean(result.stats["distances"])),
        hops=float(np.mean(result.stats["hops"])),
    )
    return point, hits

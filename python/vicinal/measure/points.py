"""Measured points and the curve they make."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from vicinal.measure.curve import higher_at, lower_at
from vicinal.measure.recall import Recall

TARGET_RECALLS = (0.90, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Point:
    """One effort of one engine.

    Attributes
    ----------
    effort : int
        Width of the beam (ef).
    recall : Recall
    one_qps, batch_qps : tuple of float
        Queries per second in every round: one query per call, and all queries in one call.
    p50_us, p99_us : float
        Median and 99th percentile of one call's microseconds, each the median over rounds.
    distances, hops : float or None
        Per query, by the library's own counters where it has them.

    Examples
    --------
    >>> from vicinal.measure.recall import recall
    >>> Point(10, recall([[1]], [[1]], k=1), one_qps=(900.0, 1000.0, 1200.0)).qps
    1000.0
    """

    effort: int
    recall: Recall
    one_qps: tuple[float, ...] = ()
    batch_qps: tuple[float, ...] = ()
    p50_us: float = 0.0
    p99_us: float = 0.0
    distances: float | None = None
    hops: float | None = None

    @property
    def qps(self) -> float:
        """Queries per second, one query per call: the median over rounds."""
        return statistics.median(self.one_qps)


@dataclass(frozen=True)
class Curve:
    """What an engine reaches at rising effort, and what it costs at a recall in between.

    Examples
    --------
    >>> from vicinal.measure.recall import Recall
    >>> slow = Point(80, Recall(0.99, 0.98, 1.0, 10, 99, 100), one_qps=(1_000.0,))
    >>> fast = Point(20, Recall(0.91, 0.85, 0.95, 10, 91, 100), one_qps=(4_000.0,))
    >>> round(Curve((fast, slow)).speed_at(0.95))
    2000
    """

    points: tuple[Point, ...]

    @property
    def rounds(self) -> int:
        """How often every point was timed."""
        return min((len(point.one_qps) for point in self.points), default=0)

    @property
    def highest_recall(self) -> float:
        """The best recall any effort reached."""
        return max((point.recall.value for point in self.points), default=0.0)

    def speed_at(self, recall: float, *, batch: bool = False) -> float | None:
        """Queries per second at this recall: the median over rounds of each round's own reading."""
        speeds = self.speeds_at(recall, batch=batch)
        return statistics.median(speeds) if speeds else None

    def speeds_at(self, recall: float, *, batch: bool = False) -> list[float]:
        """Queries per second at this recall, a reading per round; empty if it is out of reach."""
        timed = [p for p in self.points if (p.batch_qps if batch else p.one_qps)]
        readings = (
            higher_at(
                [p.recall.value for p in timed],
                [(p.batch_qps if batch else p.one_qps)[number] for p in timed],
                recall,
            )
            for number in range(self.rounds if timed else 0)
        )
        return [reading for reading in readings if reading is not None]

    def latency_at(self, recall: float) -> tuple[float, float] | None:
        """Median and 99th percentile of a call's microseconds at this recall."""
        typical = self._lowest(lambda p: p.p50_us, recall)
        slow = self._lowest(lambda p: p.p99_us, recall)
        return None if typical is None or slow is None else (typical, slow)

    def distances_at(self, recall: float) -> float | None:
        """Distances computed per query at this recall; None where the library does not count them."""
        return self._lowest(lambda p: p.distances, recall)

    def _lowest(self, value: Callable[[Point], float | None], recall: float) -> float | None:
        known = [(p.recall.value, x) for p in self.points if (x := value(p))]
        return lower_at([r for r, _ in known], [x for _, x in known], recall)

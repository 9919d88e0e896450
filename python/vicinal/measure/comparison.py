"""What a comparison found: a value to print, store and draw."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from vicinal.measure.environment import Environment
from vicinal.measure.points import TARGET_RECALLS, Curve, Point
from vicinal.measure.ratio import Ratio, paired_ratio
from vicinal.measure.recall import Recall

JSON_VERSION = 1


@dataclass(frozen=True)
class EngineResult:
    """One engine's share of a comparison.

    Attributes
    ----------
    name, version : str
    settings : dict
    missing : str or None
        Why there are no figures: not installed, metric not served, or failed.
    build_seconds : float or None
    reported_bytes : int or None
        The index's size by the library's own account.
    resident_bytes : int or None
        What its process grew by; None when engines shared a process.
    curve : Curve
        Empty where `missing`.
    instructions : str or None
        The instruction set it ran on, where the library tells.
    kept : bool
        Its index was kept from an earlier run, whose build these figures are of.

    Examples
    --------
    >>> EngineResult("faiss", missing="not installed: pip install faiss-cpu").curve.points
    ()
    """

    name: str
    version: str = "unknown"
    settings: dict[str, Any] | None = None
    missing: str | None = None
    build_seconds: float | None = None
    reported_bytes: int | None = None
    resident_bytes: int | None = None
    curve: Curve = field(default_factory=lambda: Curve(()))
    instructions: str | None = None
    kept: bool = False


@dataclass(frozen=True)
class Comparison:
    """Engines measured beside one another on one data set.

    Attributes
    ----------
    dataset : str
    rows, dim, queries, k : int
    metric : str
    build_threads, threads, rounds : int
    isolated : bool
        Whether every engine had a process of its own.
    engines : tuple of EngineResult
        In the order they were asked for; ratios are those of the first to each other.
    environment : Environment
    command : str
        What repeats the measurement.

    Examples
    --------
    >>> from vicinal.measure.environment import describe_environment
    >>> absent = EngineResult("faiss", missing="not installed: pip install faiss-cpu")
    >>> result = Comparison("none", 0, 2, 0, "l2", 10, 1, 1, 5, True, (absent,), describe_environment(), "true")
    >>> result["faiss"].missing
    'not installed: pip install faiss-cpu'
    >>> Comparison.from_json(result.to_json()) == result
    True
    """

    dataset: str
    rows: int
    dim: int
    queries: int
    metric: str
    k: int
    build_threads: int
    threads: int
    rounds: int
    isolated: bool
    engines: tuple[EngineResult, ...]
    environment: Environment
    command: str

    def __getitem__(self, name: str) -> EngineResult:
        for engine in self.engines:
            if engine.name == name:
                return engine
        raise KeyError(f"no engine is called {name!r}; measured: {', '.join(e.name for e in self.engines)}")

    def ratio_to(self, name: str, recall: float = 0.95) -> Ratio | None:
        """How many times as fast the first engine answers at this recall, one query per call."""
        ours, theirs = self.engines[0].curve.speeds_at(recall), self[name].curve.speeds_at(recall)
        return paired_ratio(ours, theirs) if len(ours) == len(theirs) else None

    def table(self) -> str:
        """Lay the figures out as plain text."""
        rows = [_HEADINGS, *(self._row(engine) for engine in self.engines if not engine.missing)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        lines = [
            f"{self.dataset}: {self.rows:,} × {self.dim}, {self.metric}, {self.queries:,} queries, k={self.k}, "
            f"{self.rounds} rounds, search on {_threads(self.threads)}, build on {_threads(self.build_threads)}",
            "",
            *("  ".join(_aligned(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
              for row in rows),
        ]  # fmt: skip
        lines += [f"{engine.name}: missing ({engine.missing})" for engine in self.engines if engine.missing]
        lines += ["", f"qps: queries per second, one per call, at recall@{self.k}; ratio: {self.engines[0].name}'s qps"]
        lines += ["by this engine's, median of paired rounds [interval]; dist: distances computed per query."]
        return "\n".join(line.rstrip() for line in lines)

    def _row(self, engine: EngineResult) -> tuple[str, ...]:
        curve = engine.curve
        ratio = self.ratio_to(engine.name)
        latency = curve.latency_at(0.95)
        held = engine.reported_bytes if engine.resident_bytes is None else engine.resident_bytes
        return (
            engine.name,
            *(_count(curve.speed_at(target)) for target in TARGET_RECALLS),
            "1" if engine is self.engines[0] else "–" if ratio is None else str(ratio),
            _count(curve.speed_at(0.95, batch=True)),
            "–" if latency is None else f"{latency[0]:.0f}/{latency[1]:.0f}",
            _count(curve.distances_at(0.95)),
            f"{curve.highest_recall:.4f}",
            "–" if engine.build_seconds is None else f"{engine.build_seconds:.1f}",
            "–" if held is None else f"{held / self.rows:,.0f}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values: each point of each round, and the readings of `table`."""
        out = {"version": JSON_VERSION, **asdict(self)}
        for engine, plain in zip(self.engines, out["engines"], strict=True):
            plain["at_recall"] = {str(target): self._readings(engine, target) for target in TARGET_RECALLS}
        return out

    def _readings(self, engine: EngineResult, target: float) -> dict[str, Any]:
        latency = engine.curve.latency_at(target)
        ratio = self.ratio_to(engine.name, target)
        return {
            "qps": engine.curve.speed_at(target),
            "batch_qps": engine.curve.speed_at(target, batch=True),
            "p50_us": latency[0] if latency else None,
            "p99_us": latency[1] if latency else None,
            "distances": engine.curve.distances_at(target),
            "first_engine_ratio": None if ratio is None else asdict(ratio),
        }

    def to_json(self) -> str:
        """Give everything as JSON; `from_json` reads it back."""
        return json.dumps(self.to_dict(), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Comparison:
        """Read what `to_json` wrote."""
        plain = json.loads(text)
        version = plain.pop("version", None)
        if version != JSON_VERSION:
            raise ValueError(f"comparison has version {version}, expected {JSON_VERSION}")
        engines = plain.pop("engines")
        environment = Environment(**plain.pop("environment"))
        return cls(**plain, environment=environment, engines=tuple(_engine_from(engine) for engine in engines))


_HEADINGS = (
    "engine",
    *(f"qps@{target:g}" for target in TARGET_RECALLS),
    "ratio@0.95",
    "batch@0.95",
    "p50/p99 µs",
    "dist@0.95",
    "max recall",
    "build s",
    "B/vector",
)


def _engine_from(plain: dict[str, Any]) -> EngineResult:
    kept = {key: value for key, value in plain.items() if key not in ("at_recall", "curve")}
    return EngineResult(**kept, curve=Curve(tuple(_points_from(plain["curve"]["points"]))))


def _points_from(points: Iterable[dict[str, Any]]) -> Iterable[Point]:
    for point in points:
        rounds = {key: tuple(point[key]) for key in ("one_qps", "batch_qps")}
        yield Point(**{**point, **rounds, "recall": Recall(**point["recall"])})


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)

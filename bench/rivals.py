"""vicinal beside every engine that is here: speed at equal recall, memory and build time, in one run a set.

    python bench/rivals.py                                     # every set that is here, five rounds (an hour)
    python bench/rivals.py --sets minilm-debian --rounds 3 --vs symphonyqg,hnswlib,hnswlib-m32-c300
    VICINAL_KERNELS=avx2 python bench/rivals.py                # as on a processor without AVX-512

Every engine runs in a process of its own, pinned to one core, and answers one query per call through its Python face;
rounds are interleaved, recall is judged by the exact distances (`vicinal.measure.compare`). An engine may take part
in several configurations, of which each recall takes the fastest. Ratios are those of one round; their medians stand
beside the bound that they reach with a probability of 95 %, which takes five rounds.

The rivals' indexes are kept in build/rivals: a change of ours leaves them as they were. Their build times are then
those of the run that built them, and are marked with an asterisk. Ours is built every time.

Two more figures are of vicinal alone: all queries in one call on one thread and on two, beside what two processes that
only compute win over one (bench/batch_threads.py).
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import batch_threads

from vicinal.measure import (
    TARGET_RECALLS,
    Comparison,
    EngineResult,
    compare,
    dataset_names,
    load_dataset,
    median_at_least,
    median_interval,
)
from vicinal.measure.engines import make_engine
from vicinal.measure.progress_line import ProgressLine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
KEPT = ROOT / "build" / "rivals"
SETS = ("sift-20k", "minilm-5k", "sift-100k", "mnist784", "minilm-debian")
RIVALS = (
    *("symphonyqg", "symphonyqg-c400", "symphonyqg-c800", "glass", "glass-m32-c300", "hnswlib", "hnswlib-m32-c300"),
    *("faiss", "faiss-m32-c300", "faiss-sq-refine", "faiss-ivfpq", "usearch", "usearch-f16"),
    *("scann", "svs-m32", "svs-lvq-m32"),
)
BATCH_RECALLS = (0.95, 0.99)


@dataclass(frozen=True)
class Standing:
    """How many times as fast we are as the fastest of some rivals at one recall.

    `ratio` is the median over rounds; `at_least` is reached with the probability `coverage`.
    """

    recall: float
    ours: str
    rival: str
    ratio: float
    at_least: float
    coverage: float

    def __str__(self) -> str:
        bound = f"{self.at_least:.2f}" + ("" if self.coverage >= 0.95 else f" at {self.coverage:.0%}")
        return f"{self.ratio:.2f}× (≥ {bound}) {self.rival}"


def fastest(engines: Iterable[EngineResult], recall: float) -> EngineResult | None:
    """Find the configuration with the highest median speed at this recall; None where none reaches it."""
    able = [engine for engine in engines if engine.curve.speeds_at(recall)]
    return max(able, key=lambda engine: engine.curve.speed_at(recall) or 0.0, default=None)


def standing(ours: Sequence[EngineResult], rivals: Sequence[EngineResult], recall: float) -> Standing | None:
    """Compare the fastest of ours with the fastest of theirs, round by round."""
    we, they = fastest(ours, recall), fastest(rivals, recall)
    if we is None or they is None:
        return None
    pairs = zip(we.curve.speeds_at(recall), they.curve.speeds_at(recall), strict=True)
    ratios = [mine / other for mine, other in pairs]
    bound, coverage = median_at_least(ratios)
    return Standing(recall, we.name, they.name, statistics.median(ratios), bound, coverage)


def standings(comparison: Comparison, ours: Sequence[str]) -> dict[str, list[Standing | None]]:
    """Judge ours against the best of all rivals, and against hnswlib."""
    us = [engine for engine in comparison.engines if engine.name in ours]
    rivals = [engine for engine in comparison.engines if not engine.name.startswith("vicinal")]
    groups = {
        "the best of all": rivals,
        "hnswlib": [engine for engine in rivals if engine.name.startswith("hnswlib")],
    }
    return {name: [standing(us, group, recall) for recall in TARGET_RECALLS] for name, group in groups.items() if group}


def table(comparison: Comparison, ours: Sequence[str]) -> str:
    """Lay out speeds with their intervals, build time and memory, and below them how we stand."""
    rows = [
        ["engine", *(f"qps@{recall:g}" for recall in TARGET_RECALLS), "best", "build s", "B/vector", "runs on"],
        *(_row(engine, comparison.rows) for engine in comparison.engines if not engine.missing),
    ]
    verdicts = standings(comparison, ours)
    heads = [["vicinal beside", *(f"@{recall:g}" for recall in TARGET_RECALLS)]]
    heads += [[name, *("–" if s is None else str(s) for s in row)] for name, row in verdicts.items()]
    lines = [
        f"{comparison.dataset}: {comparison.rows:,} × {comparison.dim}, {comparison.metric}, "
        f"{comparison.queries:,} queries, k={comparison.k}, {comparison.rounds} rounds, "
        f"build on {comparison.build_threads} threads; {comparison.environment.processor}",
        "",
        *_columns(rows),
        *(f"{engine.name}: missing ({engine.missing})" for engine in comparison.engines if engine.missing),
        "",
        *_columns(heads),
    ]
    return "\n".join(lines)


def _row(engine: EngineResult, rows: int) -> list[str]:
    held = engine.reported_bytes if engine.resident_bytes is None else engine.resident_bytes
    seconds = "–" if engine.build_seconds is None else f"{engine.build_seconds:.1f}{'*' if engine.kept else ''}"
    return [
        engine.name,
        *(_speed(engine.curve.speeds_at(recall)) for recall in TARGET_RECALLS),
        f"{engine.curve.highest_recall:.4f}",
        seconds,
        "–" if held is None else f"{held / rows:,.0f}",
        engine.instructions or "–",
    ]


def _speed(speeds: Sequence[float]) -> str:
    if not speeds:
        return "–"
    low, high, _ = median_interval(speeds)
    return f"{statistics.median(speeds):,.0f} [{low:,.0f}, {high:,.0f}]"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def batches(comparison: Comparison, ours: str, rounds: int, queries: int) -> list[batch_threads.Batches]:
    """Time batches at the efforts that reach the recalls of interest."""
    points = comparison[ours].curve.points
    efforts = sorted(
        {
            min((point.effort for point in points if point.recall.value >= recall), default=points[-1].effort)
            for recall in BATCH_RECALLS
        }
    )
    dataset = load_dataset(comparison.dataset).first_queries(queries)
    return batch_threads.measure(make_engine(ours), dataset, efforts, rounds)


def measure(name: str, arguments: argparse.Namespace) -> None:
    """Compare on one set; print and write what was found."""
    engines = [*arguments.ours, *arguments.vs]
    with ProgressLine() as progress:
        comparison = compare(
            load_dataset(name),
            engines,
            k=batch_threads.K,
            build_threads=arguments.build_threads,
            rounds=arguments.rounds,
            queries=arguments.queries,
            batch=False,
            keep=None if arguments.rebuild else KEPT,
            command=shlex.join(["python", "bench/rivals.py", *sys.argv[1:]]),
            progress=progress,
        )
    print(table(comparison, arguments.ours), "", sep="\n", flush=True)
    found: dict[str, Any] = {
        "standings": {
            group: [None if s is None else asdict(s) for s in row]
            for group, row in standings(comparison, arguments.ours).items()
        }
    }
    if not arguments.no_batch:
        timed = batches(comparison, arguments.ours[0], arguments.rounds, arguments.queries)
        print(f"{arguments.ours[0]}, all queries in one call:", *timed, "", sep="\n  ", flush=True)
        found["batches"] = [asdict(effort) for effort in timed]
    found["comparison"] = comparison.to_dict()
    file = arguments.results / f"rivals-{name}{arguments.suffix}.json"
    file.write_text(json.dumps(found, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n", encoding="utf-8")


def present(names: Iterable[str]) -> list[str]:
    """Drop sets that are not here, aloud."""
    here = dataset_names()
    for name in names:
        if name not in here:
            print(f"{name}: SKIPPED, not here: put it into ../shared/data or name its folder VICINAL_DATA")
    return [name for name in names if name in here]


def main() -> None:
    """Read the command line and go through the sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--vs", type=lambda text: text.split(","), default=RIVALS, metavar="ENGINE,...")
    parser.add_argument("--ours", type=lambda text: text.split(","), default=["vicinal"], metavar="ENGINE,...",
                        help="configurations of ours, of which each recall takes the fastest")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--build-threads", type=int, default=2)
    parser.add_argument("--rebuild", action="store_true", help="build the rivals anew, and keep nothing")
    parser.add_argument("--no-batch", action="store_true", help="leave out the batches on one and two threads")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder to write into")
    parser.add_argument("--suffix", default="", help="of the files written there, such as -avx2")
    arguments = parser.parse_args()
    for name in present(arguments.sets):
        measure(name, arguments)


if __name__ == "__main__":
    main()

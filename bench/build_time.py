"""Build time on two threads beside hnswlib and faiss, at M=16 and ef_construction=200.

    python bench/build_time.py                                  # every set that is here
    python bench/build_time.py --sets sift-20k --rounds 7

One build of each engine a round, in an order that turns from round to round, all in one process; the ratio is the
median of the ratios within a round. Every engine is given the same float32 rows, in one call.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

from vicinal.measure import Dataset, dataset_names, load_dataset, paired_ratio
from vicinal.measure.engines.engine import Engine
from vicinal.measure.engines.faiss import FaissFlat
from vicinal.measure.engines.hnswlib import HnswlibEngine
from vicinal.measure.engines.vicinal import VicinalEngine
from vicinal.measure.environment import describe_environment

RESULTS = Path(__file__).resolve().parent / "results" / "build_time.json"
SETS = ("sift-20k", "minilm-5k", "sift-100k", "minilm-debian", "mnist784")
BAR = 1.0  # of hnswlib's time


def make(name: str) -> Engine:
    """Make an engine by the name it has in the table."""
    if name.startswith("vicinal"):
        return VicinalEngine(traversal=name.removeprefix("vicinal-"))
    return {"hnswlib": HnswlibEngine, "faiss": FaissFlat}[name]()


def rounds_of(names: list[str], dataset: Dataset, rounds: int, threads: int) -> dict[str, list[float]]:
    """Build with each engine once a round: seconds, one figure a round."""
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            engine = make(name)
            begin = perf_counter()
            engine.build(dataset.base, dataset.metric, threads=threads)
            taken[name].append(perf_counter() - begin)
    return taken


def judge(name: str, taken: dict[str, list[float]]) -> dict[str, Any]:
    """Print one set's figures and return them."""
    print(f"{name}", flush=True)
    kept: dict[str, Any] = {"seconds": taken, "ratios": {}}
    for engine, seconds in taken.items():
        print(f"  {engine:<16}{statistics.median(seconds):8.2f} s   ({len(seconds)} rounds)")
    for ours in (engine for engine in taken if engine.startswith("vicinal")):
        for rival in (engine for engine in taken if not engine.startswith("vicinal")):
            ratio = paired_ratio(taken[ours], taken[rival])
            assert ratio is not None
            kept["ratios"][f"{ours} / {rival}"] = asdict(ratio)
            held = "" if rival != "hnswlib" else "  holds" if ratio.value <= BAR else "  MISSES"
            print(f"  {ours + ' / ' + rival:<32} {ratio}{held}", flush=True)
    return kept


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS, metavar="NAME", help=", ".join(SETS))
    parser.add_argument(
        "--engines",
        nargs="+",
        default=["vicinal-auto", "hnswlib", "vicinal-exact"],
        choices=["vicinal-auto", "vicinal-exact", "hnswlib", "faiss"],
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {"sets": {}}
    here = dataset_names()
    for name in arguments.sets:
        if name not in here:
            print(f"{name} is not here: put the larger sets into ../shared/data or name their folder VICINAL_DATA")
            continue
        taken = rounds_of(arguments.engines, load_dataset(name), arguments.rounds, arguments.threads)
        found["sets"][name] = judge(name, taken)
        found |= {"environment": asdict(describe_environment()), "threads": arguments.threads}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What a call costs that has nothing to search: one query to an index of one item, beside hnswlib and faiss.

    taskset -c 1 python bench/call_overhead.py

Each round times every way of asking once, in an order that turns from round to round; the figures are medians over
the rounds, the ratios medians of the ratios within a round, with the interval that holds the true median at 90 %.
Every library gets the query in the shape it likes best and runs on one thread; faiss is also given result arrays to
write into, which is the fastest call it documents.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import perf_counter_ns

import numpy as np

import vicinal
from vicinal.measure import paired_ratio
from vicinal.measure.environment import describe_environment

RESULTS = Path(__file__).resolve().parent / "results" / "call_overhead.json"
RIVALS = ("hnswlib", "faiss", "faiss, given arrays")
BAR = 0.4  # of either rival's call

Call = Callable[[], object]


def ways_of_asking(dim: int) -> dict[str, Call]:
    """Make the calls: each answers one query of `dim` elements with one neighbor."""
    import faiss
    import hnswlib

    only = np.ones((1, dim), dtype=np.float32)
    row = only[0].copy()

    ours = vicinal.Index(dim)
    ours.add(only)
    theirs = hnswlib.Index(space="l2", dim=dim)
    theirs.init_index(max_elements=1, M=16, ef_construction=200)
    theirs.add_items(only, num_threads=1)
    theirs.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexHNSWFlat(dim, 16)
    flat.add(only)
    distances, ids = np.empty((1, 1), dtype=np.float32), np.empty((1, 1), dtype=np.int64)

    def unpacked() -> object:
        found, near = ours.search(row, 1)
        return found, near

    calls: dict[str, Call] = {
        "vicinal": lambda: ours.search(row, 1),
        "vicinal, both arrays": unpacked,
        "hnswlib": lambda: theirs.knn_query(row, 1),
        "faiss": lambda: flat.search(only, 1),
        "faiss, given arrays": lambda: flat.search(only, 1, D=distances, I=ids),
    }
    for name, call in calls.items():
        call()
        assert name != "vicinal, both arrays" or unpacked()[0].tolist() == [0]  # type: ignore[index]
    return calls


def rounds_of(calls: dict[str, Call], rounds: int, times: int) -> dict[str, list[float]]:
    """Time each call `times` times a round: nanoseconds a call, one figure a round."""
    names = list(calls)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            call = calls[name]
            begin = perf_counter_ns()
            for _ in range(times):
                call()
            taken[name].append((perf_counter_ns() - begin) / times)
    return taken


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--times", type=int, default=1000, help="calls of each kind in a round")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    calls = ways_of_asking(arguments.dim)
    rounds_of(calls, 5, arguments.times)  # warm
    taken = rounds_of(calls, arguments.rounds, arguments.times)

    medians = {name: statistics.median(values) for name, values in taken.items()}
    print(f"one query of {arguments.dim} elements, an index of one item, {arguments.rounds} rounds")
    for name, median in medians.items():
        print(f"  {name:<24}{median:8.0f} ns")
    ratios = {}
    for ours in ("vicinal", "vicinal, both arrays"):
        for rival in RIVALS:
            ratio = paired_ratio(taken[ours], taken[rival])
            assert ratio is not None
            ratios[f"{ours} / {rival}"] = asdict(ratio)
            held = "" if ours != "vicinal" else "  holds" if ratio.value <= BAR else "  MISSES"
            print(f"  {ours + ' / ' + rival:<44} {ratio}{held}")
    kept = {"environment": asdict(describe_environment()), **vars(arguments), "nanoseconds": medians, "ratios": ratios}
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

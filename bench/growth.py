"""How the cost of a query and of a build grows with the number of vectors, for `vicinal.plan`'s forecasts.

    python bench/growth.py                         # sift-100k, and the texts together, by halves
    python bench/growth.py --sets sift-20k

For each size: the narrowest beam whose recall@10 is 0.95 or more, what a query compares with it, and processor seconds
of a query and of a vector that is added (processor time, because the machine may have other work). It goes to
bench/results/growth.json, with the lines over log2 of the size that forecasts take.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from shards_results import shared_sets

import vicinal
from vicinal.measure import load_dataset
from vicinal.measure.environment import describe_environment

RESULTS = Path(__file__).resolve().parent / "results" / "growth.json"
K, TARGET, HALVES, QUERIES, ROUNDS = 10, 0.95, 5, 1000, 5


def vectors(name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Return base, queries and metric."""
    if name == "texts":
        return shared_sets()
    data = load_dataset(name)
    return data.base, data.query, data.metric


def measure(base: np.ndarray, queries: np.ndarray, metric: str) -> dict[str, Any]:
    """Build one index and search it at the target's effort."""
    index = vicinal.Index(base.shape[1], metric)
    start = time.process_time()
    index.add(base)
    added = time.process_time() - start
    truth = index.search(queries, K, exact=True).ids
    low, high = K - 1, K
    while recall(index, queries, truth, high) < TARGET:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if recall(index, queries, truth, middle) >= TARGET else (middle, high)
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work = index.search(queries, K, ef=high, threads=1, stats=True).stats
        taken.append((time.process_time() - start) / len(queries))
    compared = float((work["distances"] + work["estimates"]).mean())
    return {
        "vectors": len(base),
        "ef": high,
        "compared": compared,
        "query_us": 1e6 * float(np.median(taken)),
        "build_us": 1e6 * added / len(base),
    }


def law(points: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the lines that forecasts go on with, as [for each doubling, at a single vector].

    Comparisons lie on a line over log2 of the size. What one costs rises while the index outgrows caches: it is taken
    where the index is largest. So is the line of a build, of which nothing is counted: through the largest three.
    """
    sizes = np.log2([point["vectors"] for point in points])
    return {
        "compared": np.polyfit(sizes, [point["compared"] for point in points], 1).tolist(),
        "us_per_comparison": points[-1]["query_us"] / points[-1]["compared"],
        "build_us": np.polyfit(sizes[-3:], [point["build_us"] for point in points[-3:]], 1).tolist(),
    }


def recall(index: vicinal.Index, queries: np.ndarray, truth: np.ndarray, ef: int) -> float:
    found = index.search(queries, K, ef=ef).ids
    return float((found[:, :, None] == truth[:, None, :]).any(axis=2).mean())


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["sift-100k", "texts"])
    asked = parser.parse_args()
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in asked.sets:
        base, queries, metric = vectors(name)
        order = np.random.default_rng(1).permutation(len(base))
        chosen = queries[np.random.default_rng(2).permutation(len(queries))[:QUERIES]]
        points = []
        for halves in range(HALVES)[::-1]:
            points.append(measure(base[order[: len(base) >> halves]], chosen, metric))
            print(name, *(f"{key} {value:,.1f}" for key, value in points[-1].items()), sep="  ", flush=True)
        kept[name] = {
            "dim": base.shape[1],
            "recall": TARGET,
            "points": points,
            "law": law(points),
            "load": os.getloadavg()[0],
            "environment": asdict(describe_environment()),
        }
        print(name, kept[name]["law"])
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

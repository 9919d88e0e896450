"""Whether a target is met, and what per-query effort saves beside a fixed ef: many splits of a set's queries.

    python bench/target.py                                # five sets, 20 splits each: some ten minutes
    python bench/target.py --sets sift-20k minilm-5k      # the bundled ones: a minute

M=16, ef_construction=200, seed 0, traversal="auto", order="random". Each split tunes on one half of the queries, drawn
at random, as `vicinal.Index.tune` does, and searches for the other half with what was found. The fixed ef that reaches
the same recall on the same half is read off a curve of every ef from k to 64, then in steps of a twentieth; an ef is
never below k. Re-ranked vectors count as distances. Everything is a count, and the same on every run.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vicinal
from vicinal.estimate import recall_of_queries
from vicinal.index.calibrate import calibrated
from vicinal.index.trials import Effort, Outcome, Truth, hits_of
from vicinal.measure import load_dataset
from vicinal.measure.engines.engine import of_length_one

SETS = ("sift-100k", "minilm-debian", "mnist784", "sift-20k", "minilm-5k")
TARGETS = (0.90, 0.95, 0.99)
SEED = 11
WIDEST = 700


class Searches:
    """Every query of a set searched for with an effort, once; splits take their rows of it."""

    def __init__(self, index: vicinal.Index, truth: Truth, k: int) -> None:
        self.index, self.truth, self.k = index, truth, k
        self.known: dict[Effort, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def __call__(self, effort: Effort) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return by query how many of the k nearest were found, and how many vectors were compared."""
        if effort not in self.known:
            ids, distances, work = self.index._search_by_rule(
                self.truth.queries, self.k, effort.width, effort.anchor, effort.stretch, 0
            )
            hits, _ = hits_of(ids, distances, self.truth, self.k)
            self.known[effort] = hits, work["distances"] + work["reranked"]
        return self.known[effort]


class Half:
    """Stands in for `vicinal.index.trials.Trials` on some of the queries."""

    def __init__(self, searches: Searches, rows: NDArray[np.int64]) -> None:
        self.searches, self.rows, self.k = searches, rows, searches.k

    def __call__(self, effort: Effort) -> Outcome:
        """Look up what this effort came to on these queries."""
        hits, distances = self.searches(effort)
        there = np.full(len(self.rows), self.k)
        return Outcome(recall_of_queries(hits[self.rows], there, self.k), float(distances[self.rows].mean()))


def efs(k: int) -> list[int]:
    """Every width of a beam that the curve is made of."""
    widths = list(range(k, 65))
    while widths[-1] < WIDEST:
        widths.append(widths[-1] + widths[-1] // 20)
    return widths


def same_recall(half: Half, widths: list[int], recall: float) -> float:
    """Return the distances of the fixed ef that reaches this recall."""
    outcomes = [half(Effort(ef)) for ef in widths]
    recalls = np.maximum.accumulate([outcome.recall.value for outcome in outcomes])
    distances = [outcome.distances for outcome in outcomes]
    at = int(np.searchsorted(recalls, recall))
    if at == 0:
        return distances[0]
    if at == len(recalls):
        return float("nan")
    share = (recall - recalls[at - 1]) / (recalls[at] - recalls[at - 1])
    return float(distances[at - 1] + share * (distances[at] - distances[at - 1]))


def measure(name: str, splits: int, k: int) -> list[dict[str, Any]]:
    """Tune and test on every split; one row of the table for each target."""
    dataset = load_dataset(name)
    base, queries = np.asarray(dataset.base, np.float32), np.asarray(dataset.query, np.float32)
    if dataset.metric == "cosine":
        base, queries = of_length_one(base), of_length_one(queries)
    index = vicinal.Index(base.shape[1], dataset.metric)
    index.add(base, order="random")
    searches = Searches(index, Truth.of(index, queries, k, 0), k)
    rng = np.random.default_rng(SEED)
    collected: dict[float, list[tuple[float, float, float, Effort, int]]] = {target: [] for target in TARGETS}
    for _ in range(splits):
        shuffled = rng.permutation(len(queries))
        tuned, tested = np.sort(shuffled[: len(queries) // 2]), np.sort(shuffled[len(queries) // 2 :])
        few = tuned[np.unique(np.linspace(0, len(tuned) - 1, min(1000, len(tuned))).astype(np.int64))]
        half = Half(searches, tested)
        found = calibrated(Half(searches, tuned), Half(searches, few), list(TARGETS), rules=dataset.metric != "ip")
        for target, ef, effort, _ in found:
            outcome = half(effort)
            same = same_recall(half, efs(k), outcome.recall.value)
            collected[target].append((outcome.recall.value, outcome.distances, same, effort, ef))
    rows = []
    for target, outcomes in collected.items():
        recalls, distances, same = (np.array([outcome[i] for outcome in outcomes]) for i in range(3))
        anchors = Counter(effort.anchor for *_, effort, _ in outcomes)
        rows.append(
            {
                "set": name,
                "queries": len(queries),
                "target": target,
                "recall": recalls.mean(),
                "least": recalls.min(),
                "met": float((recalls >= target).mean()),
                "distances": distances.mean(),
                "fixed": same.mean(),
                "ratio": distances.mean() / same.mean(),
                "ef": float(np.median([ef for *_, ef in outcomes])),
                "anchors": ", ".join(f"{anchor} ({count})" for anchor, count in sorted(anchors.items())),
                "stretch": float(np.median([effort.stretch for *_, effort, _ in outcomes])),
            }
        )
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="SET", help="by name (default: %(default)s)")
    parser.add_argument("--splits", type=int, default=20, help="of the queries of each set")
    parser.add_argument("--k", type=int, default=10, help="neighbors per query")
    arguments = parser.parse_args()
    print("| set | target | mean recall | least | splits that met it | distances | at a fixed ef | ratio | median ef |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.sets:
        rows = measure(name, arguments.splits, arguments.k)
        for row in rows:
            print(
                f"| {name} | {row['target']:.2f} | {row['recall']:.4f} | {row['least']:.4f} | {row['met']:.0%} | "
                f"{row['distances']:.0f} | {row['fixed']:.0f} | {row['ratio']:.3f} | {row['ef']:.0f} |"
            )
            print(f"    anchors: {row['anchors']}, median stretch {row['stretch']:.3f}")
        total = sum(row["distances"] for row in rows) / sum(row["fixed"] for row in rows)
        print(f"| {name} | all | | | | | | {total:.3f} | |", flush=True)


if __name__ == "__main__":
    main()

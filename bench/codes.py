"""The same graph walked on 8-bit and on 4-bit codes: recall, distances, bytes and queries per second at equal recall.

    python bench/codes.py                                          # the bundled sets
    python bench/codes.py --sets sift-100k minilm-debian mnist784

Links are chosen by the 8-bit codes in either case, so that the graphs are one. One query per call, one thread; efforts
and codes in turn, five rounds; times are those of the processor, medians over rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

import vicinal
from vicinal.measure import Dataset, load_dataset, recall

EFFORTS = (10, 12, 14, 17, 20, 24, 28, 34, 40, 48, 56, 68, 80, 100, 120, 160, 240, 400)
TARGETS = (0.95, 0.99, 0.998)
K = 10


class Walked:
    """One index, and at each effort what its searches came to."""

    def __init__(self, dataset: Dataset, traversal: str, queries: int) -> None:
        self.index = vicinal.Index(dataset.dim, dataset.metric, traversal=traversal)
        self.index.add(dataset.base)
        self.rows = list(dataset.query[:queries])
        self.seconds: dict[int, list[float]] = {effort: [] for effort in EFFORTS}
        self.recall, self.distances, self.bytes = [], [], []
        for effort in EFFORTS:
            found = self.index.search(dataset.query[:queries], K, ef=effort, stats=True)
            assert found.stats is not None
            self.recall.append(recall(found.ids, dataset.truth[:queries], K).value)
            self.distances.append(float(found.stats["distances"].mean()))
            self.bytes.append(float(found.stats["bytes"].mean()))

    def time(self, effort: int) -> None:
        """Search for all queries, one per call."""
        search = self.index.search
        begun = time.process_time()
        for row in self.rows:
            search(row, K, ef=effort)
        self.seconds[effort].append((time.process_time() - begun) / len(self.rows))

    def at(self, target: float, values: list[float]) -> float:
        """Interpolate, in logarithms, where the recall is reached; NaN where the first effort is above or none is."""
        for i in range(1, len(EFFORTS)):
            if self.recall[i - 1] < target <= self.recall[i]:
                share = (target - self.recall[i - 1]) / (self.recall[i] - self.recall[i - 1])
                return float(np.exp(np.log(values[i - 1]) * (1 - share) + np.log(values[i]) * share))
        return float("nan")

    def times(self) -> list[float]:
        """Return the median time of a query at each effort."""
        return [statistics.median(self.seconds[effort]) for effort in EFFORTS]


def compare(name: str, queries: int, rounds: int) -> None:
    """Print one line for each kind of codes, and what the coarser ones give."""
    dataset = load_dataset(name)
    whole = dataset.metric == "l2" and bool((dataset.base[:1000] == dataset.base[:1000].round()).all())
    walks = {traversal: Walked(dataset, traversal, queries) for traversal in ("u8" if whole else "sq8", "sq4")}
    for _ in range(rounds):
        for effort in EFFORTS:
            for walked in walks.values():
                walked.time(effort)
    print(name)
    for traversal, walked in walks.items():
        print(f"  {traversal:<4} recall at ef=10 {walked.recall[0]:.4f}", end="")
        for target in TARGETS:
            counts = [walked.at(target, values) for values in (walked.distances, walked.bytes)]
            speed = 1 / walked.at(target, walked.times())
            print(f"   {target}: {counts[0]:5.0f} distances {counts[1]:8,.0f} bytes {speed:7,.0f}/s", end="")
        print()
    fine, coarse = walks.values()
    gains = [fine.at(target, fine.times()) / coarse.at(target, coarse.times()) for target in TARGETS]
    print("  sq4 beside it: " + ", ".join(f"{gain:.2f}x at {t}" for gain, t in zip(gains, TARGETS, strict=True)))


def main() -> None:
    """Compare on each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["sift-20k", "minilm-5k"])
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.sets:
        compare(name, arguments.queries, arguments.rounds)


if __name__ == "__main__":
    main()

"""What it gains to lay rows that walks read together beside each other: Index.optimize().

    python bench/optimize.py --sets sift-100k minilm-debian
    python bench/optimize.py --sets path/to/sift-1m.npz      # some minutes, most of them to build

Rows enter in a shuffled order. The same queries go to the index and to a copy of it that is optimized, in turn, by
processor time; the answers are the same, and so are the counts.
"""

from __future__ import annotations

import argparse
import copy
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vicinal
from vicinal.measure import load_dataset


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=("sift-100k", "minilm-debian"), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.sets:
        dataset = load_dataset(name)
        before = vicinal.Index(dataset.dim, dataset.metric)
        before.add(dataset.base, order="random")
        after = copy.deepcopy(before)
        begin = time.process_time()
        after.optimize()
        print(f"{name}: {len(before)} vectors, optimized in {time.process_time() - begin:.2f} s")
        for ef in (20, 40, 80, 160):
            times = [
                [_microseconds(index, dataset.query, ef) for index in (before, after)] for _ in range(arguments.rounds)
            ]
            old, new = np.median(times, axis=0)
            print(f"  ef {ef:3}: {old:6.1f} us a query, {new:6.1f} us optimized, {old / new:.2f}x", flush=True)


def _microseconds(index: vicinal.Index, queries: NDArray[Any], ef: int) -> float:
    begin = time.process_time()
    for query in queries:
        index.search(query, 10, ef=ef)
    return (time.process_time() - begin) / len(queries) * 1e6


if __name__ == "__main__":
    main()

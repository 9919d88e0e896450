"""What copies of vectors cost: the time to build with them by that without, and the work of a search.

    python bench/copies.py
    python bench/copies.py --others 20000 --copied 20 --times 200 --rounds 1

The first set holds vectors drawn at random; the second holds the same and, mixed in, more of some of them. Both are
built in turn on one thread; processor time counts.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

import vicinal

DIM, K, QUERIES = 64, 10, 500


def build_time(vectors: NDArray[np.float32]) -> tuple[float, vicinal.Index]:
    """Return the seconds of processor time that an index takes to build, and the index."""
    index = vicinal.Index(DIM)
    begin = time.process_time()
    index.add(vectors, threads=1)
    return time.process_time() - begin, index


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others", type=int, default=50_000, help="vectors in all, without their copies")
    parser.add_argument("--copied", type=int, default=50, help="how many of them are copied")
    parser.add_argument("--times", type=int, default=1_000, help="how often each")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    once = rng.standard_normal((arguments.others, DIM), dtype=np.float32)
    copied = rng.choice(arguments.others, arguments.copied, replace=False)
    mixed = np.concatenate([once, np.repeat(once[copied], arguments.times, axis=0)])
    mixed = mixed[rng.permutation(len(mixed))]
    queries = rng.standard_normal((QUERIES, DIM), dtype=np.float32)
    ratios = []
    for _ in range(arguments.rounds):
        (alone, plain), (together, full) = build_time(once), build_time(mixed)
        ratios.append(together / alone)
        print(f"{len(once):,} vectors {alone:.1f} s, {len(mixed):,} with copies {together:.1f} s: {ratios[-1]:.3f}")
    print(f"build by build: {np.median(ratios):.3f} (median of {arguments.rounds})")
    for name, index in (("without", plain), ("with", full)):
        stats = index.search(queries, K, ef=64, stats=True).stats
        assert stats is not None
        work, lost = stats["distances"].mean(), index.check().unreachable
        print(f"{name} copies: {work:.0f} distances a search, {lost} unreachable")


if __name__ == "__main__":
    main()

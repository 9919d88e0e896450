"""Inner product when lengths differ: recall, work and reachability of graphs with and without the lift.

    python bench/lift.py                        # the larger sets, about three minutes on two cores
    python bench/lift.py --sets minilm-5k sift-20k

Rows of real sets are brought to length one and multiplied by log-normal numbers of the given sigma. Queries are left
as they are: their length changes no order. "own" is the share of 1 000 rows that find themselves first at ef=64, of
those that are their own best match; "unreached" are nodes that no path of links on level 0 leads to from the entry.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

import vicinal
from vicinal.measure import ground_truth, load_dataset, recall
from vicinal.measure.engines.engine import of_length_one

EFFORTS = (10, 20, 40, 80, 160)
ROWS, QUERIES, K, M = 20_000, 500, 10, 16


def share_found(index: vicinal.Index, base: NDArray[np.float32], rng: np.random.Generator) -> tuple[float, int]:
    """Measure how many of those rows that are their own best match find themselves, and count them."""
    rows = rng.choice(len(base), size=1000, replace=False)
    best, _ = ground_truth(base, base[rows], k=1, metric="ip")
    own = rows[best[:, 0] == rows]
    if not len(own):
        return 1.0, 0
    return float((index.search(base[own], 1, ef=64).ids[:, 0] == own).mean()), len(own)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=("minilm-debian", "sift-100k"), metavar="NAME")
    parser.add_argument("--sigmas", nargs="+", type=float, default=(0.1, 0.25, 0.5, 1.0), metavar="SIGMA")
    parser.add_argument("--lifts", nargs="+", default=("off", "auto"), metavar="LIFT")
    arguments = parser.parse_args()
    print(
        f"{'set':<14}{'sigma':>6} {'lift':<5}"
        + "".join(f"{'ef ' + str(ef):>14}" for ef in EFFORTS)
        + "  own, unreached"
    )
    for name in arguments.sets:
        dataset = load_dataset(name)
        for sigma in arguments.sigmas:
            rng = np.random.default_rng(7)
            kept = rng.permutation(len(dataset.base))[:ROWS]
            lengths = rng.lognormal(sigma=sigma, size=(len(kept), 1)).astype(np.float32)
            base, queries = of_length_one(dataset.base[kept]) * lengths, of_length_one(dataset.query[:QUERIES])
            truth, _ = ground_truth(base, queries, k=K, metric="ip")
            for lift in arguments.lifts:
                index = vicinal.Index(base.shape[1], "ip", traversal="exact", lift=lift, M=M)
                index.add(base)
                columns = ""
                for ef in EFFORTS:
                    result = index.search(queries, K, ef=ef, stats=True)
                    found = float(recall(result.ids, truth, K))
                    cell = f"{found:.3f} ({result.stats['distances'].mean():.0f})"
                    columns += f"{cell:>14}"
                share, own = share_found(index, base, np.random.default_rng(8))
                unreached = index.check().unreachable
                print(f"{name:<14}{sigma:>6} {lift:<5}{columns}  {share:.3f} of {own}, {unreached}", flush=True)


if __name__ == "__main__":
    main()

"""What a change to the links costs and gains: distances and hops at equal recall, time to build.

    python bench/graph_quality.py               # about a minute
    python bench/graph_quality.py --one-by-one  # the same rows, each added by a call of its own

Parts of three real sets, M=16, ef_construction=200, seed 0, one thread, traversal="auto". Figures at a recall are read
off a curve over twelve efforts. To measure a variant, change what it names in cpp/graph and run this again; what has
been tried is in ABLATIONS.md. Re-ranked vectors count as distances.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import vicinal
from vicinal.measure import ground_truth, load_dataset, recall
from vicinal.measure.curve import lower_at
from vicinal.measure.engines.engine import of_length_one

PARTS = (("sift-100k", 40_000), ("minilm-debian", 30_000), ("mnist784", 15_000))
QUERIES, K, SEED = 1_500, 10, 5
EFFORTS = (10, 14, 20, 28, 40, 56, 80, 113, 160, 226, 320, 640)
SHOWN = (10, 20, 40, 80, 160)
TARGETS = (0.90, 0.95, 0.99, 0.998)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one-by-one", action="store_true", help="add each row by a call of its own")
    arguments = parser.parse_args()
    rng = np.random.default_rng(SEED)
    print(
        "recall@10 at ef " + ", ".join(map(str, SHOWN)) + "; distances/hops at recall " + ", ".join(map(str, TARGETS))
    )
    for name, rows in PARTS:
        dataset = load_dataset(name)
        base = dataset.base[np.sort(rng.permutation(len(dataset.base))[:rows])]
        queries = dataset.query[:QUERIES]
        if dataset.metric == "cosine":
            base, queries = of_length_one(base), of_length_one(queries)
        truth, true_distances = ground_truth(base, queries, k=K, metric=dataset.metric)
        index = vicinal.Index(base.shape[1], dataset.metric)
        begun = time.process_time()
        for first in range(0, rows, 1 if arguments.one_by_one else rows):
            index.add(base[first : first + (1 if arguments.one_by_one else rows)], threads=1)
        built = time.process_time() - begun
        recalls, distances, hops = [], [], []
        for ef in EFFORTS:
            found = index.search(queries, K, ef=ef, stats=True)
            reached = recall(
                found.ids, truth, K, found_distances=found.distances, truth_distances=true_distances.astype(np.float32)
            )
            recalls.append(float(reached))
            distances.append(float((found.stats["distances"] + found.stats["reranked"]).mean()))
            hops.append(float(found.stats["hops"].mean()))
        at_ef = " ".join(f"{recalls[EFFORTS.index(ef)]:.4f}" for ef in SHOWN)
        at = [(lower_at(recalls, distances, target), lower_at(recalls, hops, target)) for target in TARGETS]
        at_recall = " ".join("–" if d is None or h is None else f"{d:.0f}/{h:.1f}" for d, h in at)
        print(f"{name:<14} {at_ef} | {at_recall} | built in {built:.1f} s", flush=True)


if __name__ == "__main__":
    main()

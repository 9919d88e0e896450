"""How good are the answers, offline: recall, its certainty, and the work it takes, for an index and a log of queries.

    python examples/recall_report.py                            # SIFT, bundled
    python examples/recall_report.py --target 0.99

It tunes with one half of the queries and reports on the other, so that nothing is measured with what it was fitted to.
`vicinal report INDEX QUERIES -o page.html` makes a page of the like.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import vicinal
from vicinal import measure

K = 10


def main(words: Sequence[str] | None = None) -> None:
    """Print a table and the queries that are answered worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="sift-20k", help="a name or a file, as for vicinal bench")
    parser.add_argument("--target", type=float, default=0.95)
    options = parser.parse_args(words)
    dataset = measure.load_dataset(options.dataset)
    index = vicinal.Index(dataset.base.shape[1], dataset.metric)
    index.add(dataset.base)
    to_tune, to_report = dataset.query[::2], dataset.query[1::2]
    truth, far = measure.ground_truth(dataset.base, to_report, K, dataset.metric)

    print(f"{dataset.name}: {len(index)} vectors, {len(to_report)} queries, recall@{K}")
    print(f"{'effort':>12} {'recall':>8} {'95 % interval':>16} {'vectors compared':>18}")
    index.tune(to_tune, K, recall=options.target)
    efforts = [(f"ef={ef}", {"ef": ef}) for ef in (10, 20, 40, 80)] + [
        (f"recall={options.target}", {"recall": options.target})
    ]
    for name, effort in efforts:
        found = index.search(to_report, K, stats=True, **effort)
        recall = measure.recall(found.ids, truth, K, found_distances=found.distances, truth_distances=far)
        compared = found.stats["distances"].mean() + found.stats["estimates"].mean()
        print(f"{name:>12} {recall.value:8.4f} {recall.low:8.4f}–{recall.high:.4f} {compared:16.0f}")

    hits = (found.distances <= far[:, K - 1 : K] * (1 + 1e-5)).sum(axis=1)
    worst = hits.argsort(kind="stable")[:3]
    print("worst at the last effort:", ", ".join(f"query {2 * row + 1} ({hits[row]} of {K})" for row in worst))
    health = index.check()
    print(f"health: {'well' if health.ok else 'NOT WELL'}, {health.unreachable} out of reach")


if __name__ == "__main__":
    main()

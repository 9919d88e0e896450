"""The same vectors in another order make another graph: a picture of how much that matters.

    python examples/insertion_order.py                       # SIFT, 10 000 rows, half a minute: insertion_order.png
    python examples/insertion_order.py --dataset minilm-5k

On the left, the recall of each order against the distances a search computes, so that an order that only makes
searches longer gains nothing. On the right, how many links lead to a vector, by when it entered: in every order those
that enter early stay hubs, and least so where hard vectors, which few others choose as neighbors, come first.

matplotlib draws (``pip install vicinal[bench]``).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from vicinal.measure.order_study import Arm, Setting, load_part, study_orders

ORDERS = ("random", "lid_desc", "lid_asc", "cluster", "auto, cluster")
MEANING = {
    "random": "shuffled",
    "lid_desc": "hard vectors first (falling local intrinsic dimension)",
    "lid_asc": "easy vectors first",
    "cluster": "one cluster after the other",
    "auto, cluster": 'the same, with order="auto"',
}


def draw(arms: Sequence[Arm], title: str, file: Path) -> None:
    """Draw both panels into a file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (recall, links) = pyplot.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    for arm in arms:
        assert arm.distances is not None
        recall.plot(arm.distances.mean(axis=0), arm.recalls.mean(axis=0), "o-", ms=3, label=MEANING[arm.name])
        links.plot(range(5, 100, 10), arm.in_degree, "o-", ms=3)
    recall.set(xlabel="distances computed per query", ylabel="recall@10", xscale="log", title=title)
    links.set(xlabel="entered when so many percent were in", ylabel="links that lead to a vector", ylim=(0, None))
    recall.legend(fontsize=8)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


def main(words: Sequence[str] | None = None) -> None:
    """Build an index for each order and seed, tell what each finds, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="sift-20k")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("insertion_order.png"))
    options = parser.parse_args(words)
    dataset, _ = load_part(options.dataset, options.rows, options.queries)
    study = study_orders(dataset, orders=ORDERS, setting=Setting(seeds=options.seeds), tell=print)
    draw(study.arms, f"{study.dataset}, {study.rows:,} vectors", options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()

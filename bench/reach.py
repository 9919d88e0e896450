"""What of whole sets can be reached once they are built, and what it costs to make sure.

    python bench/reach.py                              # the large sets, about a minute on two cores
    python bench/reach.py --sets minilm-5k sift-20k

"lost" is what repair() finds to link again: nothing, after a build. Its time beside that of the build is what the last
step of a build costs.
"""

from __future__ import annotations

import argparse
import time

import vicinal
from vicinal.measure import load_dataset


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=("sift-100k", "minilm-debian", "mnist784"), metavar="NAME")
    arguments = parser.parse_args()
    for name in arguments.sets:
        dataset = load_dataset(name)
        index = vicinal.Index(dataset.dim, dataset.metric)
        begin = time.process_time()
        index.add(dataset.base)
        built = time.process_time()
        lost = index.repair()
        looked = time.process_time() - built
        share = looked / (built - begin)
        print(f"{name}: built in {built - begin:.1f} s, looked at in {looked * 1000:.0f} ms ({share:.2%}), {lost} lost")
        print(index.check(), flush=True)


if __name__ == "__main__":
    main()

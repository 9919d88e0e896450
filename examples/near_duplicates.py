"""Clean a corpus of near-duplicates: of texts that say the same in almost the same words, keep the first.

    python examples/near_duplicates.py                          # the bundled texts
    python examples/near_duplicates.py mine.txt --threshold 0.8 --out clean.txt    # a text a line

Pairs are found by MinHash and compared exactly; texts that pairs connect make a group, of which one stays. That is the
careful reading of "near": a chain of small changes counts as one text.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import vicinal

BUNDLED = Path(__file__).resolve().parents[1] / "bench" / "data" / "minilm-5k.npz"


def groups(count: int, pairs: np.ndarray) -> np.ndarray:
    """Return for each row the first row that pairs connect it with."""
    first = np.arange(count)
    while True:  # each round halves what is left of a chain, or nearly so
        lower = first.copy()
        np.minimum.at(lower, pairs[:, 1], first[pairs[:, 0]])
        np.minimum.at(lower, pairs[:, 0], first[pairs[:, 1]])
        lower = lower[lower]
        if np.array_equal(lower, first):
            return first
        first = lower


def main(words: Sequence[str] | None = None) -> None:
    """Print the largest groups and what is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="a text a line; by default the bundled texts")
    parser.add_argument("--threshold", type=float, default=0.6, help="share of common words (Jaccard)")
    parser.add_argument("--out", type=Path, help="where to write what stays")
    options = parser.parse_args(words)
    if options.file is None:
        with np.load(BUNDLED) as arrays:
            texts = arrays["base_text"].tolist()
    else:
        texts = options.file.read_text(encoding="utf-8").splitlines()

    found = vicinal.lsh.pairs(texts, threshold=options.threshold)
    first = groups(len(texts), found.pairs)
    kept = np.flatnonzero(first == np.arange(len(texts)))
    leaders, sizes = np.unique(first, return_counts=True)
    for largest in np.argsort(-sizes, kind="stable")[:5]:
        print(f"{sizes[largest]} ×  {texts[leaders[largest]]}")
    print(f"{len(texts)} texts, {len(found.pairs)} near pairs, {len(kept)} texts stay")
    if options.out is not None:
        options.out.write_text("".join(f"{texts[row]}\n" for row in kept), encoding="utf-8")


if __name__ == "__main__":
    main()

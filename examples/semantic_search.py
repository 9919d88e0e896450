"""Search texts by meaning: descriptions of 5 000 packages of Debian, embedded with all-MiniLM-L6-v2.

    python examples/semantic_search.py
    python examples/semantic_search.py --section games --queries 10

The queries are descriptions of other packages, held out and embedded with the same model. For texts of your own, embed
them and your queries with one model, and go on from `make_index`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import vicinal

BUNDLED = Path(__file__).resolve().parents[1] / "bench" / "data" / "minilm-5k.npz"


def make_index(vectors: np.ndarray) -> vicinal.Index:
    """Index vectors under their row numbers."""
    index = vicinal.Index(vectors.shape[1], metric="cosine", dtype="f16")  # the model says no more than half floats do
    index.add(vectors)
    return index


def main(words: Sequence[str] | None = None) -> None:
    """Print what is nearest to a few queries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--section", help="search this section of the archive only, such as games or science")
    parser.add_argument("--queries", type=int, default=5)
    parser.add_argument("-k", type=int, default=3)
    options = parser.parse_args(words)

    with np.load(BUNDLED) as arrays:
        texts, sections = arrays["base_text"], arrays["label_names"][arrays["labels"]]
        asked, queries = arrays["query_text"][: options.queries], arrays["query"][: options.queries]
        index = make_index(arrays["base"])
    if options.section is not None and options.section not in sections:
        parser.error(f"section {options.section!r} is none of {', '.join(np.unique(sections))}")
    admitted = None if options.section is None else vicinal.IdSet(np.flatnonzero(sections == options.section))

    ids, distances = index.search(queries, k=options.k, filter=admitted)
    for query, found, away in zip(asked, ids, distances, strict=True):
        print(f"\n{query}")
        for row, distance in zip(found[found >= 0], away, strict=False):
            print(f"  {1 - distance:.2f}  {texts[row]}  [{sections[row]}]")


if __name__ == "__main__":
    main()

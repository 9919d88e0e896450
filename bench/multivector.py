"""Documents of many vectors: how many candidates each generator needs, and what exact scoring costs.

    python bench/multivector.py                        # Cranfield, of ../shared/data; a minute
    python bench/multivector.py --json bench/results/multivector.json

Cranfield's 1 400 abstracts and 225 queries, each the token vectors of all-MiniLM-L6-v2 in 96 dimensions. Printed are
the share of the ten documents that score highest within N candidates, for each generator; the documents to score for a
recall of 0.98; times of one query on one thread (processor time, the median of rounds in turn) of exhaustive scoring by
numpy, by ours, and of candidates and scoring together; the rank correlation of encodings' products with MaxSim; and
nDCG@10 against the judgements, of MaxSim over all documents, of the index, of the single vectors of the same model and
of TF-IDF over the texts. The model was not trained for late interaction: MaxSim may lose to single vectors, and is
measured for what it is.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import spearmanr

from vicinal.blocking import TfidfBlocker
from vicinal.multivector import FDE, MultiVectorIndex, maxsim

K = 10
SIZES = (10, 20, 50, 70, 100, 140, 210, 400, 700)


def ndcg(ranked: np.ndarray, grades: dict[int, int]) -> float:
    """Return nDCG@10 of one query, gains as graded."""
    gains = sorted(grades.values(), reverse=True)[:10]
    best = sum(gain / np.log2(place + 2) for place, gain in enumerate(gains))
    got = sum(grades.get(int(one), 0) / np.log2(place + 2) for place, one in enumerate(ranked[:10]))
    return got / best if best else 0.0


def timed(calls: dict[str, Any], rounds: int) -> dict[str, float]:
    """Return the median of each call's processor time in milliseconds, calls in turn."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.process_time()
            call()
            taken[name].append(1000 * (time.process_time() - begin))
    return {name: float(np.median(times)) for name, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("VICINAL_DATA", "../shared/data")))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data = np.load(options.data / "ir" / "cranfield.npz")
    with gzip.open(options.data / "ir" / "cranfield.json.gz") as file:
        texts = json.load(file)
    tokens, offsets = data["doc_tokens"], data["doc_offsets"]
    queries = [
        data["query_tokens"][first:last].astype(np.float32)
        for first, last in zip(data["query_offsets"][:-1], data["query_offsets"][1:], strict=True)
    ]
    report: dict[str, Any] = {}

    index = MultiVectorIndex(tokens.shape[1], normalize=False)
    index.add(tokens, offsets)
    exact = index.search(queries, K, exact=True, threads=1)
    agree = np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(exact.ids, data["gt"][:, :K], strict=True)])
    print(f"the {K} best are those of the data set: {agree:.4f}\n")

    calibration = index.calibrate(queries, K, recall=0.98)
    report["within"] = {}
    for name in calibration.curves:
        one = MultiVectorIndex(tokens.shape[1], name, normalize=False)
        one.add(tokens, offsets)
        curve = {}
        for size in SIZES:
            found = one.search(queries, K, n_candidates=size)
            curve[size] = np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found.ids, exact.ids, strict=True)])
        report["within"][name] = curve
        print(f"{name:>6} " + " ".join(f"{size}: {value:.3f}" for size, value in curve.items()))
    print(f"\n{calibration}\n")

    wide = tokens.astype(np.float32)
    some = queries[:40]
    built = {}
    for name, curve in report["within"].items():
        built[name] = (
            MultiVectorIndex(tokens.shape[1], name, normalize=False),
            min((size for size in SIZES if curve[size] >= 0.98), default=SIZES[-1]),
        )
        built[name][0].add(tokens, offsets)

    def by_numpy() -> None:
        for query in some:
            np.maximum.reduceat(query @ wide.T, offsets[:-1], axis=1).sum(axis=0)

    times = timed(
        {
            "exhaustive, numpy": by_numpy,
            "exhaustive, f32": lambda: [maxsim(query, wide, offsets, threads=1) for query in some],
            "exhaustive, f16": lambda: [maxsim(query, tokens, offsets, threads=1) for query in some],
            "index, exact": lambda: index.search(some, K, exact=True, threads=1),
            **{
                f"{name}, {size} scored": (lambda one=one, size=size: one.search(some, K, n_candidates=size, threads=1))
                for name, (one, size) in built.items()
            },
        },
        options.rounds,
    )
    report["milliseconds"] = {name: taken / len(some) for name, taken in times.items()}
    for name, taken in report["milliseconds"].items():
        print(f"{name:>18}: {taken:8.3f} ms a query")
    print()

    scores = np.stack([maxsim(query, tokens, offsets) for query in queries])
    report["spearman"] = {}
    for reps, ksim, dproj, partition in ((20, 4, 16, "centered"), (20, 4, 16, "simhash"), (40, 5, 16, "centered")):
        fde = FDE(tokens.shape[1], reps=reps, ksim=ksim, dproj=dproj, partition=partition).fit(tokens, offsets)
        near = fde.queries(queries) @ fde.documents(tokens, offsets).T
        name = f"{fde.length}, {partition}"
        report["spearman"][name] = float(spearmanr(near.ravel(), scores.ravel()).statistic)
        each = np.mean([spearmanr(a, b).statistic for a, b in zip(near, scores, strict=True)])
        print(f"encodings of {name}: Spearman {report['spearman'][name]:.3f} over all pairs, {each:.3f} a query")

    grades: dict[int, dict[int, int]] = {}
    for query, document, grade in data["qrels"].tolist():
        grades.setdefault(query, {})[document] = grade
    chosen = index.search(queries, K).ids
    alone = np.argsort(-(data["query_vec"].astype(np.float32) @ data["doc_vec"].astype(np.float32).T), axis=1)
    pairs = TfidfBlocker().candidates(
        [{"t": t} for t in texts["queries"]], [{"t": t or "empty"} for t in texts["documents"]], k=K
    )
    words = np.full((len(queries), K), -1)
    for query in range(len(queries)):
        mine = pairs.pairs[pairs.pairs[:, 0] == query]
        order = np.argsort(-pairs.scores[pairs.pairs[:, 0] == query], kind="stable")
        words[query, : len(order)] = mine[order, 1]
    report["ndcg"] = {
        name: float(np.mean([ndcg(ranked[query], one) for query, one in grades.items()]))
        for name, ranked in (("maxsim", exact.ids), ("index", chosen), ("single vector", alone), ("tf-idf", words))
    }
    print("\nnDCG@10: " + ", ".join(f"{name} {value:.3f}" for name, value in report["ndcg"].items()))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Documents of many vectors: how many candidates each generator needs, and what exact scoring costs.

    python bench/multivector.py                        # Cranfield, of ../shared/data; a minute
    python bench/multivector.py --json bench/results/multivector.json
    python bench/multivector.py --tokens FILE          # any set, as bench/minilm.py writes it; with its own --json

Cranfield's 1 400 abstracts and 225 queries, each the token vectors of all-MiniLM-L6-v2 in 96 dimensions. Printed are
the share of the ten documents that score highest within N candidates, for each generator; the documents to score for a
recall of 0.98; times of one query on one thread (processor time, the median of rounds in turn) of exhaustive scoring by
numpy, by ours, and of candidates and scoring together; the same of documents in four bits; the rank correlation of
encodings' products with MaxSim; and, where there are judgements, nDCG and recall of MaxSim, of the index, of mean
vectors and of BM25 (needs ir-measures), and nDCG of the single vectors of the same model. The model was not trained for
late interaction: MaxSim may lose to single vectors, and is measured for what it is.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import spearmanr

from vicinal.multivector import FDE, MultiVectorIndex, evaluate, maxsim
from vicinal.multivector.generators import GENERATORS

K = 10
SIZES = (10, 20, 50, 70, 100, 140, 210, 400, 700, 1400)


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
    parser.add_argument("--tokens", type=Path)
    parser.add_argument("--queries", type=int, default=225)
    options = parser.parse_args()
    with np.load(options.tokens or options.data / "ir" / "cranfield.npz") as file:
        data = {name: file[name] for name in file.files}
    starts = data["query_offsets"][: options.queries + 1]
    queries = [data["query_tokens"][a:b].astype(np.float32) for a, b in pairwise(starts)]
    report: dict[str, Any] = {}
    built = candidates(data, queries, report)
    times(data, queries, built, options.rounds, report)
    correlation(data, queries, report)
    if options.tokens is None:
        judgements(options.data, data, queries, built, report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def candidates(data: dict[str, Any], queries: list[Any], report: dict[str, Any]) -> dict[str, MultiVectorIndex]:
    """Measure recall within N candidates."""
    tokens, offsets = data["doc_tokens"], data["doc_offsets"]
    print(f"{len(offsets) - 1} documents of {np.diff(offsets).mean():.1f} vectors")
    report["documents"], report["vectors"] = len(offsets) - 1, len(tokens)
    exact, report["within"], built = None, {}, {}
    for dtype, names in (("f16", GENERATORS), ("b4", ("fde", "centroid"))):
        for name in names:
            index = MultiVectorIndex(tokens.shape[1], name, normalize=False, dtype=dtype)
            index.add(tokens, offsets)
            if exact is None:
                exact = index.search(queries, K, exact=True).ids
            row = {
                size: shared(index.search(queries, K, n_candidates=size).ids, exact)
                for size in SIZES
                if size < len(index)
            }
            name = name if dtype == "f16" else f"{name}, {dtype}"
            report["within"][name], built[name] = row, index
            print(f"{name:>12} " + " ".join(f"{size}: {value:.3f}" for size, value in row.items()), flush=True)
    if "gt" in data:
        print(f"the {K} best are those of the data set: {shared(exact, data['gt'][:, :K]):.4f}")
    return built


def shared(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, exact, strict=True)]))


def times(data: dict[str, Any], queries: list[Any], built: dict[str, Any], rounds: int, report: dict[str, Any]) -> None:
    """Measure a query, exhaustive and with as many candidates as a recall of 0.98 takes."""
    tokens, offsets = data["doc_tokens"], data["doc_offsets"]
    wide, some, calls = tokens.astype(np.float32), queries[:40], {}

    def by_numpy() -> None:
        for query in some:
            np.maximum.reduceat(query @ wide.T, offsets[:-1], axis=1).sum(axis=0)

    for name, index in built.items():
        row = report["within"][name]
        size = min((size for size in row if row[size] >= 0.98), default=None)
        if size is not None:
            calls[f"{name}, {size} scored"] = lambda index=index, size=size: index.search(
                some, K, n_candidates=size, threads=1
            )
    taken = timed(
        {
            "exhaustive, numpy": by_numpy,
            "exhaustive, f32": lambda: [maxsim(query, wide, offsets, threads=1) for query in some],
            "index, exact": lambda: built["mean"].search(some, K, exact=True, threads=1),
            "index, exact, b4": lambda: built["fde, b4"].search(some, K, exact=True, threads=1),
            **calls,
        },
        rounds,
    )
    report["milliseconds"] = {name: one / len(some) for name, one in taken.items()}
    whole = report["milliseconds"]["index, exact"]
    for name, one in report["milliseconds"].items():
        print(f"{name:>22}: {one:8.3f} ms a query, exact by it {whole / one:6.2f}")


def correlation(data: dict[str, Any], queries: list[Any], report: dict[str, Any]) -> None:
    """Measure how products of encodings rank beside MaxSim."""
    few = min(len(data["doc_offsets"]) - 1, 5000)
    offsets = data["doc_offsets"][: few + 1]
    tokens = data["doc_tokens"][: offsets[-1]]
    scores = np.stack([maxsim(query, tokens, offsets) for query in queries])
    report["spearman"] = {}
    for reps, ksim, dproj, partition, fill in (
        (20, 4, 16, "simhash", True),
        (20, 4, 16, "simhash", False),
        (20, 4, 16, "centered", False),
        (20, 4, 16, "kmeans", True),
        (10, 5, 16, "kmeans", False),
        (10, 5, 16, "kmeans", True),
        (20, 5, 16, "kmeans", True),
    ):
        fde = FDE(tokens.shape[1], reps=reps, ksim=ksim, dproj=dproj, partition=partition, fill=fill)
        fde.fit(tokens, offsets)
        near = fde.queries(queries) @ fde.documents(tokens, offsets).T
        each = float(np.mean([spearmanr(a, b).statistic for a, b in zip(near, scores, strict=True)]))
        whole = float(spearmanr(near.ravel(), scores.ravel()).statistic)
        name = f"{fde.length} = {reps} * 2^{ksim} * {dproj}, {partition}, {'filled' if fill else 'not filled'}"
        report["spearman"][name] = {"all pairs": whole, "a query": each}
        print(f"encodings of {name}: Spearman {whole:.3f} over all pairs, {each:.3f} a query", flush=True)


def judgements(
    folder: Path, data: dict[str, Any], queries: list[Any], built: dict[str, Any], report: dict[str, Any]
) -> None:
    """Measure by relevance, beside the baselines."""
    with gzip.open(folder / "ir" / "cranfield.json.gz") as file:
        texts = json.load(file)
    qrels: list[dict[int, int]] = [{} for _ in queries]
    for query, document, grade in data["qrels"].tolist():
        qrels[query][document] = grade
    index = MultiVectorIndex(data["doc_tokens"].shape[1], normalize=False)
    index.add(data["doc_tokens"], data["doc_offsets"])
    print(f"\n{index.calibrate(queries, K, recall=0.98)}\n")
    documents = {number: text or "" for number, text in enumerate(texts["documents"])}
    report["judged"] = {}
    for name, one in {"auto": index, "four bits": built["centroid, b4"]}.items():
        found = evaluate(one, queries, qrels, texts=documents, query_texts=texts["queries"])
        report["judged"][name] = found.measures
        print(f"{name}:\n{found}")
    single = MultiVectorIndex(data["doc_vec"].shape[1])
    single.add(data["doc_vec"], np.arange(len(data["doc_vec"]) + 1))
    asked = list(data["query_vec"][:, None].astype(np.float32))
    found = evaluate(single, asked, qrels, texts=documents, query_texts=texts["queries"])
    report["judged"]["single vectors of the model"] = found.measures["maxsim"]
    print(f"single vectors of the model: {found.measures['maxsim']}")


if __name__ == "__main__":
    main()

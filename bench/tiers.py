"""Codes in memory, vectors on disk: what they take, what they find, and how quickly, beside faiss's OPQ+PQ with refine.

    python bench/tiers.py                                             # the bundled sets
    python bench/tiers.py --sets minilm-debian sift-100k --json bench/results/tiers.json

An index with each kind of codes is filled, saved and mapped. Printed are bytes a vector as stats()["memory"] has them,
by those of the vectors as float32, with the graph and without; recall@10 by the number of vectors that are re-ranked;
and processor time of a query on one thread, after a first pass over the queries. "anon" and "file" are what a process
that maps the index and asks all queries has in memory, by /proc: its own, and pages of the file, which the system takes
back when it needs them. faiss has codes of as many bytes (OPQ and PQ), all of them compared with each query or by
inverted lists, and re-ranks as many vectors, which it keeps in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

import vicinal
from vicinal.measure import load_dataset

K = 10
RERANKED = (10, 20, 50, 100, 200)
CODES = ("2bit", "4bit", "8bit")
ROUNDS = 3


def recall(found: NDArray[Any], truth: NDArray[Any]) -> float:
    """Return the share of the ten nearest that were found."""
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, truth[:, :K], strict=True)]))


def seconds(call: Any) -> float:
    """Return the least processor time of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return min(taken)


def serve(path: Path, queries: Path) -> dict[str, int]:
    """Map an index, ask it everything, and tell what this process has in memory beyond what it began with."""

    def held() -> dict[str, int]:
        lines = Path("/proc/self/status").read_text().splitlines()
        return {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.startswith("Rss")}

    rows = np.load(queries)
    before = held()
    index = vicinal.Index.load(path, mmap=True)
    index.search(rows, K, rerank=100, threads=1)
    after = held()
    return {"anon": after["RssAnon"] - before["RssAnon"], "file": after["RssFile"] - before["RssFile"]}


def ours(data: Any, codes: str, folder: Path) -> dict[str, Any]:
    """Measure one kind of codes."""
    n, dim = data.base.shape
    begin = time.process_time()
    index = vicinal.Index(dim, data.metric, dtype="f16", codes=codes, vectors="disk")
    index.add(data.base)
    built = time.process_time() - begin
    path = folder / f"{codes}.vicinal"
    index.save(path)
    del index
    index = vicinal.Index.load(path, mmap=True)
    memory = index.stats()["memory"]
    plan = vicinal.plan(n, dim, metric=data.metric, dtype="f16", codes=codes, vectors="disk")
    graph = sum(memory[part] for part in ("links", "upper_links"))
    whole = n * dim * 4
    report: dict[str, Any] = {
        "bytes": {part: size / n for part, size in memory.items()},
        "share": memory["resident"] / whole,
        "share_without_graph": (memory["resident"] - graph) / whole,
        "planned": plan.resident / n,
        "build_seconds": built,
    }
    np.save(folder / "queries.npy", data.query)
    told = subprocess.run(
        [sys.executable, __file__, "--serve", path, folder / "queries.npy"], check=True, capture_output=True, text=True
    ).stdout
    report["process"] = {part: size / n for part, size in json.loads(told).items()}
    report["reranked"] = {}
    for count in RERANKED:
        found = index.search(data.query, K, ef=count, rerank=count, threads=1, stats=True)
        taken = seconds(lambda count=count: index.search(data.query, K, ef=count, rerank=count, threads=1))
        report["reranked"][count] = {
            "recall": recall(found.ids, data.truth),
            "us": 1e6 * taken / len(data.query),
            "rows_read": float(np.mean(found.stats["reranked"])),
        }
    return report


def faiss_of(data: Any, name: str, code_bytes: int) -> dict[str, Any]:
    """Measure faiss's codes of as many bytes, re-ranked."""
    import faiss

    faiss.omp_set_num_threads(1)
    dim = data.base.shape[1]
    metric = faiss.METRIC_L2 if data.metric == "l2" else faiss.METRIC_INNER_PRODUCT
    base, queries = np.array(data.base, dtype=np.float32), np.array(data.query, dtype=np.float32)
    if data.metric == "cosine":
        faiss.normalize_L2(base)
        faiss.normalize_L2(queries)
    lists = f"IVF{int(np.sqrt(len(base)))}," if name == "lists" else ""
    coded = faiss.index_factory(dim, f"OPQ{code_bytes},{lists}PQ{code_bytes}", metric)
    turn = faiss.downcast_VectorTransform(coded.chain.at(0))
    turn.niter, turn.max_train_points = 8, 12_000
    begin = time.process_time()
    coded.train(base[np.random.default_rng(0).permutation(len(base))[:30_000]])
    index = faiss.IndexRefineFlat(coded)
    index.add(base)
    report: dict[str, Any] = {"code_bytes": code_bytes, "build_seconds": time.process_time() - begin, "reranked": {}}
    for probes in (4, 16, 64) if lists else (0,):
        for count in (50, 100, 200):
            inner = faiss.SearchParametersPreTransform(index_params=faiss.SearchParametersIVF(nprobe=probes))
            asked = faiss.IndexRefineSearchParameters(k_factor=count / K, base_index_params=inner if probes else None)
            found = index.search(queries, K, params=asked)[1]
            taken = seconds(lambda asked=asked: index.search(queries, K, params=asked))
            key = f"{count}" + (f" of {probes} lists" if probes else "")
            report["reranked"][key] = {"recall": recall(found, data.truth), "us": 1e6 * taken / len(queries)}
    return report


def show(name: str, report: dict[str, Any]) -> None:
    """Print one set's table."""
    for what, row in report.items():
        if "bytes" in row:
            size, process = row["bytes"], row["process"]
            print(
                f"{name} {what}: resident {size['resident']:.1f} B a vector (1/{1 / row['share']:.2f} of float32; "
                f"without the graph 1/{1 / row['share_without_graph']:.2f}), mapped {size['mapped']:.1f}; "
                f"planned {row['planned']:.1f}; process: anon {process['anon']:.1f}, file {process['file']:.1f}; "
                f"built in {row['build_seconds']:.1f} s"
            )
        else:
            print(f"{name} {what}: codes of {row['code_bytes']} B; built in {row['build_seconds']:.1f} s")
        for count, point in row["reranked"].items():
            print(f"    re-ranked {count!s:>16}: recall@10 {point['recall']:.4f}  {point['us']:8.1f} us")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["sift-20k", "minilm-5k"])
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--codes", nargs="+", default=list(CODES))
    parser.add_argument("--no-faiss", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        print(json.dumps(serve(*options.serve)))
        return
    reports: dict[str, Any] = {}
    for name in options.sets:
        data = load_dataset(name).first_queries(options.queries)
        report = reports[name] = {}
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
            for codes in options.codes:
                report[codes] = ours(data, codes, Path(folder))
                show(name, {codes: report[codes]})
        if not options.no_faiss:
            for kind in ("all", "lists"):
                report[f"faiss {kind}"] = faiss_of(data, kind, data.base.shape[1] // 4)
                show(name, {f"faiss {kind}": report[f"faiss {kind}"]})
    if options.json:
        options.json.write_text(json.dumps(reports, indent=1) + "\n")


if __name__ == "__main__":
    main()

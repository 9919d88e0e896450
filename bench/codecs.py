"""Codes: recall at equal bytes, speed of distances between codes, and new queries on old codes.

    python bench/codecs.py                             # minilm-debian of ../shared/data; several minutes
    python bench/codecs.py --parts recall scan
    python bench/codecs.py --json bench/results/codecs.json --figure codes.svg

Printed are, on sentence embeddings (57 944 rows of 384 dimensions, cosine): the recall of codes of 4 bits and of 1 bit
among themselves, raw and with the nearest 20 or 100 meeting the vectors; the same without the rotation; nanoseconds a
row of one query against a table that no cache holds, one thread, of the float32 inner product and of integer products
of codes, in rounds that take turns; and the recall of queries of a "new model" on codes of the old one. New models are
the old one turned at random, cut to 320 dimensions and given noise of its own, as strong as a share of each vector's
length, which is derived; and latent semantic analysis of the same texts (TF-IDF and a singular value decomposition of
384 dimensions), which is another model altogether. Shuffled pairs have to be refused.
Last comes `vicinal.codecs.compare`, by 500 of the queries.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np

from vicinal import MismatchError, _core, codecs
from vicinal.codecs.comparison import nearest_codes, share_found

HERE = Path(__file__).resolve().parent
K = 10
PARTS = ("recall", "scan", "models", "compare")


def larger_set(folder: Path, name: str) -> dict[str, Any]:
    """Load a set of ../shared/data."""
    spec = importlib.util.spec_from_file_location("larger_sets", folder / "data.py")
    assert spec is not None
    assert spec.loader is not None
    data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(data)
    loaded: dict[str, Any] = data.load(name)
    return loaded


def asked_recalls(base: np.ndarray, queries: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return recall@10 of codes of 4 bits and 1 bit with themselves, and with the rotation left out."""
    said = {}
    for name, code, deep in (
        ("4 bits", codecs.Recurrent(4, metric="cosine"), 20),
        ("1 bit", codecs.Recurrent(1, metric="cosine"), 100),
        ("4 bits, not turned", codecs.Recurrent(4, metric="cosine", rotation="none"), 20),
        ("1 bit, not turned", codecs.Recurrent(1, metric="cosine", rotation="none"), 100),
    ):
        codes = code.fit(base).encode(base)
        found = nearest_codes(code, code.encode(queries), codes, deep)
        said[f"{name}, raw"] = share_found(found[:, :K], truth)
        said[f"{name}, {deep} re-ranked"] = share_found(found, truth)
    return said


def scan_times(rows: int, dim: int, rounds: int) -> dict[str, Any]:
    """Return nanoseconds a row of each scan, in rounds that take turns, and how many times as fast as floats."""
    rng = np.random.default_rng(0)
    few = rng.standard_normal((4096, dim)).astype(np.float32)
    scans: dict[str, Any] = {}
    floats = few[rng.integers(0, len(few), rows)]
    scans["float32"] = lambda: _core.products(few[:1], floats)
    for bits in (1, 2, 4, 8):
        code = codecs.Recurrent(bits).fit(few)
        codes = code.encode(few)[rng.integers(0, len(few), rows)].rows
        query = code.encode(few[:1]).rows
        scans[f"{bits} bits, products"] = lambda q=query, c=codes, b=bits: _core.level_products(q, c, dim, b)
        scans[f"{bits} bits, distances"] = lambda q=query, c=codes, b=bits: _core.code_distances(q, c, dim, b, "l2")
    taken: dict[str, list[float]] = {name: [] for name in scans}
    for call in scans.values():
        call()
    for _ in range(rounds):
        for name, call in scans.items():
            begin = time.thread_time()
            call()
            taken[name].append(1e9 * (time.thread_time() - begin) / rows)
    nanoseconds = {name: float(np.median(times)) for name, times in taken.items()}
    times_as_fast = {
        name: float(np.median(np.array(taken["float32"]) / np.array(times))) for name, times in taken.items()
    }
    return {"rows": rows, "dim": dim, "rounds": rounds, "nanoseconds": nanoseconds, "times_as_fast": times_as_fast}


def turned_model(vectors: np.ndarray, noise: float, dim: int) -> np.ndarray:
    """Return what a model would say that is the old one turned, cut, and wrong by `noise` of each length."""
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((vectors.shape[1], vectors.shape[1])))[0][:, :dim]
    off = rng.standard_normal((len(vectors), dim)) * (noise / np.sqrt(dim))
    made: np.ndarray = (vectors @ turn + off).astype(np.float32)
    return made


def latent_semantic_model(texts: list[str]) -> np.ndarray:
    """Return TF-IDF of words and pairs of words in 384 dimensions, each row of length one."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2).fit_transform(texts)
    rows = TruncatedSVD(384, random_state=0).fit_transform(weights).astype(np.float32)
    rows[~rows.any(axis=1), 0] = 1  # a text of words that no other has
    made: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made


def new_on_old(
    base: np.ndarray, queries: np.ndarray, truth: np.ndarray, texts: list[str], pairs: int
) -> list[dict[str, Any]]:
    """Return recall@10 of new models' queries on old codes beside that of the old model's own."""
    both = np.concatenate([base, queries])
    rows = np.sort(np.random.default_rng(2).choice(len(base), pairs, replace=False))
    models = {f"turned, 320 of 384, noise {noise:g}": turned_model(both, noise, 320) for noise in (0, 0.1, 0.2, 0.4)}
    models["latent semantic analysis"] = latent_semantic_model(texts)
    said = []
    for bits in (4, 1):
        code = codecs.Recurrent(bits, metric="cosine").fit(base)
        codes = code.encode(base)
        same = share_found(nearest_codes(code, queries, codes, K), truth)
        for name, new in models.items():
            model = codecs.Compatible(code, base[rows], new[rows])
            found = share_found(nearest_codes(code, model.queries(new[len(base) :]), codes, K), truth)
            refused = False
            try:
                codecs.Compatible(code, base[rows], new[np.random.default_rng(3).permutation(rows)])
            except MismatchError:
                refused = True
            said.append(
                {
                    "bits": bits,
                    "model": name,
                    "pairs": pairs,
                    "same_version": same,
                    "new_on_old": found,
                    "kept": found / same,
                    "shuffled_refused": refused,
                    "audit": str(model.audit),
                }
            )
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("VICINAL_DATA", HERE.parents[1] / "shared" / "data"))
    )
    parser.add_argument("--rows", type=int, default=57_944)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--scan-rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--json", type=Path, help="parts that were left out stay in it as they were")
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    data = larger_set(options.data, "minilm-debian")
    base = np.ascontiguousarray(data["base"][: options.rows], np.float32)
    queries = np.ascontiguousarray(data["query"][: options.queries], np.float32)
    texts = [*data["base_text"][: options.rows], *data["query_text"][: options.queries]]
    truth = _core.exact_search(base, queries, K, "cosine")[0]

    report: dict[str, Any] = json.loads(options.json.read_text()) if options.json and options.json.is_file() else {}
    report |= {"rows": len(base), "queries": len(queries), "kernels": _core.kernels_in_use()}

    def keep(part: str, value: Any) -> None:
        report[part] = value
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")

    if "recall" in options.parts:
        keep("recall", asked_recalls(base, queries, truth))
        for name, value in report["recall"].items():
            print(f"between codes, {name}: recall@{K} {value:.4f}")
    if "scan" in options.parts:
        keep("scan", scan_times(options.scan_rows, base.shape[1], options.rounds))
        for name, value in report["scan"]["nanoseconds"].items():
            print(f"{name:>18}: {value:7.1f} ns a row, {report['scan']['times_as_fast'][name]:5.2f} times as fast")
    if "models" in options.parts:
        keep("new_on_old", new_on_old(base, queries, truth, texts, options.pairs))
        for one in report["new_on_old"]:
            print(
                f"{one['bits']} bits, {one['model']}: {one['new_on_old']:.4f} where the old model has "
                f"{one['same_version']:.4f}: {100 * one['kept']:.1f} % kept; shuffled refused: "
                f"{one['shuffled_refused']}\n    {one['audit']}"
            )
    if "compare" in options.parts:
        table = codecs.compare(base, queries[:500], metric="cosine", k=K, rerank=100)
        print(table)
        keep("compare", table.as_dicts())
        if options.figure:
            table.figure().savefig(options.figure)


if __name__ == "__main__":
    main()

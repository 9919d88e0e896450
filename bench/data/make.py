"""Makes the bundled data sets from the larger ones: python bench/data/make.py [FOLDER OF THE LARGER SETS].

The folder is the one argument, else VICINAL_DATA, else ../shared/data beside this repository. The same numpy makes
the same bytes again.
"""

import gzip
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
SEED = 20
NEIGHBORS = 100


def main() -> None:
    source = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("VICINAL_DATA", HERE.parents[2] / "shared/data"))
    for name, arrays in (("sift-20k", sift(source)), ("minilm-5k", minilm(source))):
        path = HERE / f"{name}.npz"
        save(path, arrays)
        print(f"{path.name}: {path.stat().st_size:,} bytes")
        for key, array in arrays.items():
            print(f"    {key:12} {array.dtype!s:10} {array.shape}")


def sift(source: Path) -> dict[str, NDArray]:
    """20 000 descriptors and 1 000 queries from pictures that gave no base vector."""
    with np.load(source / "sift-100k.npz") as whole:
        rows = chosen(len(whole["base"]), 20_000)
        asked = chosen(len(whole["query"]), 1_000)
        base, query = whole["base"][rows], whole["query"][asked]
        pictures = whole["base_img"][rows].astype(np.uint16)

    # Squared distances of 128 bytes stay below 2^24: float64 holds each step exactly.
    exact_base, exact_query = base.astype(np.float64), query.astype(np.float64)
    squares = (exact_query**2).sum(1)[:, None] + (exact_base**2).sum(1)[None]
    gt, gt_dist = nearest(squares - 2 * exact_query @ exact_base.T)
    return {
        "base": base,
        "query": query,
        "gt": gt,
        "gt_dist": gt_dist,
        "metric": np.array("l2"),
        "base_img": pictures,
    }


def minilm(source: Path) -> dict[str, NDArray]:
    """5 000 sentence embeddings and 500 held-out ones, with their texts."""
    with np.load(source / "minilm-debian.npz") as whole:
        rows = chosen(len(whole["base"]), 5_000)
        asked = chosen(len(whole["query"]), 500)
        base, query = whole["base"][rows], whole["query"][asked]
        labels, label_names = whole["labels"][rows].astype(np.uint8), whole["label_names"]
    with gzip.open(source / "minilm-debian.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    of_base = [record for record in records if record["part"] == "base"]
    of_query = [record for record in records if record["part"] == "query"]

    gt, negated = nearest(-(unit(query) @ unit(base).T))
    return {
        "base": base,
        "query": query,
        "gt": gt,
        "gt_dist": -negated,
        "metric": np.array("cosine"),
        "labels": labels,
        "label_names": label_names,
        "base_text": np.array([of_base[row]["text"] for row in rows]),
        "base_id": np.array([of_base[row]["id"] for row in rows]),
        "query_text": np.array([of_query[row]["text"] for row in asked]),
        "query_id": np.array([of_query[row]["id"] for row in asked]),
    }


def chosen(n: int, count: int) -> NDArray[np.int64]:
    """Rows drawn without replacement, in their old order: neighbors in the file stay neighbors."""
    return np.sort(np.random.default_rng(SEED).choice(n, count, replace=False))


def unit(rows: NDArray[np.float16]) -> NDArray[np.float64]:
    """Rows of length one as a reader of the file makes them: float32, divided by their length."""
    single = rows.astype(np.float32)
    return (single / np.linalg.norm(single, axis=1, keepdims=True)).astype(np.float64)


def nearest(distances: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The first hundred of each row, nearest first, equal distances by row number."""
    gt = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBORS]
    return gt.astype(np.int32), np.take_along_axis(distances, gt, axis=1).astype(np.float32)


def save(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """What numpy.savez_compressed writes, with a fixed date, so that equal arrays give equal files."""
    with zipfile.ZipFile(path, "w") as archive:
        for key, array in arrays.items():
            entry = zipfile.ZipInfo(f"{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


if __name__ == "__main__":
    main()

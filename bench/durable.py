"""What it costs to keep an index in a file, and how long it takes to map one.

    python bench/durable.py                       # sift-20k: single inserts, with and without durability
    python bench/durable.py --map FILE            # opens FILE with mmap=True, and makes it first where it is not there

Inserts: one vector a call, the same vectors in turns with each kind of durability, so that a busy machine is busy for
all; the figure is the median of the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import vicinal

KINDS = ("memory", "none", "batched", "every_call")


def insert_in_turns(vectors: np.ndarray, turns: int, each: int) -> None:
    """Print inserts per second of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        indexes = {
            kind: vicinal.Index(vectors.shape[1])
            if kind == "memory"
            else vicinal.Index.open(Path(folder, kind), vectors.shape[1], durability=kind)
            for kind in KINDS
        }
        spent: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for turn in range(turns):
            part = vectors[turn * each : (turn + 1) * each]
            for kind, index in indexes.items():
                rows = part[: each // 20] if kind == "every_call" else part
                start = time.perf_counter()
                for row in rows:
                    index.add(row[None], threads=1)
                spent[kind].append((time.perf_counter() - start) / len(rows))
        for kind in KINDS:
            ratio = statistics.median(m / s for m, s in zip(spent["memory"], spent[kind], strict=True))
            print(f"{kind:10} {1 / statistics.median(spent[kind]):8.0f} inserts/s, {ratio:.2f} of an index in memory")
        for index in indexes.values():
            index.close()


def map_file(path: Path, rows: int, dim: int) -> None:
    """Print how long it takes to open the file, and to answer a first and later queries."""
    if not path.exists():
        index = vicinal.Index(dim, M=4, ef_construction=8)
        index.add(np.random.default_rng(0).standard_normal((rows, dim), dtype=np.float32))
        index.save(path)
        del index
    queries = np.random.default_rng(1).standard_normal((200, dim), dtype=np.float32)
    for _ in range(3):
        start = time.perf_counter()
        index = vicinal.Index.load(path, mmap=True)
        opened = time.perf_counter()
        index.search(queries[0], 10)
        first = time.perf_counter()
        for query in queries:
            index.search(query, 10)
        warm = time.perf_counter()
        for query in queries:
            index.search(query, 10)
        done = time.perf_counter()
        size = path.stat().st_size / 2**30
        print(
            f"{size:.2f} GiB, {len(index)} vectors: opened in {opened - start:.3f} s, "
            f"first query {first - opened:.3f} s, "
            f"the next {len(queries)} {(warm - first) * 1e3 / len(queries):.2f} ms each, once more "
            f"{(done - warm) * 1e3 / len(queries):.2f} ms each"
        )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", type=Path)
    parser.add_argument("--rows", type=int, default=1_500_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--each", type=int, default=500)
    asked = parser.parse_args()
    if asked.map is not None:
        map_file(asked.map, asked.rows, asked.dim)
        return
    data = np.load(Path(__file__).parent / "data" / "sift-20k.npz")
    base = next(
        data[name] for name in data.files if data[name].ndim == 2 and len(data[name]) >= asked.turns * asked.each
    )
    insert_in_turns(base.astype(np.float32), asked.turns, asked.each)


if __name__ == "__main__":
    main()

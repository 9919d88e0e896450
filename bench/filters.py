"""Filtered searches over a grid of selectivities and of what the filter has to do with the query, beside other engines.

    python bench/filters.py                                  # sift-20k and minilm-5k, a few minutes
    python bench/filters.py --sets sift-100k --rounds 3 --json bench/results/filters.json

Filters admit a share of the rows: at random, or whole clusters (each row belongs to the nearest of 64 rows), the
nearest to the query first ("following") or the farthest ("against"). Every query of the latter two has a filter of its
own. Each cell shows recall@10 at the default effort, the strategy most queries took, distances and hops a query,
microseconds a query, and the same of a scan of the admitted (`exact=True`) and of an unfiltered walk divided by the
share, timed in the same rounds; "bound" is the first by the better of these two. A walk divided by the share says
nothing of filters that run against the query: no walk of that length meets what they admit, so there the bound is the
scan.

The rivals are faiss's IndexHNSWFlat with IDSelectorBitmap and hnswlib with its filter (in Python a callable, asked
about each vertex), at M=16 and ef_construction=200, for random filters only: each engine, ours too, at the least of the
efforts 10, 11, 12, 13 ... 4096 at which it finds 95 of a hundred, and "times" is its time by ours there. One query a
call on one thread; processor time, the least of the rounds, since machines are shared: the ratios say more than the
figures.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vicinal
from vicinal.measure import Dataset, load_dataset
from vicinal.measure.engines.engine import of_length_one

SHARES = (0.9, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001)
KINDS = ("random", "following", "against")
EFFORTS = (
    10,
    11,
    12,
    13,
    14,
    16,
    18,
    20,
    23,
    26,
    29,
    32,
    37,
    42,
    48,
    56,
    64,
    74,
    85,
    96,
    112,
    128,
    160,
    192,
    256,
    512,
    1024,
    2048,
    4096,
)
K, M, EF_CONSTRUCTION, CLUSTERS, ENOUGH = 10, 16, 200, 64, 0.95

Row = dict[str, Any]
Ask = Callable[[int], Any]  # about the query of this number


class Filters:
    """Ids that filters of one data set admit."""

    def __init__(self, base: NDArray[np.float32], queries: NDArray[np.float32]) -> None:
        self.rng = np.random.default_rng(8)
        self.n, self.m = len(base), len(queries)
        centers = base[self.rng.permutation(self.n)[:CLUSTERS]]
        self.label = _distances(base, centers).argmin(axis=1)
        self.nearest = _distances(queries, centers).argsort(axis=1)

    def each(self, kind: str, share: float) -> list[vicinal.IdSet]:
        """Return one set for each query; at random all are one."""
        if kind == "random":
            return [vicinal.IdSet(self.rng.permutation(self.n)[: int(share * self.n)])] * self.m
        return [self._clusters(share, order if kind == "following" else order[::-1]) for order in self.nearest]

    def _clusters(self, share: float, order: NDArray[np.int64]) -> vicinal.IdSet:
        rank = np.empty(CLUSTERS)
        rank[order] = np.arange(CLUSTERS)
        return vicinal.IdSet(np.argsort(rank[self.label] + self.rng.random(self.n))[: int(share * self.n)])


def _distances(rows: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((centers**2).sum(axis=1) - 2 * rows @ centers.T)


def share_found(found: list[list[int]], truth: list[list[int]]) -> float:
    """Return the recall, of short truths too."""
    both = sum(len(set(a) & (set(b) - {-1})) for a, b in zip(found, truth, strict=True))
    return both / max(1, sum(number >= 0 for row in truth for number in row))


def microseconds(asks: list[Ask], queries: int, rounds: int) -> list[float]:
    """Time each way of asking, in turns; the least of the rounds, by query."""
    least = [np.inf] * len(asks)
    for _ in range(rounds):
        for place, ask in enumerate(asks):
            begin = time.process_time()
            for query in range(queries):
                ask(query)
            least[place] = min(least[place], time.process_time() - begin)
    return [seconds / queries * 1e6 for seconds in least]


def measured(
    index: vicinal.Index, queries: NDArray[np.float32], kind: str, share: float, sets: list[vicinal.IdSet], rounds: int
) -> Row:
    """Fill one cell of the grid."""
    truth = index.search(queries, K, filter=sets, exact=True)
    found = index.search(queries, K, filter=sets, stats=True)
    assert found.stats is not None
    ours, scan, walk = microseconds(
        [
            lambda query: index.search(queries[query], K, filter=sets[query]),
            lambda query: index.search(queries[query], K, filter=sets[query], exact=True, threads=1),
            lambda query: index.search(queries[query], K),
        ],
        len(queries),
        rounds,
    )
    strategies = found.stats["strategy"]
    best = scan if kind == "against" else min(scan, walk / share)
    return {
        "share": share,
        "kind": kind,
        "recall": share_found(found.ids.tolist(), truth.ids.tolist()),
        "full": bool((found.counts == truth.counts).all()),
        "strategy": max(set(strategies), key=strategies.count),
        "distances": float(found.stats["distances"].mean()),
        "hops": float(found.stats["hops"].mean()),
        "us": ours,
        "scan_us": scan,
        "walk_by_share_us": walk / share,
        "bound": ours / best,
    }


def rival_faiss(dataset: Dataset) -> Callable[[int, NDArray[np.int64]], Ask]:
    """Build faiss's index; returns what asks it at an effort about those ids."""
    import faiss

    base, queries = _rows(dataset)
    index = faiss.IndexHNSWFlat(dataset.dim, M)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(base)
    faiss.omp_set_num_threads(1)

    def asking(effort: int, ids: NDArray[np.int64]) -> Ask:
        bits = np.zeros(len(base), dtype=bool)
        bits[ids] = True
        packed = np.packbits(bits, bitorder="little")
        selector = faiss.IDSelectorBitmap(packed)
        parameters = faiss.SearchParametersHNSW(efSearch=effort, sel=selector)
        keep = (packed, selector)  # faiss borrows both

        def ask(query: int, _keep: Any = keep) -> Any:
            return index.search(queries[query : query + 1], K, params=parameters)[1][0]

        return ask

    return asking


def rival_hnswlib(dataset: Dataset) -> Callable[[int, NDArray[np.int64]], Ask]:
    """Build hnswlib's index; returns what asks it at an effort about those ids."""
    import hnswlib

    base, queries = _rows(dataset)
    index = hnswlib.Index(space="l2", dim=dataset.dim)
    index.init_index(max_elements=len(base), M=M, ef_construction=EF_CONSTRUCTION)
    index.add_items(base)

    def asking(effort: int, ids: NDArray[np.int64]) -> Ask:
        admits = set(ids.tolist()).__contains__

        def ask(query: int) -> Any:
            index.set_ef(effort)
            try:
                return index.knn_query(queries[query], K, num_threads=1, filter=admits)[0][0]
            except RuntimeError:  # fewer than k were found
                return []

        return ask

    return asking


def _rows(dataset: Dataset) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return rows on which l2 gives the order of the set's metric."""
    both = dataset.base, dataset.query
    base, queries = (of_length_one(rows) for rows in both) if dataset.metric == "cosine" else both
    return np.ascontiguousarray(base, dtype=np.float32), np.ascontiguousarray(queries, dtype=np.float32)


def asking_ours(index: vicinal.Index, queries: NDArray[np.float32]) -> Callable[[int, Any], Ask]:
    """Return what asks our index at an effort about those ids."""

    def asking(effort: int, ids: Any) -> Ask:
        admitted = vicinal.IdSet(ids)
        return lambda query: index.search(queries[query], K, ef=effort, filter=admitted).ids

    return asking


def side_by_side(asking: dict[str, Callable[[int, Any], Ask]], truth: list[list[int]], ids: Any) -> dict[str, Row]:
    """Find each engine's least effort that finds enough, and time all there in turns."""
    cells: dict[str, Row] = {}
    asks: dict[str, Ask] = {}
    for engine, make in asking.items():
        for effort in EFFORTS:
            ask = make(effort, ids)
            recall = share_found([list(ask(query)) for query in range(len(truth))], truth)
            cells[engine] = {"effort": effort, "recall": recall, "us": None, "times": None}
            if recall >= ENOUGH:
                asks[engine] = ask
                break
    for engine, us in zip(asks, microseconds(list(asks.values()), len(truth), 3), strict=True):
        cells[engine] |= {"us": us, "times": us / cells["vicinal"]["us"] if engine != "vicinal" else 1.0}
    return cells


def grid(name: str, dataset: Dataset, rivals: dict[str, Any], rounds: int) -> Iterator[Row]:
    """Measure a set, cell by cell."""
    index = vicinal.Index(dataset.dim, dataset.metric, M=M, ef_construction=EF_CONSTRUCTION)
    index.add(dataset.base)
    queries = np.ascontiguousarray(dataset.query, dtype=np.float32)
    filters = Filters(dataset.base, queries)
    asking = {"vicinal": asking_ours(index, queries)} | {engine: build(dataset) for engine, build in rivals.items()}
    for share in SHARES:
        for kind in KINDS:
            sets = filters.each(kind, share)
            cell = {"set": name, **measured(index, queries, kind, share, sets, rounds)}
            if kind == "random" and rivals:
                truth = index.search(queries, K, filter=sets[0], exact=True).ids.tolist()
                cell |= side_by_side(asking, truth, sets[0].ids)
            yield cell


def line_of(cell: Row, rivals: dict[str, Any]) -> str:
    """Write a cell as a line of the table."""
    told = (
        f"{cell['set']:<14}{cell['share']:>6} {cell['kind']:<10}{cell['recall']:>7.3f} {cell['strategy']:<8}"
        f"{cell['distances']:>8.0f}{cell['hops']:>7.0f}{cell['us']:>9.1f}{cell['scan_us']:>9.1f}"
        f"{cell['walk_by_share_us']:>10.1f}{cell['bound']:>7.2f}"
    )
    for engine in ("vicinal", *rivals):
        if engine in cell:
            of = cell[engine]
            us, times = of["us"], of["times"]
            told += f"  {engine} {of['recall']:.3f}" + (f" {us:.0f} us ({times:.1f}x)" if us else "")
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["sift-20k", "minilm-5k"])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vs", nargs="*", default=["faiss", "hnswlib"], choices=["faiss", "hnswlib"])
    parser.add_argument("--json", type=Path, help="write the cells here too")
    arguments = parser.parse_args()
    known = {"faiss": rival_faiss, "hnswlib": rival_hnswlib}
    rivals = {engine: known[engine] for engine in arguments.vs}
    print(
        f"{'set':<14}{'share':>6} {'kind':<10}{'recall':>7} {'strategy':<8}{'dist':>8}{'hops':>7}{'us':>9}{'scan':>9}"
        f"{'walk/share':>10}{'bound':>7}"
    )
    cells = []
    for name in arguments.sets:
        dataset = load_dataset(name).first_queries(arguments.queries)
        for cell in grid(name, dataset, rivals, arguments.rounds):
            cells.append(cell)
            print(line_of(cell, rivals), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(cells, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

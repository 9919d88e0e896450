"""The recall of filtered searches, for filters that have nothing to do with the query, follow it, or run against it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal.measure import load_dataset

DATA = Path(__file__).resolve().parents[2] / "bench" / "data"
CLUSTERS, QUERIES, K = 32, 100, 10
SHARES = (0.9, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001)


class Filters:
    """Filters of a data set: ids at random, or clusters by how far they are from the query."""

    def __init__(self, base: NDArray[np.float32], queries: NDArray[np.float32]) -> None:
        self.rng = np.random.default_rng(8)
        self.n = len(base)
        centers = base[self.rng.permutation(self.n)[:CLUSTERS]]
        self.label = self.distances(base, centers).argmin(axis=1)
        self.nearest = self.distances(queries, centers).argsort(axis=1)

    @staticmethod
    def distances(rows: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((centers**2).sum(axis=1) - 2 * rows @ centers.T)

    def at_random(self, share: float) -> vicinal.IdSet:
        return vicinal.IdSet(self.rng.permutation(self.n)[: int(share * self.n)])

    def by_cluster(self, share: float, order: NDArray[np.int64]) -> vicinal.IdSet:
        rank = np.empty(CLUSTERS, dtype=np.int64)
        rank[order] = np.arange(CLUSTERS)
        key = rank[self.label] + self.rng.random(self.n)  # within a cluster at random
        return vicinal.IdSet(np.argsort(key)[: int(share * self.n)])

    def all(self, kind: str, share: float) -> list[vicinal.IdSet]:
        if kind == "random":
            return [self.at_random(share)] * len(self.nearest)
        return [self.by_cluster(share, order if kind == "following" else order[::-1]) for order in self.nearest]


@pytest.mark.parametrize("name", ["sift-20k", "minilm-5k"])
def test_filtered_searches_find_19_of_20_whatever_the_filter(name: str) -> None:
    dataset = load_dataset(DATA / f"{name}.npz")
    queries = dataset.query[:QUERIES]
    index = vicinal.Index(dataset.dim, dataset.metric, ef_construction=100)
    index.add(dataset.base)
    filters = Filters(dataset.base, queries)
    used: set[str] = set()

    for share in SHARES:
        for kind in ("random", "following", "against"):
            sets = filters.all(kind, share)
            truth = index.search(queries, K, filter=sets, exact=True)
            found = index.search(queries, K, filter=sets, stats=True)

            assert found.stats is not None
            assert found.counts.tolist() == truth.counts.tolist()
            hits = sum(len(set(a) & set(b) - {-1}) for a, b in zip(found.ids.tolist(), truth.ids.tolist(), strict=True))
            assert hits >= 0.95 * truth.counts.sum(), (name, share, kind, hits / truth.counts.sum())
            used |= set(found.stats["strategy"])
    assert used >= {"scan", "two-hop", "gated"}


def test_a_narrow_beam_by_4_bit_codes_finds_what_exact_distances_do_behind_filters_and_removals() -> None:
    dataset = load_dataset(DATA / "minilm-5k.npz")
    queries = dataset.query[:400]
    some = vicinal.IdSet(np.random.default_rng(0).permutation(len(dataset.base))[: len(dataset.base) // 5])
    recall: dict[str, list[float]] = {}
    for traversal in ("sq4", "exact"):
        index = vicinal.Index(dataset.dim, dataset.metric, ef_construction=100, traversal=traversal)
        index.add(dataset.base)
        filtered = measured(index, queries, some)
        index.remove(index.ids[::10])
        recall[traversal] = [filtered, measured(index, queries, None)]

    assert (np.subtract(recall["exact"], recall["sq4"]) < 0.02).all(), recall


def measured(index: vicinal.Index, queries: NDArray[np.float32], admitted: vicinal.IdSet | None) -> float:
    truth = index.search(queries, K, exact=True, filter=admitted).ids.tolist()
    found = index.search(queries, K, ef=K, filter=admitted).ids.tolist()
    return sum(len(set(a) & set(b)) for a, b in zip(found, truth, strict=True)) / (K * len(queries))

"""How much the order of insertion matters: data sets × orders × seeds, on this engine and on hnswlib.

The study of Elliott and Clark (The Impacts of Data, Ordering, and Intrinsic Dimensionality on Recall in Hierarchical
Navigable Small Worlds, ICTIR 2024, arXiv 2405.17813), at fixed M and ef_construction. Orders are compared at equal ef
and, since one order may make a graph that computes more at the same ef, at equal distance computations.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vicinal
from vicinal import order
from vicinal.measure.dataset import Dataset
from vicinal.measure.dimensions import dimension_summary
from vicinal.measure.links import in_degrees, unreached
from vicinal.measure.load import load_dataset, path_of
from vicinal.measure.truth import ground_truth

__all__ = ["EFFORTS", "ORDERS", "SHOWN", "Arm", "Setting", "Study", "load_part", "study_orders"]

SHOWN = (10, 20, 40, 80)
EFFORTS = (10, 14, 20, 28, 40, 56, 80, 113)  # more of them, to interpolate between
ORDERS = (
    *("random", "given", "block", "lid_desc", "lid_asc", "category", "interleave", "shuffled labels", "cluster"),
    *("farthest", "auto", "auto, random", "auto, category", "auto, cluster", "auto, lid_asc"),
)
K = 10
_LABELS = ("labels", "base_img")  # what the sets call a category of each base row


@dataclass(frozen=True)
class Setting:
    """What all indexes of a study have in common."""

    M: int = 16
    ef_construction: int = 128
    seeds: int = 5
    traversal: str = "auto"
    threads: int = 0


@dataclass(frozen=True)
class Arm:
    """One order on one set, by seed: hits, shape (seeds, efforts, queries), and means of the graphs.

    `distances`, shape (seeds, efforts), `unreached` and `in_degree` (mean by decile of insertion) are of this engine;
    hnswlib does not count. `chosen` says what ``"auto"`` did.
    """

    engine: str
    name: str
    hits: NDArray[np.int64]
    distances: NDArray[np.float64] | None = None
    unreached: float | None = None
    in_degree: tuple[float, ...] = ()
    chosen: str = ""

    @property
    def recalls(self) -> NDArray[np.float64]:
        """Recall by seed and effort."""
        means: NDArray[np.float64] = self.hits.mean(axis=2) / K
        return means


@dataclass(frozen=True)
class Study:
    """All orders on one set; `dimensions` is what `vicinal.measure.dimension_summary` says of it."""

    dataset: str
    rows: int
    queries: int
    metric: str
    setting: Setting
    dimensions: dict[str, float]
    arms: tuple[Arm, ...]


def load_part(name: str, rows: int = 0, queries: int = 0, *, seed: int = 0) -> tuple[Dataset, NDArray[Any] | None]:
    """Load a set, draw some of its rows without changing their order, and find their categories.

    Parameters
    ----------
    name : str
        As for `load_dataset`.
    rows, queries : int
        How many; 0: all. The first queries are kept.
    seed : int
        Of the draw.

    Returns
    -------
    dataset : Dataset
        Its truth is left out where rows were.
    labels : ndarray, shape (n,), or None
        The array ``labels`` or ``base_img`` of an .npz file.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "line.npz")
    ...     points = np.arange(10, dtype=np.float32)[:, None]
    ...     np.savez(file, base=points, query=points[:2], labels=np.arange(10) // 5)
    ...     dataset, labels = load_part(file, rows=6)
    >>> dataset.base.shape, labels.shape
    ((6, 1), (6,))
    """
    dataset, labels = load_dataset(name), _labels_of(name)
    if queries and queries < len(dataset.query):
        dataset = dataset.first_queries(queries)
    if rows and rows < len(dataset.base):
        kept = np.sort(np.random.default_rng(seed).choice(len(dataset.base), rows, replace=False))
        base = np.ascontiguousarray(dataset.base[kept])
        dataset = replace(dataset, base=base, truth=None, truth_distances=None)
        labels = None if labels is None else labels[kept]
    return dataset, labels


def study_orders(
    dataset: Dataset,
    labels: NDArray[Any] | None = None,
    *,
    orders: Sequence[str] = ORDERS,
    setting: Setting | None = None,
    hnswlib_seeds: int = 0,
    hnswlib_orders: Sequence[str] = ("random", "lid_desc", "lid_asc", "category", "cluster"),
    tell: Callable[[str], None] = lambda _: None,
) -> Study:
    """Build and search one index for each order and seed.

    Parameters
    ----------
    dataset : Dataset
        Base rows stand in the order that ``"given"`` means.
    labels : ndarray, shape (n,), optional
        Categories; without them, orders that need them are left out.
    orders : sequence of str
        Names of `vicinal.order.permutation`; ``"shuffled labels"``, a control: ``"category"`` by labels that mean
        nothing; and ``"auto, NAME"``: ``"auto"`` applied to rows that come in the order NAME.
    setting : Setting, optional
    hnswlib_seeds : int
        0 leaves hnswlib out.
    hnswlib_orders : sequence of str
    tell : callable
        Called with a line after each index.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tiny = Dataset("tiny", rng.random((300, 4), dtype=np.float32), rng.random((20, 4), dtype=np.float32))
    >>> found = study_orders(tiny, orders=["random", "lid_desc"], setting=Setting(M=4, ef_construction=20, seeds=2))
    >>> [(arm.name, arm.hits.shape) for arm in found.arms]
    [('random', (2, 8, 20)), ('lid_desc', (2, 8, 20))]
    """
    chosen = setting or Setting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", vicinal.DataWarning)  # the summary tells how many are undefined
        dimensions = order.lid(dataset.base, min(100, len(dataset.base) - 1), metric=dataset.metric)

    truth, nearness = ground_truth(dataset.base, dataset.query, K, dataset.metric, threads=chosen.threads)
    bench = _Bench(dataset, labels, dimensions, truth, nearness[:, -1].astype(np.float64), chosen)
    arms = []
    for name in (name for name in orders if labels is not None or not _needs_labels(name)):
        arms.append(_ours(bench, name))
        tell(f"{dataset.name:<14} {name:<16} recall " + _told(arms[-1]))
    if hnswlib_seeds:
        few = replace(chosen, seeds=hnswlib_seeds)
        for name in (name for name in hnswlib_orders if labels is not None or not _needs_labels(name)):
            arms.append(_hnswlib(replace(bench, setting=few), name))
            tell(f"{dataset.name:<14} {name:<16} recall " + _told(arms[-1]) + " (hnswlib)")
    return Study(
        dataset.name,
        len(dataset.base),
        len(dataset.query),
        dataset.metric,
        chosen,
        dimension_summary(dataset.base, metric=dataset.metric, estimates=dimensions),
        tuple(arms),
    )


@dataclass(frozen=True)
class _Bench:
    dataset: Dataset
    labels: NDArray[Any] | None
    dimensions: NDArray[np.float64]
    truth: NDArray[np.int64]
    radius: NDArray[np.float64]  # of the k-th true neighbor
    setting: Setting

    def sequence(self, name: str, seed: int) -> NDArray[np.int64]:
        labels = self.labels
        if name == "shuffled labels":
            assert labels is not None
            name, labels = "category", np.random.default_rng([seed, 1]).permutation(labels)
        return order.permutation(
            self.dataset.base, name, seed=seed, labels=labels, lid=self.dimensions, metric=self.dataset.metric
        )

    def hits(self, ids: NDArray[np.int64], distances: NDArray[np.float32]) -> NDArray[np.int64]:
        """Count the right answers of each query: true neighbors, and what is as near as the last of them."""
        right = (ids[:, :, None] == self.truth[:, None, :]).any(axis=2)
        right |= distances <= (self.radius + 1e-5 * np.abs(self.radius))[:, None]
        counts: NDArray[np.int64] = (right & (ids >= 0)).sum(axis=1)
        return counts


def _labels_of(name: str) -> NDArray[Any] | None:
    path = path_of(name)
    if path.suffix != ".npz":
        return None
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return next((file[key] for key in _LABELS if key in file.files), None)


def _needs_labels(name: str) -> bool:
    return any(word in name for word in ("category", "interleave", "labels"))


def _ours(bench: _Bench, name: str) -> Arm:
    base, setting = bench.dataset.base, bench.setting
    dim = bench.dataset.dim
    hits, distances, unmet, degrees, chosen = [], [], [], [], ""
    for seed in range(setting.seeds):
        index = vicinal.Index(
            dim,
            bench.dataset.metric,
            M=setting.M,
            ef_construction=setting.ef_construction,
            traversal=setting.traversal,
            seed=seed,
        )
        if name.startswith("auto"):
            incoming = bench.sequence(name.removeprefix("auto").removeprefix(", ") or "given", seed)
            index.add(base[incoming], ids=incoming, order="auto", threads=setting.threads)
        else:
            index.add(base, order=bench.sequence(name, seed), threads=setting.threads)
        stated = index.stats()["order"]
        chosen = stated["chosen"] if name.startswith("auto") else ""
        found = [index.search(bench.dataset.query, K, ef=ef, stats=True, threads=setting.threads) for ef in EFFORTS]
        hits.append([bench.hits(one.ids, one.distances) for one in found])
        distances.append([float((one.stats["distances"] + one.stats["reranked"]).mean()) for one in found if one.stats])
        unmet.append(unreached(index))
        degrees.append([part.mean() for part in np.array_split(in_degrees(index), 10)])
    by_decile = tuple(float(mean) for mean in np.mean(degrees, axis=0))
    return Arm("vicinal", name, np.array(hits), np.array(distances), float(np.mean(unmet)), by_decile, chosen)


def _hnswlib(bench: _Bench, name: str) -> Arm:
    import hnswlib

    setting, metric = bench.setting, bench.dataset.metric
    hits = []
    for seed in range(setting.seeds):
        sequence = bench.sequence(name, seed)
        index = hnswlib.Index(space=metric, dim=bench.dataset.dim)
        index.init_index(len(sequence), M=setting.M, ef_construction=setting.ef_construction, random_seed=100 + seed)
        index.add_items(bench.dataset.base[sequence], sequence, num_threads=1)  # one after the other
        hits.append(list(_hnswlib_hits(bench, index)))
    return Arm("hnswlib", name, np.array(hits))


def _hnswlib_hits(bench: _Bench, index: Any) -> Iterator[NDArray[np.int64]]:
    for ef in EFFORTS:
        index.set_ef(ef)
        ids, distances = index.knn_query(bench.dataset.query, K)
        yield bench.hits(ids.astype(np.int64), distances)


def _told(arm: Arm) -> str:
    cells = []
    for place, ef in enumerate(EFFORTS):
        if ef in SHOWN:
            work = "" if arm.distances is None else f" ({arm.distances[:, place].mean():.0f})"
            cells.append(f"{arm.recalls[:, place].mean():.4f}{work}")
    return "  ".join(cells) + (f"  {arm.chosen}" if arm.chosen else "")

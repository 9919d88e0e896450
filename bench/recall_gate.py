"""Recall and distance computations at equal M and ef, beside faiss and hnswlib.

    python bench/recall_gate.py --rivals      # everything anew, about 25 minutes on two quiet cores
    python bench/recall_gate.py               # vicinal alone, against the rivals' curves of the last time

Every engine builds with M=16 and ef_construction=200, once for each of three seeds; its curve is the mean over them.
Recall@10 counts a neighbor as right when it is as near as the tenth true one, so that ties favor nobody. Distance
computations are each library's own count (hnswlib has none). No clock is read: the figures do not depend on the
machine, but for faiss and hnswlib, whose graphs depend on how their threads interleave.

The curves are kept in results/recall_gate.json, which tests/quality measures against.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.measure import Dataset, dataset_names, load_dataset, recall
from vicinal.measure.curve import lower_at
from vicinal.measure.engines.engine import Engine, Rows, of_length_one
from vicinal.measure.engines.faiss import FaissFlat
from vicinal.measure.engines.hnswlib import HnswlibEngine
from vicinal.measure.engines.vicinal import VicinalEngine
from vicinal.measure.environment import describe_environment

PINNED = Path(__file__).resolve().parent / "results" / "recall_gate.json"
SETS = ("sift-20k", "minilm-5k", "sift-100k", "minilm-debian", "mnist784")
K, M, EF_CONSTRUCTION, SEEDS = 10, 16, 200, 3
GATE_EFFORTS = (10, 20, 40, 80, 160)
EFFORTS = (10, 14, 20, 28, 40, 56, 80, 113, 160, 226, 320, 640)  # more of them, to interpolate between
TARGETS = (0.90, 0.95, 0.99)
LEAST_MARGIN = -0.003  # of recall, to the better rival at equal ef
MOST_DISTANCES = 1.05  # of faiss's at equal recall

OURS = ("vicinal-exact", "vicinal-auto")
RIVALS = ("faiss", "hnswlib")

Curve = dict[str, list[float]]  # side by side: "effort", "recall" and, where they are counted, "distances"


class SeededFaiss(FaissFlat):
    """IndexHNSWFlat whose levels are drawn from a seed."""

    seed = 0

    def _make_graph(self, faiss: Any, columns: int, metric: int) -> Any:
        graph = super()._make_graph(faiss, columns, metric)
        graph.hnsw.rng = faiss.RandomGenerator(12345 + self.seed)  # 12345 is its default
        return graph


class SeededHnswlib(HnswlibEngine):
    """hnswlib whose levels are drawn from a seed."""

    seed = 0

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Add all rows in one call."""
        self._index = self.library().Index(space=metric, dim=base.shape[1])
        seed = 100 + self.seed  # 100 is its default
        self._index.init_index(len(base), M=self.M, ef_construction=self.ef_construction, random_seed=seed)
        self._index.add_items(base, num_threads=threads)


def make_seeded(name: str, seed: int) -> Engine:
    """Make an engine of this gate: one of OURS or RIVALS."""
    settings = {"M": M, "ef_construction": EF_CONSTRUCTION}
    if name in OURS:
        return VicinalEngine(**settings, seed=seed, traversal=name.removeprefix("vicinal-"))
    engine = {"faiss": SeededFaiss, "hnswlib": SeededHnswlib}[name](**settings)
    engine.seed = seed
    return engine


def measure(engine: Engine, dataset: Dataset, efforts: Sequence[int] = EFFORTS, *, threads: int = 2) -> Curve:
    """Build the engine's index of the set and take its curve."""
    engine.build(dataset.base, dataset.metric, threads=threads)
    engine.set_threads(threads)
    queries = engine.prepare(dataset.query)
    curve: Curve = {"effort": list(efforts), "recall": [], "distances": []}
    for effort in efforts:
        engine.set_effort(effort)
        curve["recall"].append(recall_of(dataset, engine.search(queries, K)))
        counted = engine.count(queries, K)
        if "distances" in counted:  # a re-ranked vector was looked at twice: by its code, and itself
            curve["distances"].append(counted["distances"] + counted.get("reranked", 0))
    return curve


def recall_of(dataset: Dataset, ids: NDArray[Any]) -> float:
    """Measure recall@10 with ties counted as right, by distances computed here and alike for every engine."""
    nearest = distances_to(dataset, ids)
    assert dataset.truth is not None
    truth = dataset.truth[:, :K]
    true_distances = distances_to(dataset, truth)
    return float(recall(ids, truth, K, found_distances=nearest, truth_distances=true_distances))


def distances_to(dataset: Dataset, ids: NDArray[Any]) -> NDArray[np.float32]:
    """Compute the distance of every query to the rows `ids` names for it; +inf for padding."""
    base, query = dataset.base, dataset.query
    if dataset.metric == "cosine":
        base, query = of_length_one(base), of_length_one(query)
    nearest = np.empty(ids.shape, dtype=np.float32)
    for row, numbers in enumerate(ids):
        rows = base[numbers]
        if dataset.metric == "l2":
            off = rows - query[row]
            nearest[row] = np.einsum("ij,ij->i", off, off)
        else:
            nearest[row] = 1 - rows @ query[row]
    return np.where(ids >= 0, nearest, np.inf).astype(np.float32)


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Average the curves of several seeds."""
    return {part: np.mean([curve[part] for curve in curves], axis=0).tolist() for part in curves[0]}


def at_effort(curve: Curve, effort: int) -> float:
    """Read the recall at one effort off a curve."""
    return curve["recall"][curve["effort"].index(effort)]


def margins(ours: Curve, rival: Curve) -> list[float]:
    """Recall of ours less that of the rival at each effort of the gate."""
    return [at_effort(ours, effort) - at_effort(rival, effort) for effort in GATE_EFFORTS]


def distance_ratios(ours: Curve, rival: Curve) -> dict[float, float]:
    """Distance computations of ours by those of the rival, at each target recall that both curves cross."""
    ratios = {}
    for target in TARGETS:
        if max(min(ours["recall"]), min(rival["recall"])) > target:
            continue  # a curve that begins above says nothing about this recall
        of_ours = lower_at(ours["recall"], ours["distances"], target)
        of_rival = lower_at(rival["recall"], rival["distances"], target)
        if of_ours is not None and of_rival is not None:
            ratios[target] = of_ours / of_rival
    return ratios


def pinned() -> dict[str, Any]:
    """Read the curves of the last time."""
    return dict(json.loads(PINNED.read_text(encoding="utf-8"))) if PINNED.is_file() else {}


def main() -> None:
    """Measure, pin, print."""
    arguments = parse()
    found = pinned() or {"sets": {}}
    found["settings"] = {
        "k": K, "M": M, "ef_construction": EF_CONSTRUCTION, "seeds": SEEDS, "efforts": list(EFFORTS),
    }  # fmt: skip
    names = arguments.engines or (OURS + RIVALS if arguments.rivals else OURS)
    for seed in arguments.seeds:  # outermost, so that a run cut short has seen every set
        for name in present(arguments.sets):
            dataset = load_dataset(name)
            kept = found["sets"].setdefault(name, {"engines": {}})
            kept |= {"rows": len(dataset.base), "queries": len(dataset.query), "metric": dataset.metric}
            for engine_name in names:
                take(kept["engines"], engine_name, seed, dataset, arguments.threads)
                found["environment"] = asdict(describe_environment())
                PINNED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n".join(line for name in present(arguments.sets) for line in table(name, found["sets"][name])))


def take(engines: dict[str, Any], name: str, seed: int, dataset: Dataset, threads: int) -> None:
    """Measure one engine with one seed and keep its curve beside those of other seeds."""
    engine = make_seeded(name, seed)
    why = engine.why_missing(dataset.metric)
    if why:
        print(f"{dataset.name}: {name} takes no part: {why}", flush=True)
        return
    kept = engines.setdefault(name, {"seeds": {}})
    kept["version"] = engine.version()
    curve = measure(engine, dataset, threads=threads)
    kept["seeds"][str(seed)] = {part: [round(value, 5) for value in values] for part, values in curve.items()}
    kept["mean"] = mean_curve(list(kept["seeds"].values()))
    reached = ", ".join(f"{at_effort(curve, effort):.4f}" for effort in GATE_EFFORTS)
    print(f"{dataset.name}: {name}, seed {seed}: recall {reached}", flush=True)


def table(name: str, kept: dict[str, Any]) -> Iterator[str]:
    """Lay out one set: recall by effort, distances at equal recall, and the verdicts."""
    engines = {engine: entry["mean"] for engine, entry in kept["engines"].items()}
    yield f"\n{name}: {kept['rows']} rows, {kept['queries']} queries, {kept['metric']}"
    yield f"  {'recall@10 at ef':<24}" + "".join(f"{effort:>9}" for effort in GATE_EFFORTS)
    for engine, curve in engines.items():
        yield f"  {engine:<24}" + "".join(f"{at_effort(curve, effort):9.4f}" for effort in GATE_EFFORTS)
    yield f"  {'distances at recall':<24}" + "".join(f"{target:>9}" for target in TARGETS)
    for engine, curve in engines.items():
        if curve["distances"]:
            reached = (lower_at(curve["recall"], curve["distances"], target) for target in TARGETS)
            yield f"  {engine:<24}" + "".join(f"{'–' if at is None else format(at, '.0f'):>9}" for at in reached)
    for ours in (name for name in OURS if name in engines):
        for rival in (name for name in RIVALS if name in engines):
            worst = min(margins(engines[ours], engines[rival]))
            yield f"  {verdict(worst >= LEAST_MARGIN)} {ours}: recall less {rival}'s, worst of all ef: {worst:+.4f}"
        if "faiss" in engines:
            ratios = distance_ratios(engines[ours], engines["faiss"])
            shown = ", ".join(f"{ratio:.3f} at {target}" for target, ratio in ratios.items())
            kept_to = all(ratio <= MOST_DISTANCES for ratio in ratios.values())
            yield f"  {verdict(kept_to)} {ours}: distances by faiss's: {shown}"


def verdict(holds: bool) -> str:
    """Write a word for it."""
    return "holds " if holds else "MISSES"


def present(sets: Sequence[str]) -> list[str]:
    """Leave out the sets that are not here, and say so."""
    here = dataset_names()
    for name in sets:
        if name not in here:
            print(f"{name} is not here: put the larger sets into ../shared/data or name their folder VICINAL_DATA")
    return [name for name in sets if name in here]


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rivals", action="store_true", help="measure faiss and hnswlib anew too")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS, metavar="NAME", help=", ".join(SETS))
    parser.add_argument("--engines", nargs="+", choices=OURS + RIVALS, metavar="NAME", help="only these, with --seeds:")
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=range(SEEDS), metavar="SEED", help="to go on after a stop"
    )
    parser.add_argument("--threads", type=int, default=2, help="of builds and searches")
    return parser.parse_args()


if __name__ == "__main__":
    main()

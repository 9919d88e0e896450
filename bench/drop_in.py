"""What changing one import gives: the same script on hnswlib and on vicinal.compat.hnswlib.

    python bench/drop_in.py                                          # sift-20k and minilm-5k
    python bench/drop_in.py --sets sift-100k minilm-debian --rounds 5

Both modules get the same calls: `init_index` with M = 16 and ef_construction = 200, `add_items` once, then for each ef
all queries in one `knn_query`, on one thread. Rounds go through the efs and time one module right after the other, in
turn first, by processor time, so that what else the machine does slows both alike; ratios are taken round by round.
"at recall 0.95" reads each module's own curve there; one that begins higher answers with its first point. Above 1
means that ours is the faster. bench/results/drop_in.json keeps the latest of each set.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import Any

import hnswlib
import numpy as np

import vicinal.compat.hnswlib as drop_in
from vicinal.measure import Dataset, load_dataset, paired_ratio, recall
from vicinal.measure.curve import higher_at
from vicinal.measure.environment import describe_environment

RESULTS = Path(__file__).resolve().parent / "results" / "drop_in.json"
MODULES: dict[str, ModuleType] = {"vicinal": drop_in, "hnswlib": hnswlib}
K, M, EF_CONSTRUCTION = 10, 16, 200
EFS = (10, 20, 40, 80, 160, 320)
TARGETS = (0.9, 0.95, 0.99)

Row = dict[str, Any]


def seconds(call: Callable[[], object]) -> float:
    """Processor time: neither module leaves threads behind that would count too."""
    started = process_time()
    call()
    return process_time() - started


def built(module: ModuleType, dataset: Dataset) -> tuple[Any, float]:
    """The script, as hnswlib's users write it."""
    index = module.Index(space=dataset.metric, dim=dataset.base.shape[1])
    index.init_index(max_elements=len(dataset.base), ef_construction=EF_CONSTRUCTION, M=M)
    index.set_num_threads(1)
    return index, seconds(lambda: index.add_items(dataset.base, np.arange(len(dataset.base))))


def in_turn(names: list[str], turn: int) -> list[str]:
    """Nobody is always the first."""
    return names if turn % 2 == 0 else names[::-1]


def measure(dataset: Dataset, rounds: int, builds: int) -> Row:
    """Build with both, search with both, compare."""
    names = list(MODULES)
    indexes: dict[str, Any] = {}
    build: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(builds):
        for name in in_turn(names, turn):
            indexes[name], took = built(MODULES[name], dataset)
            build[name].append(took)
    truth = dataset.with_truth(K).truth
    assert truth is not None
    found: dict[str, list[float]] = {name: [] for name in names}
    for ef in EFS:
        for name in names:
            indexes[name].set_ef(ef)
            labels, _ = indexes[name].knn_query(dataset.query, k=K)  # and warm from here on
            found[name].append(recall(labels.astype(np.int64), truth[:, :K]).value)
    speeds: dict[str, list[list[float]]] = {name: [] for name in names}  # by round, by ef
    for turn in range(rounds):
        for name in names:
            speeds[name].append([])
        for ef in EFS:
            for name in in_turn(names, turn):
                indexes[name].set_ef(ef)
                took = seconds(lambda index=indexes[name]: index.knn_query(dataset.query, k=K))  # type: ignore[misc]
                speeds[name][-1].append(len(dataset.query) / took)
    return {
        "build": {"seconds": build, "ratio": ratio(build["hnswlib"], build["vicinal"])},
        "at_ef": [at_ef(found, speeds, place) for place in range(len(EFS))],
        "at_recall": [at_recall(found, speeds, target) for target in TARGETS],
    }


def ratio(ours: list[float], theirs: list[float]) -> Row:
    """Of pairs that were measured one after the other."""
    paired = paired_ratio(ours, theirs)
    assert paired is not None
    return asdict(paired)


def at_ef(found: dict[str, list[float]], speeds: dict[str, list[list[float]]], place: int) -> Row:
    """Recall and queries per second of one beam."""
    by_round = {name: [round_[place] for round_ in rounds] for name, rounds in speeds.items()}
    return {
        "ef": EFS[place],
        "recall": {name: recalls[place] for name, recalls in found.items()},
        "qps": {name: statistics.median(rates) for name, rates in by_round.items()},
        "ratio": ratio(by_round["vicinal"], by_round["hnswlib"]),
    }


def at_recall(found: dict[str, list[float]], speeds: dict[str, list[list[float]]], target: float) -> Row:
    """Queries per second where each module's own curve comes to this recall; none where one of them does not."""
    by_round = {
        name: [rate for curve in rounds if (rate := higher_at(found[name], curve, target)) is not None]
        for name, rounds in speeds.items()
    }
    reached = all(by_round.values())
    return {
        "recall": target,
        "qps": {name: statistics.median(rates) for name, rates in by_round.items()} if reached else None,
        "ratio": ratio(by_round["vicinal"], by_round["hnswlib"]) if reached else None,
    }


def shown(name: str, row: Row) -> str:
    """A table."""
    lines = [f"{name}   build {_shown(row['build']['ratio'])}"]
    for one in row["at_ef"]:
        ours, theirs = one["recall"]["vicinal"], one["recall"]["hnswlib"]
        lines.append(
            f"  ef {one['ef']:<4} recall {ours:.4f} and {theirs:.4f}   {one['qps']['vicinal']:>9,.0f} and "
            f"{one['qps']['hnswlib']:>9,.0f} a second   {_shown(one['ratio'])}"
        )
    lines += [f"  at recall {one['recall']}   {_shown(one['ratio'])}" for one in row["at_recall"] if one["ratio"]]
    return "\n".join(lines)


def _shown(paired: Row) -> str:
    return f"{paired['value']:.2f}x [{paired['low']:.2f}, {paired['high']:.2f}]"


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["sift-20k", "minilm-5k"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--builds", type=int, default=1, help="of each module, for each set")
    arguments = parser.parse_args()
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))["sets"] if RESULTS.exists() else {}
    for name in arguments.sets:
        kept[name] = measure(load_dataset(name), arguments.rounds, arguments.builds)
        kept[name]["environment"] = asdict(describe_environment())
        print(shown(name, kept[name]), flush=True)
        RESULTS.write_text(json.dumps({"sets": kept}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""An index that lived beside one that was built at once: recall, reach, memory, speed, and what changes cost.

    python bench/churn.py                                  # sift-20k: 20 000 live vectors, some minutes
    python bench/churn.py --set sift-100k --live 100000    # half an hour
    python bench/churn.py --set sift-100k --live 100000 --vs

Each round removes half of the live vectors, drawn at random, and adds as many others; ten rounds turn the set over five
times. Others come from a pool: the rows of the set that are not live and, where these are too few, the mirror images
of all rows, which are what SIFT gives for mirrored pictures (a fixed exchange of its 128 places). A vector's id is its
place in the pool, so removed ids come back. Every engine meets the same rounds, removes and adds in `--calls` calls a
round, at M=16 and ef_construction=200: hnswlib by `mark_deleted` and `add_items(replace_deleted=True)`, usearch by
`remove` and `add`.

Each life has a process of its own: one lives through the rounds, one is filled at once with what the last round leaves.
What they answer is compared with all live vectors; a hit is whatever is as near as the k-th. "qps" is the processor
time of the one that lived by that of the other, one query a call on one thread, in rounds in turn (above 1: slower);
"memory" is what either process grew by since before its index was made, freed memory given back (as bench/memory.py).

`remove`, `update` and `add` are calls of one vector. What removals leave to be swept is done by the calls that follow,
so a removal pays for itself and for what the next add takes longer than one in an index that has nothing to sweep.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.measure import load_dataset, paired_ratio
from vicinal.measure.environment import describe_environment

RESULTS = Path(__file__).resolve().parent / "results" / "churn.json"
K, EFS, EF = 10, (16, 32, 64, 128), 64
RECALL_BAR, SPEED_BAR, MEMORY_BAR, REMOVE_BAR = 0.01, 1.1, 1.1, 3.0

Rows = NDArray[np.float32]
Ids = NDArray[np.int64]
Row = dict[str, Any]


def mirrored(rows: Rows) -> Rows:
    """Return the descriptors of the mirrored pictures: 4 x 4 cells of 8 directions, seen from the keypoint's own.

    Rows of cells change places, and directions turn the other way. The mean of sift-20k and that of its mirror images
    correlate to 0.9999.
    """
    cells = rows.reshape(-1, 4, 4, 8)[:, ::-1]
    return np.ascontiguousarray(cells[..., -np.arange(8) % 8].reshape(len(rows), 128))


def pool_of(base: Rows, live: int) -> Rows:
    """Return vectors enough for `live` of them and half as many others."""
    if 3 * live > 2 * len(base):
        base = np.concatenate([base, mirrored(base)])
    if 3 * live > 2 * len(base):
        raise ValueError(f"live is {live}, expected at most {2 * len(base) // 3}: half as many others come in a round")
    return base


def turnover(pool: int, live: int, rounds: int) -> Iterator[tuple[Ids, Ids, Ids]]:
    """Yield what a round removes, what it adds and what is live afterwards; the first removes nothing."""
    rng = np.random.default_rng(5)
    order = rng.permutation(pool)
    alive, others = order[:live], order[live:]
    yield alive[:0], alive, alive
    for _ in range(rounds):
        alive, others = rng.permutation(alive), rng.permutation(others)
        half = live // 2
        out, into = alive[:half], others[:half]
        alive, others = np.concatenate([alive[half:], into]), np.concatenate([others[half:], out])
        yield out, into, alive


def limits(rows: Rows, queries: Rows) -> Rows:
    """Return each query's distance to the k-th nearest of the rows."""
    return np.partition(distances(rows, queries), K - 1, axis=1)[:, K - 1]


def distances(rows: Rows, queries: Rows) -> Rows:
    """Return squared distances; of whole numbers as small as SIFT's they are exact."""
    return np.asarray((queries**2).sum(axis=1)[:, None] + (rows**2).sum(axis=1) - 2 * queries @ rows.T)


def recall_of(found: Ids, pool: Rows, alive: Ids, queries: Rows, limit: Rows) -> float:
    """Return the share of hits that are live, named once and as near as the k-th."""
    valid = np.isin(found, alive)
    near = ((pool[np.where(valid, found, 0)] - queries[:, None]) ** 2).sum(axis=2) <= limit[:, None]
    once = [len(set(row[good].tolist())) for row, good in zip(found, valid & near, strict=True)]
    return float(sum(once) / found.size)


class Life:
    """A process that has an index (churn_life.py): it does what a line says and answers with a line."""

    def __init__(self, engine: str, folder: Path) -> None:
        script = Path(__file__).resolve().with_name("churn_life.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), engine, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, what: str, **settings: Any) -> Any:
        """Let it do something."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"what": what, **settings}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of an index ended at {what!r}")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def measure(engine: str, folder: Path, rounds: int, calls: int, pairs: int, singles: int) -> Row:
    """Let an engine live, and compare it with what it is when built at once."""
    with ExitStack() as stack:
        lived, fresh = Life(engine, folder), Life(engine, folder)
        stack.callback(lived.close)
        stack.callback(fresh.close)
        curve = []
        for number in range(rounds + 1):
            curve.append({"turnover": number / 2, **lived.ask("round", number=number, calls=calls)})
            print(line_of(engine, curve[-1]), flush=True)
        built = fresh.ask("fill", number=rounds)
        print(line_of(engine, {"turnover": 0.0, **built}) + "   built at once", flush=True)
        memory = [life.ask("memory") for life in (lived, fresh)]
        times = [[life.ask("time", ef=EF) for life in (lived, fresh)] for _ in range(pairs)]
        ratio = paired_ratio(*zip(*times, strict=True))
        assert ratio is not None
        found: Row = {
            "engine": engine,
            "curve": curve,
            "built": built,
            "microseconds": [statistics.median(one) for one in zip(*times, strict=True)],
            "time_ratio": asdict(ratio),
            "memory": memory,
        }
        if engine == "vicinal":
            found["costs"] = costs(lived, fresh, singles)
    return found


def costs(lived: Life, fresh: Life, singles: int) -> Row:
    """Time calls of one vector, in turn with adding to an index that has nothing to sweep."""
    lived.ask("singles", n=singles)  # from here on as much waits to be swept as ever
    rounds = [
        {**lived.ask("singles", n=singles), "add_alone": fresh.ask("add_singles", n=singles)["add"]} for _ in range(5)
    ]
    each = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    add = each["add_alone"]
    later = statistics.median(one["remove"] + one["add"] - one["add_alone"] for one in rounds)
    return {
        "microseconds": each,
        "remove_by_add": later / add,
        "remove_call_by_add": each["remove"] / add,
        "update_by_add": each["update"] / add,
    }


def line_of(engine: str, row: Row) -> str:
    """Write a point of the curve as a line."""
    recall = "".join(f"{row['recall'][str(ef)]:9.4f}" for ef in EFS)
    lost = "" if row.get("unreachable") is None else f"{row['unreachable']:12}"
    return f"{engine:<10}{row['turnover']:9.1f}{recall}{row['seconds']:10.1f}{lost}"


def verdict(found: Row) -> list[str]:
    """Write what was found beside the bars."""
    last, built = found["curve"][-1], found["built"]
    loss = max(built["recall"][str(ef)] - last["recall"][str(ef)] for ef in EFS)
    memory = found["memory"][0]["grown"] / found["memory"][1]["grown"]
    ratio = found["time_ratio"]
    lines = [
        ("recall lost at the worst ef", f"{loss:.4f}", loss <= RECALL_BAR, RECALL_BAR),
        (
            f"time of a query by that of the fresh build, ef {EF}",
            f"{ratio['value']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]",
            ratio["value"] <= SPEED_BAR,
            SPEED_BAR,
        ),
        ("memory by that of the fresh build", f"{memory:.3f}", memory <= MEMORY_BAR, MEMORY_BAR),
    ]
    if "costs" in found:
        cost = found["costs"]
        worst = max(point["unreachable"] for point in found["curve"])
        lines += [
            ("unreachable, at most", str(worst), worst == 0, 0),
            ("removal by adding, amortized", f"{cost['remove_by_add']:.2f}", cost["remove_by_add"] <= REMOVE_BAR, 3),
        ]
    told = [f"  {what:<55}{value:<24}{'holds' if holds else 'MISSES'} ({bar})" for what, value, holds, bar in lines]
    if "costs" in found:
        each = ", ".join(f"{name} {us:.0f}" for name, us in found["costs"]["microseconds"].items())
        told.append(f"  us of processor time a call: {each}; update by adding {found['costs']['update_by_add']:.2f}")
    return told


def store(name: str, live: int | None, rounds: int, queries: int, folder: Path) -> int:
    """Write what the processes read: vectors, and for each round what goes, comes and stays. Returns how many live."""
    dataset = load_dataset(name).first_queries(queries)
    base, asked = (np.ascontiguousarray(rows, dtype=np.float32) for rows in (dataset.base, dataset.query))
    if dataset.dim != 128 or dataset.metric != "l2":
        raise ValueError(f"{name} has {dataset.dim} dimensions under {dataset.metric}, expected SIFT: 128 under l2")
    live = len(base) if live is None else live
    pool = pool_of(base, live)
    np.save(folder / "pool.npy", pool)
    np.save(folder / "queries.npy", asked)
    for number, (out, into, alive) in enumerate(turnover(len(pool), live, rounds)):
        np.savez(folder / f"round{number}.npz", out=out, into=into, alive=alive, limit=limits(pool[alive], asked))
    return live


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="sift-20k", help="sift-20k or sift-100k")
    parser.add_argument("--live", type=int, help="how many vectors are live; as many as the set has")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=1, help="of remove and of add, in turn, in a round")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=15, help="rounds of timing")
    parser.add_argument("--singles", type=int, default=1000, help="calls of one vector that are timed together")
    parser.add_argument("--vs", nargs="*", default=["hnswlib", "usearch"], choices=["hnswlib", "usearch"])
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the figures are kept, by set and size")
    arguments = parser.parse_args()
    kept = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="vicinal-churn-") as name:
        folder = Path(name)
        live = store(arguments.set, arguments.live, arguments.rounds, arguments.queries, folder)
        titles = "".join(f"{f'ef {ef}':>9}" for ef in EFS)
        print(f"{arguments.set}, {live} live\n{'engine':<10}{'turnover':>9}{titles}{'seconds':>10}{'unreachable':>12}")
        for engine in ["vicinal", *arguments.vs]:
            found = measure(engine, folder, arguments.rounds, arguments.calls, arguments.pairs, arguments.singles)
            print(*verdict(found), sep="\n", flush=True)
            kept[f"{arguments.set}, {live} live, {arguments.calls} calls, {engine}"] = found
            kept["environment"] = asdict(describe_environment())
            arguments.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

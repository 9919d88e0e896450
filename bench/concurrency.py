"""Searches beside a writer: how long one takes while the index is added to, removed from, updated, saved, compacted.

    python bench/concurrency.py                          # sift-20k, two minutes
    python bench/concurrency.py --set sift-100k --seconds 5 --rounds 7

Each round searches, one vector a call, for some seconds beside nobody and beside each writer: 1 000 calls a second of
one vector for `add`, `remove` and `update`, no pause for `save` and `compact` (of 100 updates each). That is done
twice: by threads of a C++ program (bench/concurrency.cpp), and by threads of Python, whose lock all calls need for a
moment: the difference is what Python's lock costs. The added vectors are the mirror images of the set, as
in bench/churn.py.

Ratios are of p99 by p99 beside nobody in the same round, and their median over the rounds, of three clocks: "wall";
"kept", the wall of those searches during which no other thread was given the processor (involuntary switches), as on a
machine that has a core for each; and "processor", which waits do not count for. The bar is held against "kept". "waits"
are voluntary switches of the searching threads, in a thousand searches: in C++ any at all would be a search that
waited. "twice" counts searches that walked again because removed nodes filled their beam, "scans" those that compared
with half of the index.

Two searching threads by one, in searches a second and in processor time a search, tells whether searches wait for each
other; beside it stands what two threads win that only compute. Where others use the cores too that is no 2.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from churn import Rows, mirrored
from memory import status, trim
from numpy.typing import NDArray

import vicinal
from vicinal.measure import load_dataset
from vicinal.measure.environment import describe_environment

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results" / "concurrency.json"
K, EF = 10, 64
WRITES_A_SECOND = 1000
LATENCY_BAR, SNAPSHOT_SECONDS_BAR, SNAPSHOT_MEMORY_BAR = 3.0, 0.05, 0.10
CLOCKS = ("wall", "undisturbed", "processor")

Row = dict[str, Any]
Write = Callable[[], Any]


def program() -> Path:
    """Build bench_concurrency with the tools that pip installed or the system has."""
    folder = ROOT / "build" / "bench"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    configure = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DVICINAL_BENCH=ON", "--log-level=WARNING"]
    if not (folder / "CMakeCache.txt").is_file() and shutil.which("ninja", path=path):
        configure += ["-G", "Ninja"]
    for command in (configure, ["cmake", "--build", str(folder), "--target", "bench_concurrency"]):
        subprocess.run(command, env={**os.environ, "PATH": path}, check=True, stdout=subprocess.DEVNULL)
    return folder / "bench_concurrency"


def beside_in_cpp(index: vicinal.Index, rows: Rows, queries: Rows, seconds: float, rounds: int) -> list[Row]:
    """Let the C++ program load the index and measure."""
    with tempfile.TemporaryDirectory(prefix="vicinal-concurrency-") as name:
        folder = Path(name)
        index.save(folder / "index")
        rows.tofile(folder / "rows")
        queries.tofile(folder / "queries")
        files = [str(folder / file) for file in ("index", "rows", "queries")]
        command = [str(program()), *files, str(seconds), str(rounds), str(EF)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


class Searcher(threading.Thread):
    """Searches one vector a call until it is told to end; notes what bench/concurrency.cpp does, but distances."""

    def __init__(self, index: vicinal.Index, queries: Rows, first: int) -> None:
        super().__init__()
        self._index, self._queries, self._first = index, queries, first
        self.over = False
        self.noted: dict[str, list[float]] = {clock: [] for clock in CLOCKS}
        self.waits = 0

    def run(self) -> None:
        """Search."""
        index, queries = self._index, self._queries
        wall, processor, undisturbed = (self.noted[clock] for clock in ("wall", "processor", "undisturbed"))
        for query in count(self._first):
            row = queries[query % len(queries)]
            before, cpu, begin = resource.getrusage(resource.RUSAGE_THREAD), time.thread_time_ns(), time.monotonic_ns()
            index.search(row, K, ef=EF)
            took = (time.monotonic_ns() - begin) / 1e3
            processor.append((time.thread_time_ns() - cpu) / 1e3)
            after = resource.getrusage(resource.RUSAGE_THREAD)
            wall.append(took)
            self.waits += after.ru_nvcsw - before.ru_nvcsw
            if after.ru_nivcsw == before.ru_nivcsw:
                undisturbed.append(took)
            if self.over:
                break


def beside(index: vicinal.Index, queries: Rows, name: str, write: Write | None, seconds: float, threads: int) -> Row:
    """Search on so many threads for so long, beside a writer."""
    searching = [Searcher(index, queries, number * len(queries) // threads) for number in range(threads)]
    begin = time.monotonic()
    for thread in searching:
        thread.start()
    writes, paced = 0, name not in ("save", "compact")
    while (left := begin + seconds - time.monotonic()) > 0 or (write is not None and writes == 0):
        if write is None:
            time.sleep(left)
            continue
        early = begin + writes / WRITES_A_SECOND - time.monotonic()
        if paced and early > 0:
            time.sleep(early)
        write()
        writes += 1
    for thread in searching:
        thread.over = True
    for thread in searching:
        thread.join()
    took = time.monotonic() - begin
    noted = {clock: np.concatenate([thread.noted[clock] for thread in searching]) for clock in CLOCKS}
    return {
        "writer": name,
        "threads": threads,
        "writes": writes,
        "seconds": took,
        "searches": len(noted["wall"]),
        "undisturbed_searches": len(noted["undisturbed"]),
        "waits": sum(thread.waits for thread in searching),
        **{clock: quantiles(noted[clock]) for clock in CLOCKS},
    }


def quantiles(values: NDArray[np.float64]) -> list[float]:
    """Return the median, the 99th hundredth and the most."""
    return [float(value) for value in np.quantile(values, (0.5, 0.99, 1))] if len(values) else [0.0, 0.0, 0.0]


class Changes:
    """Ids that come and go above those that stay, and the calls that change them."""

    def __init__(self, index: vicinal.Index, rows: Rows, folder: Path) -> None:
        self._index, self._rows, self._path = index, rows, folder / "again"
        self._stay = len(index)
        self._next, self._gone, self._updates = self._stay, self._stay, 0

    def add(self) -> None:
        """Add one."""
        self._index.add(self._rows[self._next % len(self._rows)][None], [self._next], threads=1)
        self._next += 1

    def remove(self) -> None:
        """Remove one of those that were added, or add one when none is left."""
        if self._gone == self._next:
            self.add()
            return
        self._index.remove(self._gone)
        self._gone += 1

    def update(self) -> None:
        """Change one of those that stay."""
        self._updates += 1
        changed = self._updates * 7919 % self._stay
        self._index.update(changed, self._rows[self._updates % len(self._rows)], threads=1)

    def save(self) -> None:
        """Save the whole."""
        self._index.save(self._path)

    def compact(self) -> None:
        """Change some and return their memory."""
        for _ in range(100):
            self.update()
        self._index.compact(threads=1)


def beside_in_python(index: vicinal.Index, rows: Rows, queries: Rows, seconds: float, rounds: int) -> list[Row]:
    """Measure here, with threads of Python."""
    with tempfile.TemporaryDirectory(prefix="vicinal-concurrency-") as name:
        changes = Changes(index, rows, Path(name))
        writers: dict[str, Write | None] = {
            "nobody": None,
            "add": changes.add,
            "remove": changes.remove,
            "update": changes.update,
            "save": changes.save,
            "compact": changes.compact,
        }
        stretches = []
        for _ in range(rounds):
            for writer, write in writers.items():
                numbers = (1, 2) if writer in ("nobody", "add") else (1,)
                stretches += [beside(index, queries, writer, write, seconds, threads) for threads in numbers]
    return stretches


def of_rounds(stretches: list[Row], writer: str, threads: int) -> list[Row]:
    """Choose those of one kind, a round each."""
    return [row for row in stretches if row["writer"] == writer and row["threads"] == threads]


def ratio(rows: list[Row], others: list[Row], figure: Callable[[Row], float]) -> float:
    """Divide round by round; the median."""
    return statistics.median(figure(a) / figure(b) for a, b in zip(rows, others, strict=True))


def p99_of(clock: str, row: Row) -> float:
    """Read the 99th hundredth."""
    return float(row[clock][1])


def summary(stretches: list[Row]) -> dict[str, Row]:
    """Bring the rounds together, by writer."""
    idle = of_rounds(stretches, "nobody", 1)
    found = {}
    for writer in dict.fromkeys(row["writer"] for row in stretches if "wall" in row):
        rows = of_rounds(stretches, writer, 1)
        searches = sum(row["searches"] for row in rows)
        found[writer] = {
            **{clock: [statistics.median(row[clock][at] for row in rows) for at in range(3)] for clock in CLOCKS},
            **{f"{clock}_p99_ratio": ratio(rows, idle, partial(p99_of, clock)) for clock in CLOCKS},
            "waits_in_a_thousand": 1000 * sum(row["waits"] for row in rows) / searches,
            "scans": sum(row.get("scans", 0) for row in rows),
            "walked_twice": sum(row.get("walked_twice", 0) for row in rows),
            "searches": searches,
            "writes_a_second": statistics.median(row["writes"] / row["seconds"] for row in rows),
        }
    return found


def two_by_one(stretches: list[Row], writer: str) -> Row:
    """Compare two searching threads with one."""
    one, two = (of_rounds(stretches, writer, threads) for threads in (1, 2))
    return {
        "searches_a_second": ratio(two, one, lambda row: row["searches"] / row["seconds"]),
        "processor_a_search": ratio(two, one, lambda row: row["processor"][0]),
        "waits_in_a_thousand": 1000 * sum(row["waits"] for row in two) / sum(row["searches"] for row in two),
    }


def snapshots(index: vicinal.Index) -> Row:
    """Time taking one, and weigh it by the index."""
    seconds, grown = [], []
    for _ in range(15):
        trim()
        before, begin = status("VmRSS"), time.monotonic()
        snapshot = index.snapshot()
        seconds.append(time.monotonic() - begin)
        grown.append(status("VmRSS") - before)
        del snapshot
    resident = index.stats()["memory"]["resident"]
    return {"seconds": statistics.median(seconds), "slowest": max(seconds), "share": max(grown) / resident}


def told(title: str, stretches: list[Row]) -> list[str]:
    """Write the table of a kind of threads."""
    lines = [
        f"{title:<10}{'wall us: p50':>13}{'p99':>9}{'kept: p50':>11}{'p99':>9}{'processor: p50':>16}{'p99':>9}"
        f"{'p99 by idle: wall':>19}{'kept':>7}{'processor':>11}{'waits':>8}{'twice':>7}{'scans':>7}{'writes/s':>10}"
    ]
    for writer, row in summary(stretches).items():
        cells = [row[clock][at] for clock in CLOCKS for at in (0, 1)]
        ratios = [row[f"{clock}_p99_ratio"] for clock in CLOCKS]
        lines.append(
            f"{writer:<10}{cells[0]:>13.0f}{cells[1]:>9.0f}{cells[2]:>11.0f}{cells[3]:>9.0f}{cells[4]:>16.0f}"
            f"{cells[5]:>9.0f}{ratios[0]:>19.2f}{ratios[1]:>7.2f}{ratios[2]:>11.2f}"
            f"{row['waits_in_a_thousand']:>8.2f}{row['walked_twice']:>7}{row['scans']:>7}{row['writes_a_second']:>10.1f}"
            f"   {'' if writer == 'nobody' else 'holds' if ratios[1] <= LATENCY_BAR else 'MISSES'}"
        )
    one, two = (of_rounds(stretches, "control", threads) for threads in (1, 2))
    if two:
        gain = ratio(two, one, lambda row: row["searches"] / row["seconds"])
        lines.append(f"  two threads that only compute by one: {gain:.2f}")
    for writer in ("nobody", "add"):
        both = two_by_one(stretches, writer)
        lines.append(
            f"  two searching threads by one, beside {writer}: {both['searches_a_second']:.2f} searches a second, "
            f"{both['processor_a_search']:.2f} processor time a search, {both['waits_in_a_thousand']:.2f} waits"
        )
    return lines


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="sift-20k", help="sift-20k or sift-100k")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each stretch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    dataset = load_dataset(arguments.set)
    base, queries = (np.ascontiguousarray(rows, dtype=np.float32) for rows in (dataset.base, dataset.query))
    rows = mirrored(base)
    index = vicinal.Index(dataset.dim)
    index.add(base)

    kept: Row = {"set": arguments.set, "seconds": arguments.seconds, "snapshot": snapshots(index)}
    taken = kept["snapshot"]
    holds = taken["seconds"] <= SNAPSHOT_SECONDS_BAR and taken["share"] <= SNAPSHOT_MEMORY_BAR
    print(
        f"snapshot: {taken['seconds'] * 1e3:.2f} ms, at most {taken['slowest'] * 1e3:.2f} ms, "
        f"{taken['share']:.2%} of the memory of the index: {'holds' if holds else 'MISSES'}"
    )
    for title, measure in (("C++", beside_in_cpp), ("Python", beside_in_python)):
        stretches = measure(index, rows, queries, arguments.seconds, arguments.rounds)
        print(*told(title, stretches), sep="\n", flush=True)
        kept[title] = {
            "beside": summary(stretches),
            "two_threads": {writer: two_by_one(stretches, writer) for writer in ("nobody", "add")},
            "stretches": stretches,
        }
    kept["environment"] = asdict(describe_environment())
    arguments.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

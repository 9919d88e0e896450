"""A batch of queries over shards by one worker process and by two, beside what the machine gives to two processes.

    python bench/shards_batch.py                      # minilm-debian and dblp-scholar together, 119 297 × 384
    python bench/shards_batch.py --set sift-20k

Each worker opens the folder once, mapped, and takes 256 queries whenever it has none, as workers of Ray Data do. A
round times, in turn, all queries by one worker, by two, and as many loops of integer arithmetic by one process and two.
The second figure is what the workers keep in memory: Linux's Pss, by which a page that n processes map counts 1/n for
each. It goes to bench/results/shards.json.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from batch_threads import CONTROL
from shards_results import keep, shared_sets

from vicinal.measure import load_dataset, paired_ratio
from vicinal.measure.environment import usable_cores
from vicinal.shards import ShardedIndex, Threads, build_sharded

BAR, CONTROL_BAR, MEMORY_BAR = 1.7, 0.9, 1.2
K = 10
BATCH = 256  # queries: as many as a worker takes at a time


class Process:
    """A process that does what it is told in a line, and answers with a line."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, words: str) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()

    def told(self) -> Any:
        """Wait for a line."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def fileno(self) -> int:
        """Return what to wait on for a line."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def worker(folder: Path, queries: Path, core: int, ef: int) -> Process:
    """Start a process that has the folder open and has searched it once."""
    made = Process(str(Path(__file__).resolve()), "--worker", str(folder), str(queries), str(core), "--ef", str(ef))
    made.told()
    return made


def work(folder: str, stored: str, core: int, ef: int) -> None:
    """Search parts of the queries as they are named, until the input ends."""
    os.sched_setaffinity(0, {core})
    queries = np.load(stored)
    with ShardedIndex.open(folder, executor=Threads(1)) as index:
        index.search(queries, K, ef=ef, threads=1)  # every page that searches touch is there
        print("1", flush=True)
        for line in sys.stdin:
            if line.startswith("memory"):
                print(json.dumps(memory()), flush=True)
                continue
            first, last = map(int, line.split())
            start = process_time()
            index.search(queries[first:last], K, ef=ef, threads=1)
            print(process_time() - start, flush=True)


def memory() -> dict[str, int]:
    """Return this process's bytes: Pss of the mapped shards, Pss and Rss of all."""
    sizes = {"shards": 0, "pss": 0, "rss": 0}
    ours = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            ours = line.endswith(".vicinal")
        elif line.startswith(("Pss:", "Rss:")):
            size = int(line.split()[1]) * 1024
            sizes[line[:3].lower()] += size
            sizes["shards"] += size if ours and line.startswith("Pss") else 0
    return sizes


def done_by(crew: list[Process], jobs: list[str]) -> tuple[float, float]:
    """Give each process a job whenever it has none; return the seconds until all are done, and the sum of answers."""
    start, total = perf_counter(), 0.0
    left = jobs[::-1]
    busy = crew[: len(left)]
    for process in busy:
        process.tell(left.pop())
    while busy:
        for process in select.select(busy, [], [])[0]:
            total += process.told()
            if left:
                process.tell(left.pop())
            else:
                busy.remove(process)
    return perf_counter() - start, total


def kept_by(workers: list[Process]) -> dict[str, int]:
    """Return what the workers that there are keep together."""
    for worker in workers:
        worker.tell("memory")
    told = [worker.told() for worker in workers]
    return {name: sum(sizes[name] for sizes in told) for name in told[0]}


def measure(folder: Path, queries: np.ndarray, ef: int, rounds: int) -> dict[str, Any]:
    """Time rounds of one worker, two workers and the control."""
    cores = usable_cores()[::-1][:2]
    stored = folder.with_name("queries.npy")
    np.save(stored, queries)
    crew = [worker(folder, stored, cores[0], ef)]
    one_keeps = kept_by(crew)
    crew.append(worker(folder, stored, cores[1], ef))
    two_keep = kept_by(crew)
    control = [Process("-c", CONTROL, str(core)) for core in cores]
    jobs = [f"{first} {min(first + BATCH, len(queries))}" for first in range(0, len(queries), BATCH)]
    units = ["go"] * len(jobs)
    done_by(control, units)
    ones, twos, single, double, costs = [], [], [], [], []
    for _ in range(rounds):
        alone_s, alone_cpu = done_by(crew[:1], jobs)
        both_s, both_cpu = done_by(crew, jobs)
        ones.append(len(queries) / alone_s)
        twos.append(len(queries) / both_s)
        costs.append(both_cpu / alone_cpu)
        single.append(1 / done_by(control[:1], units)[0])
        double.append(1 / done_by(control, units)[0])
    for process in (*crew, *control):
        process.close()
    by_control = paired_ratio([two / one for two, one in zip(twos, ones, strict=True)],
                              [two / one for two, one in zip(double, single, strict=True)])  # fmt: skip
    gain, control_gain = paired_ratio(twos, ones), paired_ratio(double, single)
    assert gain is not None
    assert control_gain is not None
    assert by_control is not None
    return {
        "ef": ef,
        "one_worker_qps": ones,
        "two_workers_qps": twos,
        "gain": asdict(gain),
        "control_gain": asdict(control_gain),
        "by_control": asdict(by_control),
        "processor_time_of_two_by_one": statistics.median(costs),
        "memory": {"one": one_keeps, "two": two_keep},
        "memory_ratio": {name: two_keep[name] / one_keeps[name] for name in one_keeps},
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Build, measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="texts")
    parser.add_argument("--shards", type=int, default=3)
    parser.add_argument("--ef", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(asked.worker[0], asked.worker[1], int(asked.worker[2]), asked.ef)
        return
    if asked.set == "texts":
        base, queries, metric = shared_sets()
    else:
        data = load_dataset(asked.set)
        base, queries, metric = data.base, data.query, data.metric
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "shards")
        build_sharded(base, folder, shards=asked.shards, metric=metric).close()
        found = measure(folder, queries, asked.ef, asked.rounds)
    gain, control, by = (found[name]["value"] for name in ("gain", "control_gain", "by_control"))
    print(f"{asked.set}: {len(base)} × {base.shape[1]} in {asked.shards} shards, {len(queries)} queries, ef={asked.ef}")
    print(f"  two workers {gain:.2f} × one; the control {control:.2f}; by the control {by:.2f}")
    cost = found["processor_time_of_two_by_one"]
    print(
        f"  the same queries took two workers {cost:.2f} × one's processor time: {2 / cost:.2f} × on cores of their own"
    )
    met = "met" if gain >= BAR or by >= CONTROL_BAR else "MISSED"
    print(f"  bar (≥ {BAR} ×, or ≥ {CONTROL_BAR} of the control): {met}")
    for name, ratio in found["memory_ratio"].items():
        one, two = (found["memory"][many][name] / 1e6 for many in ("one", "two"))
        print(f"  memory ({name}): one {one:.1f} MB, two together {two:.1f} MB: {ratio:.3f}")
    print(f"  bar (Pss of all ≤ {MEMORY_BAR} ×): {'met' if found['memory_ratio']['pss'] <= MEMORY_BAR else 'MISSED'}")
    keep(f"batch {asked.set}", {"vectors": len(base), "dim": base.shape[1], "queries": len(queries), **found})


if __name__ == "__main__":
    main()

"""Batch search on one and on two threads, beside what the machine gives to two processes that only compute.

    python bench/batch_threads.py                              # sift-20k
    python bench/batch_threads.py --sets minilm-debian --ef 64 200

Two cores of a rented machine need not be two cores: they may share one, or be lent to others. So each round times, in
turn, all queries in one call on one thread, the same on two, a loop of integer arithmetic in one process, and that loop
in two processes at once, each on a core of its own. What two processes win over one is the most that two threads can.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from vicinal.measure import Dataset, Ratio, load_dataset, paired_ratio
from vicinal.measure.engines import Engine, make_engine
from vicinal.measure.environment import describe_environment, usable_cores
from vicinal.measure.task import Task
from vicinal.measure.worker import RemoteSession, StoredTask

RESULTS = Path(__file__).resolve().parent / "results" / "batch_threads.json"
K = 10
CALLS = 9  # of all queries, in a round, on so many threads

# Reads a line, computes, answers with a line: everything stays in registers and the first cache.
CONTROL = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
for _ in sys.stdin:
    x = 1
    for _ in range(2_000_000):
        x = (x * 5 + 1) & 0xFFFFFFFF
    print(x, flush=True)
"""


@dataclass(frozen=True)
class Batches:
    """One effort: queries per second of each round, and how many times as fast two are as one."""

    effort: int
    one_thread: tuple[float, ...]
    two_threads: tuple[float, ...]
    gain: Ratio
    control_gain: Ratio

    def __str__(self) -> str:
        one, two = statistics.median(self.one_thread), statistics.median(self.two_threads)
        return (
            f"ef {self.effort:<5} one thread {one:>9,.0f}   two {two:>9,.0f}   gain {self.gain}"
            f"   two processes that only compute: {self.control_gain}"
        )


class Control:
    """Processes that compute when they are told to, one on each core."""

    def __init__(self, cores: list[int]) -> None:
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-c", CONTROL, str(core)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for core in cores
        ]

    def seconds(self, processes: int) -> float:
        """Let so many of them compute at once, and wait for all."""
        started = perf_counter()
        for process in self._processes[:processes]:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in self._processes[:processes]:
            assert process.stdout is not None
            process.stdout.readline()
        return perf_counter() - started

    def close(self) -> None:
        """End them."""
        for process in self._processes:
            process.communicate()


def measure(engine: Engine, dataset: Dataset, efforts: list[int], rounds: int) -> list[Batches]:
    """Build the index in a process of its own and time its batches."""
    cores = usable_cores()[::-1]
    if len(cores) < 2:
        raise OSError("this process may use one core only, expected two")
    task = Task(dataset.base, dataset.query, dataset.metric, K, build_threads=2, search_threads=1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vicinal-batches-")))
        session = RemoteSession(engine, StoredTask.store(task, folder), cores)
        stack.callback(session.close)
        control = Control(cores[:2])
        stack.callback(control.close)
        session.build()
        control.seconds(2)  # warm
        return [_batches(session, control, effort, len(dataset.query), rounds) for effort in efforts]


def _batches(session: RemoteSession, control: Control, effort: int, queries: int, rounds: int) -> Batches:
    ones, twos, alone, together = [], [], [], []
    for _ in range(rounds):
        ones.append(queries / _seconds(session, effort, 1))
        twos.append(queries / _seconds(session, effort, 2))
        alone.append(1 / control.seconds(1))
        together.append(2 / control.seconds(2))
    gain, control_gain = paired_ratio(twos, ones), paired_ratio(together, alone)
    assert gain is not None
    assert control_gain is not None
    return Batches(effort, tuple(ones), tuple(twos), gain, control_gain)


def _seconds(session: RemoteSession, effort: int, threads: int) -> float:
    """Take the median of some calls: one lasts but hundredths of a second, and the first finds cold caches."""
    return statistics.median(session.time_batch(effort, threads) for _ in range(CALLS))


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["sift-20k"])
    parser.add_argument("--engine", default="vicinal")
    parser.add_argument("--ef", nargs="+", type=int, default=[32, 128])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    kept = {}
    for name in arguments.sets:
        found = measure(make_engine(arguments.engine), load_dataset(name), arguments.ef, arguments.rounds)
        print(name, *found, sep="\n  ", flush=True)
        kept[name] = [asdict(batches) for batches in found]
    environment = asdict(describe_environment())
    RESULTS.write_text(json.dumps({"environment": environment, "sets": kept}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

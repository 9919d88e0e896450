"""One engine under measurement, in this process."""

from __future__ import annotations

import ctypes
import gc
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vicinal.measure.engines import Engine
from vicinal.measure.kept import bring_back, keep, kept_folder
from vicinal.measure.task import Built, Task

_WARM_UP_QUERIES = 50


class EngineFailedError(RuntimeError):
    """An engine raised, or its process ended, while it was measured."""


@dataclass(frozen=True)
class Timing:
    """One pass over the queries, one call each."""

    seconds: float
    p50_us: float
    p99_us: float


class Session(Protocol):
    """An engine that can be measured, here or in a process of its own."""

    engine: Engine

    def build(self) -> Built:
        """Build the index."""

    def answer(self, effort: int) -> tuple[NDArray[np.int64], dict[str, float]]:
        """Answer all queries, untimed: ids, and the library's counters per query."""

    def time_one(self, effort: int) -> Timing:
        """Time all queries, one per call."""

    def time_batch(self, effort: int, threads: int | None = None) -> float:
        """Time all queries in one call, in seconds; on another number of threads than the task's if asked to."""

    def close(self) -> None:
        """Let the engine go."""


class LocalSession:
    """Measures in this process: simple, but engines share caches and OpenMP runtimes.

    Parameters
    ----------
    engine : Engine
    task : Task
    cores : iterable of int, optional
        Cores to pin this process to: the first `build_threads` of them while it builds, the first
        `search_threads` while it searches. None leaves the process where it is.
    """

    def __init__(self, engine: Engine, task: Task, cores: Iterable[int] | None = None) -> None:
        self.engine = engine
        self._task = task
        self._cores = None if cores is None else list(cores)

    def build(self) -> Built:
        """Build the index, or bring it back; resident memory counts only where the process is the engine's own."""
        task = self._task
        self._pin(task.build_threads)
        self.engine.library()  # neither its time nor its memory are the index's
        folder = None
        if task.keep is not None and self.engine.can_be_kept:
            folder = kept_folder(task.keep, self.engine, task)
        built = bring_back(folder, self.engine, task) if folder is not None else None
        if built is None:
            built = self._build_anew()
            if folder is not None:
                keep(folder, self.engine, built)
        self._pin(task.search_threads)
        self.take_as_built()
        return built

    def _build_anew(self) -> Built:
        task = self._task
        before = private_bytes()
        started = time.perf_counter()
        self.engine.build(task.base, task.metric, threads=task.build_threads)
        seconds = time.perf_counter() - started
        after = private_bytes()
        alone = self._cores is not None and before is not None and after is not None
        return Built(
            seconds,
            self.engine.memory(),
            (after or 0) - (before or 0) if alone else None,
            self.engine.instructions(),
        )

    def take_as_built(self) -> None:
        """Go without a build, for an engine over an index that exists."""
        self.engine.set_threads(self._task.search_threads)
        self._batch = self.engine.prepare(self._task.queries)
        self._rows = list(self._batch)

    def answer(self, effort: int) -> tuple[NDArray[np.int64], dict[str, float]]:
        """Answer all queries, untimed."""
        self.engine.set_effort(effort)
        ids = np.asarray(self.engine.search(self._batch, self._task.k), dtype=np.int64)
        return ids, self.engine.count(self._batch, self._task.k)

    def time_one(self, effort: int) -> Timing:
        """Time call by call, after a few untimed ones that bring the index back into the caches."""
        self.engine.set_effort(effort)
        ask = self.engine.one_query(self._task.k)
        for query in self._rows[:_WARM_UP_QUERIES]:
            ask(query)
        nanoseconds = np.empty(len(self._rows), dtype=np.int64)
        clock = time.perf_counter_ns
        with _without_garbage_collection():
            for number, query in enumerate(self._rows):
                started = clock()
                ask(query)
                nanoseconds[number] = clock() - started
        typical, slow = np.percentile(nanoseconds, [50, 99]) / 1e3
        return Timing(float(nanoseconds.sum()) / 1e9, float(typical), float(slow))

    def time_batch(self, effort: int, threads: int | None = None) -> float:
        """Time one call with all queries."""
        if threads is not None:
            self._pin(threads)
            self.engine.set_threads(threads)
        self.engine.set_effort(effort)
        self.engine.search(self._batch[:_WARM_UP_QUERIES], self._task.k)
        with _without_garbage_collection():
            started = time.perf_counter()
            self.engine.search(self._batch, self._task.k)
            seconds = time.perf_counter() - started
        if threads is not None:
            self._pin(self._task.search_threads)
            self.engine.set_threads(self._task.search_threads)
        return seconds

    def close(self) -> None:
        """Leave the engine to whoever gave it."""

    def _pin(self, threads: int) -> None:
        if self._cores is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, self._cores[:threads])


class _without_garbage_collection:  # noqa: N801 - reads as a statement
    """Keep Python's collector out of a timed stretch."""

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_enabled:
            gc.enable()


def private_bytes() -> int | None:
    """Read how much memory of this process is its own (mapped files left out); None off Linux.

    What the C library keeps of freed memory is given back first: how much that is depends on its
    history more than on what the program holds.
    """
    with suppress(OSError, AttributeError):  # no such function outside glibc
        ctypes.CDLL(None).malloc_trim(0)
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return None

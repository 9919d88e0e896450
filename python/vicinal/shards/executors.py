"""Who does the work of the shards: threads or processes of this machine, or (`vicinal.ray`) tasks of a cluster.

An executor has three methods, so that an engine for many machines can stand in for these: `workers` says how many
calls run at once, `run` makes calls and returns what became of each, in their order, `close` lets go of whatever it
holds. Functions and arguments can be pickled, and a call may be made twice.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor as Pool
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from vicinal._core import MAX_THREADS
from vicinal.settings import whole_number

__all__ = ["Executor", "Processes", "Threads", "cores", "made"]

TRIES = 3  # of a call whose worker was killed

Outcome = Any  # what a call returned, or the exception it raised


class Executor(Protocol):
    """What `ShardedIndex` and `build_sharded` ask of whoever does their work.

    Examples
    --------
    >>> class OneByOne:
    ...     def workers(self):
    ...         return 1
    ...
    ...     def run(self, function, calls):
    ...         return [function(*call) for call in calls]
    ...
    ...     def close(self):
    ...         pass
    >>> import tempfile
    >>> import vicinal
    >>> folder = tempfile.TemporaryDirectory()
    >>> len(vicinal.shards.build_sharded([[1.0, 2.0], [3.0, 4.0]], folder.name, shards=2, executor=OneByOne()))
    2
    >>> folder.cleanup()
    """

    def workers(self) -> int:
        """Return how many calls run at once."""
        ...

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Outcome]:
        """Make the calls; return, in their order, what each returned, or the exception (no interrupt) it raised."""
        ...

    def close(self) -> None:
        """Let go of workers."""
        ...


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Threads:
    """Calls run in threads of this process, none of which outlives `run`.

    Parameters
    ----------
    workers : int
        0 takes all cores this process may use.

    Examples
    --------
    >>> Threads(2).run(divmod, [(7, 2), (9, 3)])
    [(3, 1), (3, 0)]
    """

    def __init__(self, workers: int = 0) -> None:
        self._workers = whole_number("workers", workers, 0, MAX_THREADS) or cores()

    def workers(self) -> int:
        """Return how many calls run at once."""
        return self._workers

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Outcome]:
        """Make the calls; return what became of each, in their order."""
        if len(calls) == 1 or self._workers == 1:
            return [made(function, call) for call in calls]
        with ThreadPoolExecutor(min(self._workers, max(len(calls), 1))) as pool:
            try:
                return [future.result() for future in [pool.submit(made, function, call) for call in calls]]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def close(self) -> None:
        """Nothing is held."""


class Processes:
    """Calls run in processes of this machine, which keep the shards they have mapped, and share their memory.

    They are started by the first call, as new interpreters: a script that uses them keeps its own work under
    ``if __name__ == "__main__":``. When one is killed, its calls and those of the others are made again by new ones,
    up to three times.

    Parameters
    ----------
    workers : int
        0 takes all cores this process may use.

    Examples
    --------
    >>> crew = Processes(2)
    >>> crew.workers()
    2
    >>> crew.close()
    """

    def __init__(self, workers: int = 0) -> None:
        self._workers = whole_number("workers", workers, 0, MAX_THREADS) or cores()
        self._pool: Pool | None = None
        self._owner = os.getpid()

    def workers(self) -> int:
        """Return how many calls run at once."""
        return self._workers

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Outcome]:
        """Make the calls; return what became of each, in their order."""
        outcomes: dict[int, Outcome] = {}
        for _ in range(TRIES):
            left = [place for place in range(len(calls)) if place not in outcomes]
            try:
                futures = {place: self._started().submit(made, function, calls[place]) for place in left}
            except BrokenProcessPool:
                futures = {}
            wait(futures.values())
            broken = {place for place, future in futures.items() if isinstance(future.exception(), BrokenProcessPool)}
            outcomes |= {place: future.result() for place, future in futures.items() if place not in broken}
            if len(outcomes) == len(calls):
                return [outcomes[place] for place in range(len(calls))]
            self.close()
        raise BrokenProcessPool(f"workers were killed {TRIES} times in one call")

    def close(self) -> None:
        """End the processes. The next `run` starts others."""
        pool, self._pool = self._pool, None
        if pool is not None and self._owner == os.getpid():
            pool.shutdown(wait=True, cancel_futures=True)

    def _started(self) -> Pool:
        if self._pool is None or self._owner != os.getpid():  # a forked child has no workers
            self._owner = os.getpid()
            self._pool = ProcessPoolExecutor(self._workers, mp_context=multiprocessing.get_context("spawn"))
        return self._pool


def made(function: Callable[..., Any], call: tuple[Any, ...]) -> Outcome:
    """Make a call, and return what it returned or the exception it raised."""
    try:
        return function(*call)
    except Exception as error:
        return error

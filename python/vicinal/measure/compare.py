"""Measure several engines beside one another on one data set."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from vicinal.measure.comparison import Comparison, EngineResult
from vicinal.measure.dataset import Dataset
from vicinal.measure.engines import Engine, make_engine
from vicinal.measure.environment import describe_environment, usable_cores
from vicinal.measure.load import load_dataset
from vicinal.measure.points import Curve
from vicinal.measure.rounds import Steps, measure_curves
from vicinal.measure.session import EngineFailedError, LocalSession, Session
from vicinal.measure.sweep import make_schedule
from vicinal.measure.task import Task
from vicinal.measure.worker import RemoteSession, StoredTask
from vicinal.progress import Progress, reporting

logger = logging.getLogger("vicinal.measure")

DEFAULT_ENGINES = ("vicinal", "faiss", "hnswlib", "usearch")


def compare(
    dataset: Dataset | str | os.PathLike[str],
    engines: Sequence[str | Engine] = DEFAULT_ENGINES,
    *,
    k: int = 10,
    M: int = 16,
    ef_construction: int = 200,
    threads: int = 1,
    build_threads: int | None = None,
    rounds: int = 5,
    efforts: Sequence[int] | None = None,
    queries: int | None = None,
    batch: bool = True,
    isolate: bool = True,
    keep: str | os.PathLike[str] | None = None,
    command: str | None = None,
    progress: Progress = None,
) -> Comparison:
    """Build the same data into several engines and measure recall against speed.

    Each engine runs in a process of its own, pinned to a core; only one works at a time. After a
    pass that finds each effort's recall, every round times each effort on every engine in turn.
    The answers' distances are computed anew in double precision, so an answer as near as the true
    k-th neighbor counts, whatever its id and whatever the engine reports.

    Parameters
    ----------
    dataset : Dataset, name or path
        A name or path goes to `load_dataset`.
    engines : sequence of str or Engine
        Names as `make_engine` takes them ("vicinal", "faiss", "hnswlib-m32"), or engines with
        settings of their own. Ratios are those of the first to each other. One that is not
        installed or does not serve the metric is listed as missing.
    k : int
        Neighbors to find.
    M, ef_construction : int
        For engines given by a name that does not say.
    threads : int
        For batch calls; single queries always run on one thread.
    build_threads : int, optional
        As `threads` unless given.
    rounds : int
        Five bound a ratio's median with a probability of 0.94.
    efforts : sequence of int, optional
        Beam widths; by default a ladder from `k` on.
    queries : int, optional
        Use only the first so many.
    batch : bool
        Time batch calls too.
    isolate : bool
        False measures all engines in this process: quicker to start, but their thread pools and
        caches interfere, and memory is by each library's own account only.
    keep : path, optional
        A folder where built indexes are kept, and looked for, of rivals that can be kept.
    command : str, optional
        What the report names as the command that repeats it; this call by default.
    progress : callable or bool, optional
        Called with (steps done, at most to do); True draws a bar on a terminal.

    Returns
    -------
    Comparison
        ``table()`` and ``to_json()`` give the figures, `write_report` makes a page of them.

    Raises
    ------
    ValueError
        An engine is unknown or an argument out of range.
    FileNotFoundError
        There is no such data set.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).random((300, 8), dtype=np.float32)
    >>> noise = Dataset("noise", rows, rows[:20])
    >>> result = compare(noise, ["vicinal"], efforts=[10, 80], rounds=1, isolate=False)
    >>> result["vicinal"].curve.highest_recall > 0.9
    True
    """
    schedule = make_schedule(k, efforts, rounds, batch)
    if not engines:
        raise ValueError("engines is empty, expected at least one")
    chosen = [
        make_engine(engine, M=M, ef_construction=ef_construction) if isinstance(engine, str) else engine
        for engine in engines
    ]
    names = [engine.name for engine in chosen]
    if len(set(names)) < len(names):
        raise ValueError(f"engines must differ in name, got {', '.join(names)}")
    if threads < 1 or (build_threads is not None and build_threads < 1):
        raise ValueError(f"threads and build_threads must be at least 1, got {threads} and {build_threads}")
    loaded = dataset if isinstance(dataset, Dataset) else load_dataset(dataset)
    loaded = loaded.first_queries(queries) if queries is not None else loaded
    if k > len(loaded.base):
        raise ValueError(f"k is {k}, but {loaded.name} has only {len(loaded.base)} rows")
    logger.info("exact neighbors of %d queries", len(loaded.query))
    loaded = loaded.with_truth(k)
    task = Task(
        base=np.ascontiguousarray(loaded.base),
        queries=np.ascontiguousarray(loaded.query),
        metric=loaded.metric,
        k=k,
        build_threads=build_threads or threads,
        search_threads=threads,
        keep=None if keep is None else Path(keep).absolute(),
    )
    results = {engine.name: _described(engine, loaded.metric) for engine in chosen}
    present = [engine for engine in chosen if not results[engine.name].missing]
    with reporting(progress, "steps") as report, _sessions(present, task, isolate) as sessions:
        steps = Steps(report, len(present) * (1 + len(schedule.efforts) * (1 + rounds)))
        ready = _build_all(sessions, results, steps)
        curves = measure_curves(ready, loaded, schedule, steps)
        steps.finish()
    for session, curve in zip(ready, curves, strict=True):
        results[session.engine.name] = _with_curve(results[session.engine.name], curve)
    return Comparison(
        dataset=loaded.name,
        rows=len(loaded.base),
        dim=loaded.dim,
        queries=len(loaded.query),
        metric=loaded.metric,
        k=k,
        build_threads=task.build_threads,
        threads=threads,
        rounds=rounds,
        isolated=isolate,
        engines=tuple(results[name] for name in names),
        environment=describe_environment(),
        command=command
        or f"vicinal.measure.compare({loaded.name!r}, {names!r}, k={k}, M={M}, ef_construction={ef_construction}, "
        f"threads={threads}, build_threads={task.build_threads}, rounds={rounds}, queries={len(loaded.query)})",
    )


@contextmanager
def _sessions(engines: Sequence[Engine], task: Task, isolate: bool) -> Iterator[list[Session]]:
    """Open a session per engine, and close whatever was opened."""
    with ExitStack() as stack:
        sessions: list[Session] = []
        if isolate:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vicinal-compare-")))
            stored = StoredTask.store(task, folder)
            # The last cores first: a machine's first core serves most interrupts.
            cores = usable_cores()[::-1]
        for engine in engines:
            session = RemoteSession(engine, stored, cores) if isolate else LocalSession(engine, task)
            stack.callback(session.close)
            sessions.append(session)
        yield sessions


def _build_all(sessions: Sequence[Session], results: dict[str, EngineResult], steps: Steps) -> list[Session]:
    ready = []
    for session in sessions:
        name = session.engine.name
        logger.info("building %s", name)
        try:
            built = session.build()
            results[name] = replace(
                results[name],
                build_seconds=built.seconds,
                reported_bytes=built.reported_bytes,
                resident_bytes=built.resident_bytes,
                instructions=built.instructions,
                kept=built.kept,
            )
            ready.append(session)
        except EngineFailedError as error:
            results[name] = _failed(results[name], error)
        steps()
    return ready


def _described(engine: Engine, metric: str) -> EngineResult:
    return EngineResult(
        name=engine.name, version=engine.version(), settings=engine.settings(), missing=engine.why_missing(metric)
    )


def _with_curve(result: EngineResult, curve: Curve | EngineFailedError) -> EngineResult:
    return _failed(result, curve) if isinstance(curve, EngineFailedError) else replace(result, curve=curve)


def _failed(result: EngineResult, error: EngineFailedError) -> EngineResult:
    return EngineResult(name=result.name, version=result.version, settings=result.settings, missing=f"failed: {error}")

"""One engine's curve: what rising effort brings, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vicinal.measure.dataset import Dataset
from vicinal.measure.engines import Engine
from vicinal.measure.engines.vicinal import VicinalEngine
from vicinal.measure.points import Curve
from vicinal.measure.rounds import Schedule, Steps, effort_ladder, measure_curves
from vicinal.measure.session import LocalSession
from vicinal.measure.task import Task
from vicinal.progress import Progress, reporting

if TYPE_CHECKING:
    from vicinal.index import Index


def sweep(
    index: Index | Engine,
    dataset: Dataset,
    k: int = 10,
    *,
    efforts: Sequence[int] | None = None,
    rounds: int = 3,
    threads: int = 1,
    batch: bool = True,
    progress: Progress = None,
) -> Curve:
    """Measure recall, speed and latency of one index over its search effort.

    Parameters
    ----------
    index : Index or Engine
        An index that holds the rows of ``dataset.base`` under their row numbers, or a built engine.
    dataset : Dataset
        Where it lacks the true neighbors, they are computed first.
    k : int
    efforts : sequence of int, optional
        Beam widths (ef). By default a ladder from `k` on, until recall stops rising; points far
        below a recall of 0.8 are then left out.
    rounds : int
        Passes over all efforts; medians are reported.
    threads : int
        For batch calls. Single queries always run on one thread.
    batch : bool
        Time batch calls too.
    progress : callable or bool, optional
        Called with (measurements done, at most to do); True draws a bar on a terminal.

    Returns
    -------
    Curve
        Its points hold effort, recall, queries per second and latencies; ``speed_at(0.95)``
        reads between them.

    Raises
    ------
    ValueError
        An argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.index import Index
    >>> rows = np.random.default_rng(0).random((300, 8), dtype=np.float32)
    >>> index = Index(8)
    >>> added = index.add(rows)
    >>> curve = sweep(index, Dataset("noise", rows, rows[:20]), efforts=[10, 80], rounds=1)
    >>> [point.effort for point in curve.points], curve.highest_recall > 0.9
    ([10, 80], True)
    """
    schedule = make_schedule(k, efforts, rounds, batch)
    complete = dataset.with_truth(k, threads=threads)
    engine = index if isinstance(index, Engine) else VicinalEngine.over(index)
    session = LocalSession(engine, Task(complete.base, complete.query, complete.metric, k, threads, threads))
    session.take_as_built()
    with reporting(progress, "measurements") as report:
        steps = Steps(report, len(schedule.efforts) * (rounds + 1))
        (curve,) = measure_curves([session], complete, schedule, steps)
        steps.finish()
    assert isinstance(curve, Curve)  # only processes of their own fail softly
    return curve


def make_schedule(k: int, efforts: Sequence[int] | None, rounds: int, batch: bool) -> Schedule:
    """Check the arguments that `sweep` and `compare` share."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    chosen = effort_ladder(k) if efforts is None else tuple(sorted({int(effort) for effort in efforts}))
    if not chosen or chosen[0] < 1:
        raise ValueError(f"efforts must be beam widths of at least 1, got {efforts}")
    return Schedule(k=k, efforts=chosen, all_efforts=efforts is not None, rounds=rounds, batch=batch)

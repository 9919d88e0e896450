"""Measure engines side by side: first what each effort reaches, then how fast, in rounds.

A shared machine drifts by tens of percent within minutes. So no engine is measured in one go: in
every round each effort is timed on every engine before the next effort's turn, the engines in
rotated order, and medians over rounds are reported. Ratios of one round compare minutes, not hours.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vicinal.measure.dataset import Dataset
from vicinal.measure.points import Curve, Point
from vicinal.measure.recall import Recall, recall
from vicinal.measure.session import EngineFailedError, Session, Timing
from vicinal.measure.truth import exact_distances
from vicinal.progress import Report

logger = logging.getLogger("vicinal.measure")

# A survey ends where more effort has nothing left to win ...
_RECALL_ENOUGH = 0.9995
# ... or where one pass over the queries takes longer than this.
_PATIENCE_SECONDS = 20.0
# Points far below every target recall only cost time; one below this bound is kept to start the curve.
_RECALL_OF_INTEREST = 0.80


@dataclass
class _Draft:
    """A point while its timings come in."""

    effort: int
    recall: Recall
    counters: dict[str, float]
    ones: list[Timing] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)

    def finished(self, queries: int) -> Point:
        return Point(
            effort=self.effort,
            recall=self.recall,
            one_qps=tuple(queries / timing.seconds for timing in self.ones),
            batch_qps=tuple(queries / seconds for seconds in self.batches),
            p50_us=statistics.median(timing.p50_us for timing in self.ones),
            p99_us=statistics.median(timing.p99_us for timing in self.ones),
            distances=self.counters.get("distances"),
            hops=self.counters.get("hops"),
        )


@dataclass(frozen=True)
class Schedule:
    """How to measure.

    Attributes
    ----------
    k : int
    efforts : tuple of int
        Rising; given by the caller or by `effort_ladder`.
    all_efforts : bool
        Keep every effort, also those far below or beyond the recalls of interest.
    rounds : int
    batch : bool
        Time batch calls too.
    """

    k: int
    efforts: tuple[int, ...]
    all_efforts: bool
    rounds: int
    batch: bool


class Steps:
    """Count what has been done toward what there is at most to do."""

    def __init__(self, report: Report | None, total: int) -> None:
        self._report = report
        self._done, self._total = 0, total

    def __call__(self) -> None:
        """Take one step as done."""
        self._done += 1
        if self._report:
            self._report(self._done, self._total)

    def finish(self) -> None:
        """Take efforts that turned out not worth timing as done."""
        if self._report:
            self._report(self._total, self._total)


def effort_ladder(k: int, highest: int = 2048) -> tuple[int, ...]:
    """List beam widths from `k` upward, each about a fifth wider than the last.

    Examples
    --------
    >>> effort_ladder(10, highest=40)
    (10, 12, 14, 17, 20, 24, 29, 35)
    """
    efforts = [k]
    while (wider := max(efforts[-1] + 1, round(efforts[-1] * 1.2))) <= highest:
        efforts.append(wider)
    return tuple(efforts)


def measure_curves(
    sessions: Sequence[Session], dataset: Dataset, schedule: Schedule, step: Callable[[], None]
) -> list[Curve | EngineFailedError]:
    """Measure built engines beside one another.

    Parameters
    ----------
    sessions : sequence of Session
        Built already.
    dataset : Dataset
        With at least `schedule.k` true neighbors per query.
    schedule : Schedule
    step : callable
        Called after every measurement.

    Returns
    -------
    list
        For each session its curve, or what made it fail.
    """
    drafts: list[list[_Draft]] = [[] for _ in sessions]
    failures: dict[int, EngineFailedError] = {}
    for number, session in enumerate(sessions):
        try:
            drafts[number] = _survey(session, dataset, schedule, step)
        except EngineFailedError as error:  # noqa: PERF203 - one failing engine must not end the others
            failures[number] = error
    for round_number in range(schedule.rounds):
        for effort in schedule.efforts:
            for turn in range(len(sessions)):
                number = (turn + round_number) % len(sessions)
                draft = next((d for d in drafts[number] if d.effort == effort), None)
                if draft is None or number in failures:
                    continue
                session = sessions[number]
                logger.info("round %d of %d: %s, ef %d", round_number + 1, schedule.rounds, session.engine.name, effort)
                try:
                    draft.ones.append(session.time_one(effort))
                    if schedule.batch:
                        draft.batches.append(session.time_batch(effort))
                except EngineFailedError as error:
                    failures[number] = error
                step()
    return [
        failures.get(number) or Curve(tuple(draft.finished(len(dataset.query)) for draft in drafts[number]))
        for number in range(len(sessions))
    ]


def _survey(session: Session, dataset: Dataset, schedule: Schedule, step: Callable[[], None]) -> list[_Draft]:
    """Find each effort's recall; as answers do not depend on the round, once is enough."""
    assert dataset.truth is not None
    truth = dataset.truth[:, : schedule.k]
    true_distances = exact_distances(dataset.base, dataset.query, truth, dataset.metric)
    drafts: list[_Draft] = []
    for effort in schedule.efforts:
        logger.info("recall: %s, ef %d", session.engine.name, effort)
        started = time.perf_counter()
        ids, counters = session.answer(effort)
        seconds = time.perf_counter() - started
        reached = recall(
            ids,
            truth,
            schedule.k,
            found_distances=exact_distances(dataset.base, dataset.query, ids, dataset.metric),
            truth_distances=true_distances,
        )
        drafts.append(_Draft(effort, reached, counters))
        step()
        if not schedule.all_efforts and (
            reached.value >= _RECALL_ENOUGH or seconds > _PATIENCE_SECONDS or _has_settled(drafts)
        ):
            break
    if schedule.all_efforts:
        return drafts
    return _worth_timing(drafts)


def _worth_timing(drafts: list[_Draft]) -> list[_Draft]:
    """Drop efforts far below every target, and those at the end that bring nothing more."""
    first = max((i for i, draft in enumerate(drafts) if draft.recall.value < _RECALL_OF_INTEREST), default=0)
    best = max(draft.recall.hits for draft in drafts)
    last = next(i for i, draft in enumerate(drafts) if draft.recall.hits == best)
    return drafts[min(first, last) : last + 1]


def _has_settled(drafts: list[_Draft]) -> bool:
    """Tell whether five efforts in a row brought the same recall."""
    last = [draft.recall.hits for draft in drafts[-5:]]
    return len(last) == 5 and len(set(last)) == 1

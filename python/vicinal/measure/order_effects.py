"""What an order gains or loses against a shuffle, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vicinal.measure.order_study import EFFORTS, SHOWN, Arm, K, Study

__all__ = ["Effect", "at_equal_work", "effects_of", "plain_words", "reference_of"]

REFERENCE = "random"
_WIDTH = 1.96
_NOTED = 0.01  # a point of recall
_ABSENT = 0.005


@dataclass(frozen=True)
class Effect:
    """Of one order at one ef; intervals are half widths of 95 %.

    `gain` is recall minus that of the shuffle at the same ef, seed by seed and query by query; `gain_at_work` is
    the same at the shuffle's distance computations, read off the curves (None for engines that do not count).
    """

    engine: str
    order: str
    ef: int
    recall: float
    recall_width: float
    distances: float | None
    gain: float
    gain_width: float
    gain_at_work: float | None
    gain_at_work_width: float | None


def reference_of(study: Study, engine: str) -> Arm | None:
    """Return the shuffled arm of an engine."""
    return next((arm for arm in study.arms if (arm.engine, arm.name) == (engine, REFERENCE)), None)


def effects_of(study: Study) -> list[Effect]:
    """Return the effect of each order at each effort shown."""
    return [effect for arm in study.arms for effect in _effects(arm, reference_of(study, arm.engine))]


def at_equal_work(arm: Arm, reference: Arm) -> NDArray[np.float64]:
    """Read recall at the reference's distance computations off the arm's curve, shape (seeds, efforts).

    Recall is linear in the logarithm of distances between two efforts, and beyond the first and the last.
    """
    assert arm.distances is not None
    assert reference.distances is not None
    seeds = min(len(arm.hits), len(reference.hits))
    out = np.empty((seeds, len(EFFORTS)))
    for seed in range(seeds):
        work, asked = np.log(arm.distances[seed]), np.log(reference.distances[seed])
        place = np.clip(np.searchsorted(work, asked), 1, len(work) - 1)
        recalls = arm.recalls[seed]
        slope = (recalls[place] - recalls[place - 1]) / (work[place] - work[place - 1])
        out[seed] = recalls[place - 1] + slope * (asked - work[place - 1])
    return out


def plain_words(study: Study) -> list[str]:
    """Say what the study found, and where there is nothing to find.

    An effect is noted where it is a point of recall or more and its interval leaves out zero, at ef up to 20; it is
    called absent where the whole interval stays below half a point.
    """
    said = []
    for engine in dict.fromkeys(arm.engine for arm in study.arms):
        of_engine = [e for e in effects_of(study) if e.engine == engine and e.order != REFERENCE and e.ef <= 20]
        noted = [e for e in of_engine if abs(e.gain) >= _NOTED and abs(e.gain) > e.gain_width]
        said += [
            f"{engine}, ef={e.ef}: {e.order} {'gains' if e.gain > 0 else 'loses'} {100 * abs(e.gain):.1f} points of "
            f"recall against a shuffle (± {100 * e.gain_width:.1f})"
            for e in noted
        ]
        absent = sorted({e.order for e in of_engine} - {e.order for e in of_engine if _may_matter(e)})
        if absent:
            said.append(f"{engine}: no effect of half a point at ef 10 and 20: {'; '.join(absent)}")
    return said


def _may_matter(effect: Effect) -> bool:
    return abs(effect.gain) + effect.gain_width >= _ABSENT


def _effects(arm: Arm, reference: Arm | None) -> Iterator[Effect]:
    against = reference or arm
    seeds = min(len(arm.hits), len(against.hits))
    work = None
    if arm.distances is not None and against.distances is not None:
        work = at_equal_work(arm, against) - against.recalls[:seeds]
    for place, ef in enumerate(EFFORTS):
        if ef not in SHOWN:
            continue
        shares = arm.hits[:, place] / K
        difference = shares[:seeds] - against.hits[:seeds, place] / K
        width = _half_width(difference)
        yield Effect(
            arm.engine,
            arm.name,
            ef,
            float(shares.mean()),
            _half_width(shares),
            None if arm.distances is None else float(arm.distances[:, place].mean()),
            float(difference.mean()),
            width,
            None if work is None else float(work[:, place].mean()),
            None if work is None else width,  # the same queries and graphs
        )


def _half_width(shares: NDArray[np.float64]) -> float:
    """Combine what queries and what seeds make uncertain of a mean over both; shares has shape (seeds, queries)."""
    by_query, by_seed = shares.mean(axis=0), shares.mean(axis=1)
    variance = float(by_query.var(ddof=1)) / len(by_query) if len(by_query) > 1 else 0.0
    if len(by_seed) > 1:
        variance += float(by_seed.var(ddof=1)) / len(by_seed)
    return _WIDTH * math.sqrt(variance)

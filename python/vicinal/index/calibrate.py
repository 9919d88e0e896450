"""The least effort that reaches a recall: which beam, and which rule that lets easy queries stop early.

First the narrowest beam whose lower confidence bound meets the target. Then rules (cpp/graph/stop_rule.hpp), of which
a beam of width ef is the one with anchor ef and stretch 1: anchors from half of k to somewhat more than k, each with
the least stretch that meets the target, and of all these the one that compares fewest vectors, if that is clearly
fewer than the beam alone. Recall rises with the width and with the stretch, so that both are found by bisection.

The rule is that of Al-Jazzazi et al., Distance Adaptive Beam Search for Provably Accurate Graph-Based Nearest Neighbor
Search, 2025, for anchor = k; an anchor before the k-th measures better at recalls up to 0.95 (bench/target.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vicinal._core import MAX_EF
from vicinal.index.trials import Effort, Outcome, Trials

__all__ = ["calibrated", "widest_beam"]

CLEARLY = 0.98  # of the beam's distances: a rule that saves less is not worth its wider beam
ROOM = (
    3  # how many times wider the beam is under a rule; with twice the room hard queries already are as good as with 30
)
STRETCHES_UP = (1.0, 1.02, 1.05, 1.1, 1.17, 1.27, 1.4, 1.7, 2.3, 3.5, 6.0)
STRETCHES_DOWN = (0.97, 0.93, 0.88, 0.8, 0.7, 0.5)
BISECTIONS = 6


def widest_beam(k: int) -> int:
    """The widest beam that is tried for k neighbors: where that misses a target, more of the same will not help."""
    return min(MAX_EF, max(1000, 20 * k))


def calibrated(
    trials: Trials, few: Trials, targets: list[float], *, rules: bool
) -> Iterator[tuple[float, int, Effort, Outcome]]:
    """For each target: the beam that reaches it alone, the effort chosen, and what that yields.

    Parameters
    ----------
    trials : Trials
        Searches for all queries: these decide.
    few : Trials
        Searches for some of them: these choose among anchors.
    targets : list of float
        Ascending.
    rules : bool
        Whether a rule may be chosen; False: beams only.
    """
    beams: list[int] = []
    for target in targets:
        beams.append(_narrowest(trials, target, beams[-1] if beams else trials.k))
    reached = [ef for target, ef in zip(targets, beams, strict=True) if _meets(trials, Effort(ef), target)]
    curves = _curves(few, ROOM * reached[-1], targets) if rules and reached else {}
    for target, ef in zip(targets, beams, strict=True):
        chosen = Effort(ef)
        if curves and _meets(trials, chosen, target):
            chosen = _cheaper(trials, chosen, _rule(trials, curves, target, ROOM * ef))
        yield target, ef, chosen, trials(chosen)


def _meets(trials: Trials, effort: Effort, target: float) -> bool:
    return trials(effort).recall.low >= target


def _narrowest(trials: Trials, target: float, least: int) -> int:
    """Return the narrowest beam from `least` on that meets the target, or the widest there is."""
    most = widest_beam(trials.k)
    low, high = least - 1, least
    while not _meets(trials, Effort(high), target):
        if high >= most:
            return most
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if _meets(trials, Effort(middle), target):
            high = middle
        else:
            low = middle
    return high


def _curves(few: Trials, width: int, targets: list[float]) -> dict[int, list[tuple[float, float, float]]]:
    """For each anchor the stretches around the targets, ascending, each with its recall and its distances."""
    width = min(width, MAX_EF)
    anchors = sorted({max(1, round(few.k * share)) for share in (0.5, 0.6, 0.8, 1.0)} | {few.k + few.k // 4 + 1})
    curves = {}
    for anchor in anchors:
        points = []
        for stretches, enough in ((STRETCHES_UP, targets[-1]), (STRETCHES_DOWN, -targets[0])):
            for stretch in stretches:
                outcome = few(Effort(width, anchor, stretch))
                points.append((stretch, outcome.recall.value, outcome.distances))
                if outcome.recall.value >= enough > 0 or outcome.recall.value < -enough:
                    break
        curves[anchor] = sorted(points)
    return curves


def _rule(
    trials: Trials, curves: dict[int, list[tuple[float, float, float]]], target: float, width: int
) -> Effort | None:
    """Return the rule that meets the target with fewest distances; None where none does."""

    def distances_of(anchor: int) -> float:
        _, recalls, distances = zip(*curves[anchor], strict=True)
        return float(np.interp(target, np.maximum.accumulate(recalls), distances, right=np.inf))

    anchor = min(curves, key=distances_of)
    stretches = [stretch for stretch, _, _ in curves[anchor]]
    width = min(width, MAX_EF)
    # The lower bound of all queries asks for more than the mean of some: so the bracket is looked for once more.
    start = int(np.searchsorted([recall for _, recall, _ in curves[anchor]], target).clip(0, len(stretches) - 1))
    at = start
    while at > 0 and _meets(trials, Effort(width, anchor, stretches[at - 1]), target):
        at -= 1
    stretches += [stretch for stretch in STRETCHES_UP if stretch > stretches[-1]]
    while not _meets(trials, Effort(width, anchor, stretches[at]), target):
        at += 1
        if at == len(stretches):
            return None
    low, high = stretches[at - 1] if at > 0 else stretches[0] / 2, stretches[at]
    for _ in range(BISECTIONS):
        middle = float(np.float32((low + high) / 2))
        if _meets(trials, Effort(width, anchor, middle), target):
            high = middle
        else:
            low = middle
    return Effort(width, anchor, high)


def _cheaper(trials: Trials, beam: Effort, rule: Effort | None) -> Effort:
    saves = rule is not None and trials(rule).distances < CLEARLY * trials(beam).distances
    return rule if rule is not None and saves else beam

"""Read a value at a given recall off a measured curve."""

from __future__ import annotations

import math
from collections.abc import Sequence


def higher_at(recalls: Sequence[float], values: Sequence[float], target: float) -> float | None:
    """Interpolate the highest value (a speed) that is reached at a recall of `target`.

    Only the Pareto front counts: a point that another one beats in both recall and value is left
    out, so a noisy or badly chosen effort cannot spoil the reading. Between neighbors of the
    front, the logarithm of the value is linear in recall. Where the whole curve lies above the
    target, its fastest point answers, which is a lower bound; where it ends below, nothing does.

    Parameters
    ----------
    recalls, values : sequence of float
        Points in any order; values are positive.
    target : float

    Returns
    -------
    float or None

    Examples
    --------
    >>> round(higher_at([0.8, 1.0], [10_000, 100], 0.9))
    1000
    >>> higher_at([0.8, 0.85], [10_000, 5_000], 0.9) is None
    True
    """
    front: list[tuple[float, float]] = []
    for recall, value in sorted(zip(recalls, values, strict=True), reverse=True):
        if not front or value > front[-1][1]:
            front.append((recall, value))
    if not front or front[0][0] < target:
        return None
    above = front[0]
    for point in front:
        if point[0] < target:
            return _between(point, above, target)
        above = point
    return above[1]


def lower_at(recalls: Sequence[float], values: Sequence[float], target: float) -> float | None:
    """Interpolate the lowest value (a cost, a latency) that a recall of `target` takes.

    Examples
    --------
    >>> round(lower_at([0.8, 1.0], [100, 10_000], 0.9))
    1000
    """
    inverse = higher_at(recalls, [1 / value for value in values], target)
    return None if inverse is None else 1 / inverse


def _between(left: tuple[float, float], right: tuple[float, float], target: float) -> float:
    share = (target - left[0]) / (right[0] - left[0])
    return math.exp((1 - share) * math.log(left[1]) + share * math.log(right[1]))

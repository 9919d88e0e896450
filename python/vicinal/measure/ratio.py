"""How many times faster, from pairs that were measured in the same round."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """A median of paired ratios between two of its own order statistics.

    Attributes
    ----------
    value, low, high : float
    coverage : float
        Probability that the interval holds the median of all rounds that could have been
        measured: 0.94 for the smallest and largest of five, whatever the noise looks like.
    rounds : int

    Examples
    --------
    >>> print(Ratio(1.5, 1.25, 1.75, coverage=0.94, rounds=5))
    1.50× [1.25, 1.75]
    """

    value: float
    low: float
    high: float
    coverage: float
    rounds: int

    def __str__(self) -> str:
        return f"{self.value:.2f}× [{self.low:.2f}, {self.high:.2f}]"


def paired_ratio(ours: Sequence[float], theirs: Sequence[float], *, confidence: float = 0.90) -> Ratio | None:
    """Divide round by round and bound the median.

    A shared machine slows both sides of a pair alike, so their ratio varies far less than either.
    The interval runs between the tightest symmetric pair of order statistics that covers at least
    `confidence`; with too few rounds for that it runs from the smallest to the largest, and
    `coverage` tells what that is worth.

    Parameters
    ----------
    ours, theirs : sequence of float
        The same number of positive values, one a round.
    confidence : float

    Returns
    -------
    Ratio or None
        None without any rounds.

    Examples
    --------
    >>> print(paired_ratio([20, 22, 30], [10, 10, 10]))
    2.20× [2.00, 3.00]
    """
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    count = len(ratios)
    if count == 0:
        return None
    low, high, coverage = median_interval(ratios, confidence=confidence)
    return Ratio(statistics.median(ratios), low, high, coverage, count)


def median_interval(values: Sequence[float], *, confidence: float = 0.90) -> tuple[float, float, float]:
    """Bound the median of all rounds that could have been measured by order statistics of those that were.

    Returns
    -------
    low, high : float
        The tightest symmetric pair that covers at least `confidence`, or the smallest and the largest.
    coverage : float
        What the pair does cover.

    Examples
    --------
    >>> median_interval([3.0, 1.0, 2.0, 5.0, 4.0])
    (1.0, 5.0, 0.9375)
    """
    ordered = sorted(values)
    count = len(ordered)
    outside = 0
    while outside + 1 < (count + 1) // 2 and 1 - 2 * _beyond(count, outside + 1) >= confidence:
        outside += 1
    return ordered[outside], ordered[count - 1 - outside], max(0.0, 1 - 2 * _beyond(count, outside))


def median_at_least(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float]:
    """Bound the median from below only.

    Returns
    -------
    low : float
        The largest value that the median reaches with a probability of `confidence`; the smallest
        of fewer than five.
    coverage : float
        With what probability it does.

    Examples
    --------
    >>> median_at_least([3.0, 1.0, 2.0, 5.0, 4.0])
    (1.0, 0.96875)
    """
    ordered = sorted(values)
    count = len(ordered)
    outside = 0
    while outside + 1 < (count + 1) // 2 and 1 - _beyond(count, outside + 1) >= confidence:
        outside += 1
    return ordered[outside], 1 - _beyond(count, outside)


def _beyond(count: int, outside: int) -> float:
    """Chance that the median lies beyond the value with `outside` others before it, seen from one end."""
    return sum(math.comb(count, i) for i in range(outside + 1)) / 2.0**count

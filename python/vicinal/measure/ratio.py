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
    outside = 0
    while outside + 1 < (count + 1) // 2 and _coverage(count, outside + 1) >= confidence:
        outside += 1
    return Ratio(
        statistics.median(ratios), ratios[outside], ratios[count - 1 - outside], _coverage(count, outside), count
    )


def _coverage(count: int, outside: int) -> float:
    """Chance that the median lies inside when `outside` values are dropped at each end."""
    tail = sum(math.comb(count, i) for i in range(outside + 1))
    return max(0.0, 1.0 - 2.0 * tail / 2.0**count)

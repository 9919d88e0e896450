"""How sure a share is that was counted on a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Recall", "recall_of_queries", "wilson_interval"]


@dataclass(frozen=True)
class Recall:
    """A share of found neighbors with its Wilson score interval.

    Attributes
    ----------
    value : float
        Hits by trials.
    low, high : float
        Bounds of the interval.
    k : int
        Neighbors that were asked for.
    hits, trials : int
        Neighbors found, and neighbors there were to find.
    confidence : float
        Of the interval.

    Examples
    --------
    >>> print(Recall(0.75, 0.3006, 0.9544, k=2, hits=3, trials=4))
    recall@2 0.7500 [0.3006, 0.9544]
    """

    value: float
    low: float
    high: float
    k: int
    hits: int
    trials: int
    confidence: float = 0.95

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"recall@{self.k} {self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def wilson_interval(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Compute Wilson's score interval of a share; (0, 1) when nothing was tried.

    Examples
    --------
    >>> low, high = wilson_interval(95, 100)
    >>> round(low, 4), round(high, 4)
    (0.8882, 0.9785)
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    if not 0 <= hits <= trials:
        raise ValueError(f"hits must lie between 0 and trials ({trials}), got {hits}")
    if trials == 0:
        return 0.0, 1.0
    return _score_interval(hits / trials, trials, confidence)


def recall_of_queries(
    hits: NDArray[np.integer[Any]], there: NDArray[np.integer[Any]], k: int, confidence: float = 0.95
) -> Recall:
    """Compute the mean recall of queries with an interval for queries to come.

    The neighbors of one query are found or missed together, so that k of them are not k independent trials. The
    interval is Wilson's for as many independent trials as would scatter as the queries do, and never for more than
    there are neighbors nor, when all are found, than there are queries.

    Parameters
    ----------
    hits : ndarray of int, shape (m,)
        Neighbors found, by query.
    there : ndarray of int, shape (m,)
        Neighbors there were to find, by query.
    k : int
        Neighbors that were asked for.
    confidence : float
        Of the interval.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927; L. Kish, Survey
    Sampling, 1965, for the design effect.

    Examples
    --------
    >>> import numpy as np
    >>> print(recall_of_queries(np.array([10, 10, 0, 10]), np.full(4, 10), k=10))
    recall@10 0.7500 [0.2561, 0.9632]
    """
    found, trials = int(hits.sum()), int(there.sum())
    if trials == 0:
        return Recall(math.nan, 0.0, 1.0, k, 0, 0, confidence)
    share = found / trials
    queries = int(np.count_nonzero(there))
    independent = float(queries)
    if queries > 1 and 0 < found < trials:
        # The residuals of a ratio estimate: queries with more neighbors weigh more.
        residuals = np.asarray(hits - share * there, dtype=np.float64)
        variance = float(np.square(residuals).sum()) * queries / (queries - 1) / trials**2
        independent = min(share * (1 - share) / variance, float(trials))
    low, high = _score_interval(share, independent, confidence)
    return Recall(share, low, high, k, found, trials, confidence)


def _score_interval(share: float, trials: float, confidence: float) -> tuple[float, float]:
    from statistics import NormalDist  # slow to import, and few who import the package need it

    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    shrink = z * z / trials
    center = (share + shrink / 2) / (1 + shrink)
    half = z / (1 + shrink) * math.sqrt(share * (1 - share) / trials + shrink / (4 * trials))
    # Exact at the ends: rounding must not put a bound on the wrong side of the share it surrounds.
    low = 0.0 if share == 0 else center - half
    high = 1.0 if share == 1 else center + half
    return low, high

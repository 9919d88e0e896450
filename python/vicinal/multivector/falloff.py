"""How much a vector that lies some way off counts for its group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Falloff", "falloff_of"]

Shares: TypeAlias = NDArray[np.float64]
Falloff: TypeAlias = str | tuple[str, float] | Callable[[Shares], Any]

DEFAULTS = {"superellipse": 0.459, "exp": 0.3, "linear": 1.0, "count": 1.0}


def falloff_of(falloff: Falloff) -> Callable[[Shares], Shares]:
    """Return a function from shares of the radius, 0 to 1, to weights.

    Parameters
    ----------
    falloff : str, (str, float) or callable
        ``"superellipse"``: (1 - x^p)^(1/p) with p = p1 / (1 - p1), p1 = 0.459 unless a pair names another (CANN's);
        ``"exp"``: exp(-x / s), s = 0.3 unless a pair names another; ``"linear"``: 1 - x; ``"count"``: 1; or a callable
        that is given an array of shares and returns as many weights.

    Raises
    ------
    ValueError
        The name is unknown, p1 is not between 0 and 1, or s not above 0.
    TypeError
        It is neither a name nor a pair nor callable.

    Examples
    --------
    >>> falloff_of("linear")(np.array([0.0, 0.25, 1.0])).tolist()
    [1.0, 0.75, 0.0]
    """
    if callable(falloff):
        return _checked(falloff)
    name, number = falloff if isinstance(falloff, tuple) and len(falloff) == 2 else (falloff, None)
    if not isinstance(name, str):
        raise TypeError(f"falloff is {falloff!r:.60}, expected a name, a pair (name, number) or a callable")
    if name not in DEFAULTS or (number is not None and name not in ("superellipse", "exp")):
        known = "'superellipse', ('superellipse', p1), 'exp', ('exp', s), 'linear', 'count' or a callable"
        raise ValueError(f"falloff is {falloff!r}, expected {known}")
    number = DEFAULTS[name] if number is None else number
    if isinstance(number, bool) or not isinstance(number, (int, float, np.integer, np.floating)):
        raise TypeError(f"falloff is {falloff!r}, expected a number beside the name")
    if name == "superellipse":
        if not 0 < number < 1:
            raise ValueError(f"p1 of the superellipse is {number!r}, expected a number between 0 and 1, without both")
        p = number / (1 - number)
        return lambda x: np.asarray((1 - np.minimum(x, 1.0) ** p) ** (1 / p))
    if name == "exp":
        if not 0 < number < np.inf:
            raise ValueError(f"s of the exponential is {number!r}, expected a number above 0")
        return lambda x: np.exp(-x / number)
    return (lambda x: np.maximum(1 - x, 0.0)) if name == "linear" else np.ones_like


def _checked(given: Callable[[Shares], Any]) -> Callable[[Shares], Shares]:
    def weights(x: Shares) -> Shares:
        answer = np.asarray(given(x), np.float64)
        if answer.shape != x.shape:
            raise ValueError(f"falloff returned shape {answer.shape}, expected {x.shape}: a weight for each share")
        if not np.isfinite(answer).all():
            raise ValueError("falloff returned NaN or an infinity, expected numbers")
        return answer

    return weights

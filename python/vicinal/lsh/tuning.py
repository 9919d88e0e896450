"""How many bands of how many rows: what is found, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vicinal.lsh.families import BitSample, CrossPolytope, Family, MinHash, PStable, SimHash
from vicinal.settings import share, whole_number

__all__ = ["Tuning", "tune"]


@dataclass(frozen=True)
class Tuning:
    """What `tune` chose.

    Attributes
    ----------
    bands, rows : int
    recall : float
        Predicted for pairs exactly at the threshold; nearer ones are found more surely.
    candidates : float or None
        Predicted number of distinct pairs to compare; None where no similarities were given.

    Examples
    --------
    >>> tune(0.8, 0.99, 128).bands > 1
    True
    """

    bands: int
    rows: int
    recall: float
    candidates: float | None


def chance(p: Any, bands: int, rows: int) -> Any:
    """Return 1 - (1 - p^rows)^bands.

    Examples
    --------
    >>> chance(0.5, 1, 2)
    0.25
    """
    return 1 - (1 - p**rows) ** bands


def family_of(
    family: str | Family, dim: int | None, hashes: int, threshold: float, seed: int, shingle: str | int
) -> Family:
    """Make a family from its name, sized for `threshold`, or return the one given.

    Examples
    --------
    >>> family_of("minhash", None, 64, 0.8, 0, "words").hashes
    64
    """
    if isinstance(family, Family):
        return family
    if family == "minhash":
        return MinHash(hashes, shingle=shingle, seed=seed)
    width = max(4 * threshold, 1e-12)
    makers: dict[str, Any] = {
        "simhash": lambda size: SimHash(size, hashes, seed=seed),
        "pstable": lambda size: PStable(size, hashes, width=width, seed=seed),
        "crosspolytope": lambda size: CrossPolytope(size, hashes, seed=seed),
        "bitsample": lambda size: BitSample(size, hashes, seed=seed),
    }
    if family not in makers:
        raise ValueError(f"family is {family!r}, expected 'minhash', {', '.join(map(repr, makers))}, or a family")
    if dim is None:
        raise ValueError(f"family {family!r} by name has no dim here: pass the family itself")
    made: Family = makers[family](dim)
    return made


def check_threshold(family: str | Family, threshold: float, dim: int = 0) -> float:
    """Return `threshold` as a float, or raise a ValueError that names its range.

    Examples
    --------
    >>> check_threshold("minhash", 0.8)
    0.8
    """
    name = family if isinstance(family, str) else family.name
    most = {"minhash": 1.0, "simhash": 1.0, "crosspolytope": 1.0, "bitsample": float(dim or 65_536)}.get(name, np.inf)
    least = -1.0 if name in ("simhash", "crosspolytope") else 0.0
    number = isinstance(threshold, (int, float, np.integer, np.floating)) and not isinstance(threshold, bool)
    above = number and (least < threshold if name in ("minhash", "simhash", "crosspolytope") else least <= threshold)
    if not number or not above or not threshold <= most or not np.isfinite(threshold):
        what = (
            "a distance from 0 on" if name in ("pstable", "bitsample") else f"a similarity above {least:g}, at most 1"
        )
        raise ValueError(f"threshold is {threshold!r}, expected {what} for {name!r}")
    return float(threshold)


def tune(
    threshold: float,
    recall: float = 0.99,
    budget: int = 256,
    *,
    family: str | Family = "minhash",
    dim: int | None = None,
    similarities: Any = None,
    pairs: float | None = None,
) -> Tuning:
    """Choose bands and rows: the fewest candidates among those that reach `recall` within `budget`.

    Parameters
    ----------
    threshold : float
        The similarity (or distance) of the farthest pairs to be found.
    recall : float
        The share of pairs at the threshold that shall be candidates, above 0, below 1.
    budget : int
        Hash functions at most, bands times rows.
    family : str or Family
        What hashes.
    dim : int, optional
        Of the vectors, where the family is a name that needs it.
    similarities : array_like, optional
        Of pairs drawn at random from the data: with them the candidates are predicted, and the fewest chosen by what
        the data are. Without, the narrowest bands that reach the recall are taken.
    pairs : float, optional
        How many pairs the data have, n (n - 1) / 2; by default as many as `similarities`.

    Returns
    -------
    Tuning

    Raises
    ------
    ValueError
        Nothing within the budget reaches the recall; the message says what does best.

    Examples
    --------
    >>> found = tune(0.8, 0.99, 128)
    >>> found.bands * found.rows <= 128 and found.recall >= 0.99
    True
    """
    threshold = check_threshold(family, threshold)
    wanted = share("recall", recall)
    most = whole_number("budget", budget, 1, 65_536)
    p = family_of(family, dim, 1, threshold, 0, "words").collision_probability(threshold)
    made = family_of(family, dim, 1, threshold, 0, "words")
    drawn = None if similarities is None else np.asarray(similarities, dtype=float).ravel()
    chances = None if drawn is None else np.array([made.collision_probability(s) for s in drawn.tolist()])
    total = pairs if pairs is not None else (None if drawn is None else float(len(drawn)))
    choices = []
    for rows in range(1, most + 1):
        bands = _bands_for(p, rows, wanted)
        if bands * rows <= most:
            cost = None if chances is None else float(chance(chances, bands, rows).mean() * (total or 0))
            choices.append(Tuning(bands, rows, float(chance(p, bands, rows)), cost))
    if not choices:
        best = max((float(chance(p, most // rows, rows)), rows) for rows in range(1, most + 1))
        raise ValueError(
            f"recall is {recall}, expected at most {best[0]:.4g}: that is what budget {budget} reaches at threshold "
            f"{threshold}, with {most // best[1]} bands of {best[1]} rows"
        )
    if chances is None:
        return choices[-1]
    return min(choices, key=lambda choice: (choice.candidates or 0.0, choice.bands * choice.rows))


def _bands_for(p: float, rows: int, recall: float) -> int:
    hit = p**rows
    if hit >= 1:
        return 1
    if hit <= 1e-12 or recall >= 1:
        return 1 << 30
    return max(1, int(np.ceil(np.log1p(-recall) / np.log1p(-hit))))

"""Blockers put together: either says so, both say so, one looks at what another proposed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.blocking.blocker import Blocker, asked
from vicinal.blocking.pairs import Pairs, pair_rows

__all__ = ["cascade", "intersect", "union"]

_RANK_OFFSET = 60  # of Cormack et al.: what a first place counts more than a second


def union(*pairs: Pairs, by: str = "rank") -> Pairs:
    """Return what any of the blockers proposed.

    Scores of different blockers have no common unit. By rank, a pair's score is the sum of 1 / (60 + rank) over those
    that propose it (Cormack, Clarke, Büttcher, "Reciprocal rank fusion", 2009): `Pairs.top` of the union then takes
    from each in turn, first what both put first. By score, each blocker's scores are brought to mean 0 and deviation 1
    and added (Fox and Shaw, "Combination of multiple searches", 1994); a blocker that did not propose a pair counts
    with the least it proposed for the record. That keeps what ranks forget, how sure a blocker is, and takes fewer
    candidates where each blocker proposed many (a k well above the one that is wanted in the end).

    Parameters
    ----------
    *pairs : Pairs
        Of the same two tables.
    by : "rank" or "score"

    Returns
    -------
    Pairs

    Raises
    ------
    ValueError
        There are none, they are of tables of other sizes, or have more than 64 sources; `by` is neither.

    Examples
    --------
    >>> a = Pairs.of([[0, 0], [0, 1]], [0.9, 0.8], "a", 1, 3)
    >>> b = Pairs.of([[0, 1], [0, 2]], [5.0, 4.0], "b", 1, 3)
    >>> both = union(a, b)
    >>> both.indices.tolist(), both.said_by("b").tolist()
    ([[0, 1], [0, 0], [0, 2]], [True, False, True])
    """
    return _combined(pairs, by, all_of_them=False)


def intersect(*pairs: Pairs, by: str = "rank") -> Pairs:
    """Return what every one of the blockers proposed; scores as in `union`.

    Examples
    --------
    >>> a = Pairs.of([[0, 0], [0, 1]], [0.9, 0.8], "a", 1, 3)
    >>> intersect(a, Pairs.of([[0, 1]], [5.0], "b", 1, 3)).indices.tolist()
    [[0, 1]]
    """
    return _combined(pairs, by, all_of_them=True)


def cascade(
    pairs: Pairs, blocker: Blocker, A: Any, B: Any = None, *, k: int | None = None, threshold: float | None = None
) -> Pairs:
    """Let a blocker look at what another proposed: score the pairs anew and keep the best.

    Parameters
    ----------
    pairs : Pairs
        The first blocker's proposals.
    blocker : Blocker
        One that can score given pairs: `TfidfBlocker`, `MinHashBlocker`, `VectorBlocker`, `NeuralLSHBlocker`.
    A, B : tables
        As the blocker takes them.
    k, threshold : optional
        As in `Blocker.candidates`.

    Returns
    -------
    Pairs
        With the second blocker's scores and name.

    Raises
    ------
    TypeError
        The blocker cannot score given pairs.
    ValueError
        A pair is of a record that the tables do not have.

    Examples
    --------
    >>> from vicinal.blocking import KeyBlocker, TfidfBlocker
    >>> shop = [{"kind": "lamp", "name": n} for n in ("red lamp", "red lamps", "blue one")]
    >>> same_kind = KeyBlocker("kind").candidates(shop)
    >>> cascade(same_kind, TfidfBlocker(columns=["name"]), shop, threshold=0.2).indices.tolist()
    [[0, 1]]
    """
    count, least = asked(k, threshold)
    rows = pair_rows(pairs, "pairs", pairs.n_a, pairs.n_a if pairs.n_b is None else pairs.n_b)
    scores = blocker.score(A, B, rows)
    again = Pairs.of(rows, scores, blocker.name, pairs.n_a, pairs.n_b)
    again = again.take(again.scores >= least)
    return again if count is None else again.top(count)


def _combined(pairs: tuple[Pairs, ...], by: str, *, all_of_them: bool) -> Pairs:
    if by not in ("rank", "score"):
        raise ValueError(f"by is {by!r}, expected 'rank' or 'score'")
    if not pairs:
        raise ValueError("there is nothing to combine, expected the pairs of one blocker at least")
    sizes = [(one.n_a, one.n_b) for one in pairs]
    if len(set(sizes)) > 1:
        raise ValueError(f"the pairs are of tables of sizes {sizes}, expected the same tables")
    sources = tuple(dict.fromkeys(name for one in pairs for name in one.sources))
    if len(sources) > 64:
        raise ValueError(f"the pairs have {len(sources)} sources, expected at most 64")
    bits = [_moved(one, sources) for one in pairs]
    rows = np.concatenate([one.indices for one in pairs])
    unique, at = np.unique(rows, axis=0, return_inverse=True)
    at = at.ravel()
    if by == "rank":
        worth = np.concatenate([1 / (_RANK_OFFSET + one.ranks()) for one in pairs])
        scores = np.bincount(at, worth, len(unique)).astype(np.float32)
    else:
        places = np.split(at, np.cumsum([len(one) for one in pairs])[:-1])
        scores = sum((_worth(one, place, unique) for one, place in zip(pairs, places, strict=True)), _NO_SCORES)
    together = np.zeros(len(unique), np.uint64)
    np.bitwise_or.at(together, at, np.concatenate(bits))
    both = Pairs.merged(unique, scores, together, sources, *sizes[0])
    if not all_of_them:
        return both
    votes = {tuple(row): count for row, count in zip(unique.tolist(), np.bincount(at).tolist(), strict=True)}
    return both.take(np.array([votes[tuple(row)] == len(pairs) for row in both.indices.tolist()], bool))


def _worth(pairs: Pairs, places: NDArray[np.int64], unique: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return what one blocker says of every pair of the union, in deviations from its mean."""
    if len(pairs) == 0:
        return np.zeros(len(unique), np.float32)
    scores = pairs.scores.astype(np.float64)
    scaled = (scores - scores.mean()) / (scores.std() or 1.0)
    least = np.full(pairs.n_a, scaled.min())
    rows, starts = np.unique(pairs.indices[:, 0], return_index=True)  # pairs are ordered by their left record
    least[rows] = np.minimum.reduceat(scaled, starts)
    worth = least[unique[:, 0]]
    worth[places] = scaled
    return worth.astype(np.float32)


_NO_SCORES = np.zeros((), np.float32)


def _moved(pairs: Pairs, sources: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return a pair's sources as bits of the longer list."""
    moved = np.zeros(len(pairs), np.uint64)
    for name in pairs.sources:
        moved |= np.where(pairs.said_by(name), np.uint64(1 << sources.index(name)), np.uint64(0))
    return moved

"""Blockers put together: either says so, both say so, one looks at what another proposed."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.blocking.blocker import Blocker, asked
from vicinal.blocking.pairs import Pairs, pair_rows

__all__ = ["cascade", "intersect", "union"]

_RANK_OFFSET = 60  # of Cormack et al.: what a first place counts more than a second


def union(*pairs: Pairs) -> Pairs:
    """Return what any of the blockers proposed.

    Scores of different blockers have no common unit, so a pair's score is the sum of 1 / (60 + rank) over those that
    propose it (Cormack, Clarke, Büttcher, "Reciprocal rank fusion", 2009): `Pairs.top` of the union then takes from
    each in turn, first what both put first.

    Parameters
    ----------
    *pairs : Pairs
        Of the same two tables.

    Returns
    -------
    Pairs

    Raises
    ------
    ValueError
        There are none, they are of tables of other sizes, or have more than 64 sources.

    Examples
    --------
    >>> a = Pairs.of([[0, 0], [0, 1]], [0.9, 0.8], "a", 1, 3)
    >>> b = Pairs.of([[0, 1], [0, 2]], [5.0, 4.0], "b", 1, 3)
    >>> both = union(a, b)
    >>> both.indices.tolist(), both.said_by("b").tolist()
    ([[0, 1], [0, 0], [0, 2]], [True, False, True])
    """
    return _combined(pairs, all_of_them=False)


def intersect(*pairs: Pairs) -> Pairs:
    """Return what every one of the blockers proposed; scores as in `union`.

    Examples
    --------
    >>> a = Pairs.of([[0, 0], [0, 1]], [0.9, 0.8], "a", 1, 3)
    >>> intersect(a, Pairs.of([[0, 1]], [5.0], "b", 1, 3)).indices.tolist()
    [[0, 1]]
    """
    return _combined(pairs, all_of_them=True)


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


def _combined(pairs: tuple[Pairs, ...], *, all_of_them: bool) -> Pairs:
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
    worth = np.concatenate([1 / (_RANK_OFFSET + one.ranks()) for one in pairs])
    unique, at = np.unique(rows, axis=0, return_inverse=True)
    at = at.ravel()
    scores = np.bincount(at, worth, len(unique)).astype(np.float32)
    together = np.zeros(len(unique), np.uint64)
    np.bitwise_or.at(together, at, np.concatenate(bits))
    both = Pairs.merged(unique, scores, together, sources, *sizes[0])
    if not all_of_them:
        return both
    votes = {tuple(row): count for row, count in zip(unique.tolist(), np.bincount(at).tolist(), strict=True)}
    return both.take(np.array([votes[tuple(row)] == len(pairs) for row in both.indices.tolist()], bool))


def _moved(pairs: Pairs, sources: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return a pair's sources as bits of the longer list."""
    moved = np.zeros(len(pairs), np.uint64)
    for name in pairs.sources:
        moved |= np.where(pairs.said_by(name), np.uint64(1 << sources.index(name)), np.uint64(0))
    return moved

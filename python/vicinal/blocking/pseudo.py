"""Pairs to learn from where nobody has labeled any: records that are each other's nearest, and altered copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.blocking.blocker import Blocker
from vicinal.blocking.pairs import Pairs
from vicinal.blocking.tfidf import TfidfBlocker

__all__ = ["altered_texts", "pseudo_pairs"]


def pseudo_pairs(
    A: Any, B: Any = None, *, blocker: Blocker | None = None, share: float = 0.5, threads: int = 0
) -> NDArray[np.int64]:
    """Guess matches: pairs of records that are each other's nearest, the least doubtful of them.

    Doubt is how close the second nearest comes. Labels from one view of the records teach another: those of TF-IDF a
    map of embeddings (co-training: Blum and Mitchell, 1998). Labels from the embeddings themselves teach them little.

    Parameters
    ----------
    A, B : tables
        As the blocker takes them.
    blocker : Blocker, optional
        By default `TfidfBlocker`.
    share : float
        How many of the mutual nearest to keep, above 0, at most 1.
    threads : int

    Returns
    -------
    ndarray of int64, shape (m, 2)
        Rows of A and of B, ascending; none where no two records are each other's nearest.

    Raises
    ------
    ValueError
        `share` is out of range.

    Examples
    --------
    >>> pseudo_pairs(["red lamp", "oak table"], ["lamp, red", "table of oak", "blue lamp"], share=1).tolist()
    [[0, 0], [1, 1]]
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share!r}, expected above 0, at most 1")
    judge = TfidfBlocker() if blocker is None else blocker
    there = judge.candidates(A, B, k=2, threads=threads)
    if B is None:
        both = np.concatenate([there.indices, there.indices[:, ::-1]])
        there = Pairs.of(both, np.concatenate([there.scores] * 2), "both", there.n_a, there.n_a)
        back = there
    else:
        back = judge.candidates(B, A, k=2, threads=threads)
    best, margin = _first_and_lead(there)
    best_back, margin_back = _first_and_lead(back)
    rows = np.flatnonzero(best >= 0)
    rows = rows[best_back[best[rows]] == rows]
    if B is None:
        rows = rows[rows < best[rows]]
    lead = np.minimum(margin[rows], margin_back[best[rows]])
    kept = np.sort(rows[np.argsort(-lead, kind="stable")[: int(np.ceil(share * len(rows)))]])
    return np.column_stack([kept, best[kept]]).astype(np.int64)


def altered_texts(texts: Sequence[str], seed: int, *, drop: float = 0.3) -> list[str]:
    """Return the texts without some of their words, at least one of which stays.

    Examples
    --------
    >>> altered_texts(["lamp"], 0), len(altered_texts(["a b c d e f g h"], 0)[0].split()) < 8
    (['lamp'], True)
    """
    rng = np.random.default_rng(seed)
    altered = []
    for text in texts:
        words = text.split()
        stays = rng.random(len(words)) >= drop
        stays[rng.integers(len(words))] = True
        altered.append(" ".join(word for word, kept in zip(words, stays.tolist(), strict=True) if kept))
    return altered


def _first_and_lead(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return of each left record its nearest, -1 where none, and by how much it leads."""
    ranks, row = pairs.ranks(), pairs.indices[:, 0]
    best = np.full(pairs.n_a, -1, np.int64)
    first, second = np.zeros(pairs.n_a), np.zeros(pairs.n_a)
    best[row[ranks == 1]] = pairs.indices[ranks == 1, 1]
    first[row[ranks == 1]] = pairs.scores[ranks == 1]
    second[row[ranks == 2]] = pairs.scores[ranks == 2]
    return best, first - second

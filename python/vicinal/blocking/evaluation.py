"""How good candidate pairs are, by the pairs that are known to match."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.blocking.pairs import Pairs, pair_rows
from vicinal.errors import DataWarning

__all__ = ["Evaluation", "components", "evaluate", "split", "warn_of_leakage"]

LEVELS = (0.90, 0.95, 0.99)


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Attributes
    ----------
    completeness : float
        Share of the matches that are among the candidates (their recall).
    quality : float
        Share of the candidates that match (their precision); 1 where there are none.
    reduction_ratio : float
        Share of all possible pairs that need not be compared.
    candidates, matches : int
    k : ndarray of int64
        Ranks at which the curve turns: completeness of the k best per record, for each k.
    completeness_at_k, candidates_at_k : ndarray of float64, int64
    k_at, candidates_at : dict of float to int or None
        The least k, and the least number of candidates, that hold 90, 95 and 99 % of the matches; None where all do
        not. Candidates are taken by rank and, within a rank, by score: what `k` costs.
    candidates_by_score : dict of float to int or None
        The same of candidates taken by score alone: what a threshold costs.

    Examples
    --------
    >>> pairs = Pairs.of([[0, 0], [0, 1], [1, 0]], [0.9, 0.8, 0.7], "mine", 2, 2)
    >>> print(evaluate(pairs, [[0, 1], [1, 0]]))
    completeness 1.0000 (2 matches), quality 0.6667, reduction ratio 0.2500, 3 candidates
    candidates at 90 %: 3 (k = 2), at 95 %: 3 (k = 2), at 99 %: 3 (k = 2)
    """

    completeness: float
    quality: float
    reduction_ratio: float
    candidates: int
    matches: int
    k: NDArray[np.int64]
    completeness_at_k: NDArray[np.float64]
    candidates_at_k: NDArray[np.int64]
    k_at: dict[float, int | None]
    candidates_at: dict[float, int | None]
    candidates_by_score: dict[float, int | None]

    def at(self, k: int) -> float:
        """Return the completeness of the `k` best candidates of each record."""
        place = int(np.searchsorted(self.k, k, side="right"))
        return float(self.completeness_at_k[place - 1]) if place else 0.0

    def __str__(self) -> str:
        levels = ", ".join(
            f"at {level:.0%}: {self.candidates_at[level]} (k = {self.k_at[level]})".replace("%", " %")
            if self.candidates_at[level] is not None
            else f"at {level:.0%}: not reached".replace("%", " %")
            for level in self.k_at
        )
        return (
            f"completeness {self.completeness:.4f} ({self.matches} matches), quality {self.quality:.4f}, "
            f"reduction ratio {self.reduction_ratio:.4f}, {self.candidates} candidates\ncandidates {levels}"
        )


def evaluate(pairs: Pairs, gold: ArrayLike | Pairs, n_a: int | None = None, n_b: int | None = None) -> Evaluation:
    """Compare candidate pairs with the pairs that match.

    Parameters
    ----------
    pairs : Pairs
    gold : array_like of int, shape (m, 2), or Pairs
        Every pair that matches: a row of A and a row of B; order does not matter in a self-join.
    n_a, n_b : int, optional
        Sizes of the tables, where others than those the pairs come from are meant.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        There is no matching pair, or one is of a record that the tables do not have.

    Examples
    --------
    >>> evaluate(Pairs.of([[0, 0]], [0.9], "mine", 2, 2), [[0, 0], [1, 1]]).completeness
    0.5
    """
    a = pairs.n_a if n_a is None else n_a
    within = pairs.n_b is None and n_b is None
    b = a if within else (pairs.n_b if n_b is None else n_b)
    assert b is not None
    true = pair_rows(gold, "gold", a, b)
    if len(true) == 0:
        raise ValueError("gold holds no pair, expected every pair that matches")
    true = np.unique(np.sort(true, axis=1) if within else true, axis=0)
    hit = np.isin(pairs.indices[:, 0] * b + pairs.indices[:, 1], true[:, 0] * b + true[:, 1])
    ranks = pairs.ranks()
    order = np.lexsort((-pairs.scores, ranks))
    found = np.cumsum(hit[order], dtype=np.int64)
    k, last = np.unique(ranks[order][::-1], return_index=True)
    ends = len(order) - 1 - last
    possible = a * (a - 1) // 2 if within else a * b
    needed = _needed(found, len(true))
    by_score = _needed(np.cumsum(hit[np.argsort(-pairs.scores, kind="stable")], dtype=np.int64), len(true))
    return Evaluation(
        completeness=float(hit.sum() / len(true)),
        quality=float(hit.mean()) if len(pairs) else 1.0,
        reduction_ratio=1 - len(pairs) / possible if possible else 0.0,
        candidates=len(pairs),
        matches=len(true),
        k=k,
        completeness_at_k=found[ends] / len(true),
        candidates_at_k=ends + 1,
        k_at={level: None if count is None else int(ranks[order][count - 1]) for level, count in needed.items()},
        candidates_at=needed,
        candidates_by_score=by_score,
    )


def _needed(found: NDArray[np.int64], matches: int) -> dict[float, int | None]:
    """Return how many candidates hold each share of the matches, from the matches among the first 1, 2, 3 ..."""
    counts = {level: int(np.searchsorted(found, np.ceil(level * matches - 1e-9))) + 1 for level in LEVELS}
    return {level: count if count <= len(found) else None for level, count in counts.items()}


def split(
    matches: ArrayLike, seed: int = 0, *, test: float = 0.5, one_table: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part matching pairs in two so that no entity is in both.

    Pairs that share a record, directly or through others, stay together.

    Parameters
    ----------
    matches : array_like of int, shape (m, 2)
    seed : int
    test : float
        Share of the pairs that the second part gets, about.
    one_table : bool
        Whether both columns number records of the same table.

    Returns
    -------
    fit, test : ndarray of int64, shape (m, 2)

    Raises
    ------
    ValueError
        There is no pair, or `test` is not between 0 and 1.

    Examples
    --------
    >>> fit, test = split([[0, 0], [0, 1], [1, 2], [2, 3]], seed=0)
    >>> len(fit) + len(test), set(fit[:, 0]) & set(test[:, 0])
    (4, set())
    """
    pairs = pair_rows(matches, "matches", None, None)
    if len(pairs) == 0:
        raise ValueError("matches holds no pair, expected one at least")
    if not 0 < test < 1:
        raise ValueError(f"test is {test!r}, expected a share between 0 and 1")
    part = components(pairs, one_table=one_table)
    sizes = np.bincount(part)
    order = np.random.default_rng(seed).permutation(len(sizes))
    before = np.concatenate([[0], np.cumsum(sizes[order])[:-1]])
    in_test = np.zeros(len(sizes), bool)
    in_test[order] = before < test * len(pairs)
    return pairs[~in_test[part]], pairs[in_test[part]]


def components(pairs: NDArray[np.int64], *, one_table: bool = False) -> NDArray[np.int64]:
    """Return for each pair the number of its entity: pairs that share a record have the same."""
    shift = 0 if one_table else int(pairs[:, 0].max(initial=-1)) + 1
    nodes, ends = np.unique(pairs + np.array([0, shift]), return_inverse=True)
    ends = ends.reshape(-1, 2)
    parent = list(range(len(nodes)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for a, b in ends.tolist():
        parent[root(a)] = root(b)
    return np.unique([root(a) for a, _ in ends.tolist()], return_inverse=True)[1].ravel()


def warn_of_leakage(fit: NDArray[np.int64], test: NDArray[np.int64], names: tuple[str, str], stacklevel: int) -> None:
    """Warn where an entity has pairs in both."""
    if len(fit) == 0 or len(test) == 0:
        return
    part = components(np.concatenate([fit, test]))
    shared: Any = np.intersect1d(part[: len(fit)], part[len(fit) :])
    if len(shared):
        warnings.warn(
            f"{len(shared)} entities have pairs in both {names[0]} and {names[1]}, so the second flatters; "
            "part them with vicinal.blocking.split",
            DataWarning,
            stacklevel=stacklevel + 1,
        )

"""Blocking by a learned map: matches come within a radius, other pairs go beyond a larger one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.blocking.evaluation import warn_of_leakage
from vicinal.blocking.pairs import pair_rows
from vicinal.blocking.vectors import Rows, VectorBlocker
from vicinal.errors import DimensionError, NotTunedError

__all__ = ["NeuralLSHBlocker"]

_BATCH, _RATE, _POOL, _REFRESH = 128, 2e-3, 20, 5  # pairs, Adam's step, hard negatives to draw from, epochs


class NeuralLSHBlocker(VectorBlocker):
    """Pairs records by vectors that a linear map has brought together or apart; the map is learned from matches.

    The loss of NLSHBlock (Wang et al., "Neural locality sensitive hashing for entity blocking", arXiv 2401.18064) on
    frozen vectors: ``max(R, |h(p) - h(q)|) - min(c R, |h(p) - h(r)|)``, p and q a match, p and r none, h of length one.
    The map starts as the identity, Adam moves it, the one of the best recall@5 of the validation pairs is kept. Where
    that is not above the identity's by two standard errors, the identity stays: the best of several recalls is higher
    than the first by luck alone, and labels that mean nothing must gain nothing. Some 50 validation pairs can show a
    gain of a tenth; few of them show none. Non-matches are drawn from what the map of the moment ranks among the first
    20.

    Parameters
    ----------
    R, c : float
        The radius of matches, and how many times as far the others shall be: c > 1 and c R <= 2.
    epochs, seed : int
    **options
        As `VectorBlocker` takes them: `embed`, `columns`, `index` ...

    Raises
    ------
    ValueError
        R <= 0, c <= 1, c R > 2 or epochs < 1.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=(40, 8))
    >>> b = np.hstack([a[:, :4], rng.normal(size=(40, 4))])  # four dimensions tell, four mislead
    >>> both = np.column_stack([np.arange(40), np.arange(40)])
    >>> blocker = NeuralLSHBlocker(epochs=5).fit(a, b, both[:20], both[20:30])
    >>> len(blocker.candidates(a, b, k=3))
    120
    """

    name = "neural"

    def __init__(self, *, R: float = 0.3, c: float = 4.0, epochs: int = 40, seed: int = 0, **options: Any) -> None:
        if not R > 0:
            raise ValueError(f"R is {R}, expected a radius above 0")
        if not c > 1:
            raise ValueError(f"c is {c}, expected above 1: others must be farther than matches")
        if c * R > 2:
            raise ValueError(f"c * R is {c * R:g}, expected at most 2, the farthest two vectors of length one can be")
        if epochs < 1:
            raise ValueError(f"epochs is {epochs}, expected at least 1")
        super().__init__(seed=seed, **options)
        self.R, self.c, self.epochs = R, c, epochs
        self.head: NDArray[np.float32] | None = None

    def fit(
        self, A: Any, B: Any = None, train_pairs: ArrayLike | None = None, valid_pairs: ArrayLike | None = None
    ) -> NeuralLSHBlocker:
        """Learn the map.

        Parameters
        ----------
        A, B : tables or vectors
        train_pairs, valid_pairs : array_like of int, shape (m, 2)
            Matches to learn from, and others to choose the best map by; without the latter the last map is kept.

        Raises
        ------
        ValueError
            There is no matching pair, or one is of a record the tables do not have.

        Warns
        -----
        DataWarning
            An entity has pairs in both.
        """
        left = _unit(super().vectors(A, "A"))
        right = left if B is None else _unit(super().vectors(B, "B"))
        train = pair_rows([] if train_pairs is None else train_pairs, "train_pairs", len(left), len(right))
        valid = pair_rows([] if valid_pairs is None else valid_pairs, "valid_pairs", len(left), len(right))
        if len(train) == 0:
            raise ValueError("train_pairs holds no pair, expected records that match")
        warn_of_leakage(train, valid, ("train_pairs", "valid_pairs"), 2)
        self.head = self._learned(left, right, train, valid, own=B is None)
        return self

    def _learned(
        self,
        left: NDArray[np.float32],
        right: NDArray[np.float32],
        train: NDArray[np.int64],
        valid: NDArray[np.int64],
        own: bool,
    ) -> NDArray[np.float32]:
        rng = np.random.default_rng(self.seed)
        W = np.eye(left.shape[1], dtype=np.float32)
        first, second = np.zeros_like(W), np.zeros_like(W)  # Adam's moments
        start = best_found = self._found(left, right, valid)
        best, step = W.copy(), 0
        known = np.unique(train[:, 0] * len(right) + train[:, 1])
        for epoch in range(self.epochs):
            if epoch % _REFRESH == 0:
                found = self._found(left @ W, right @ W, valid)
                if found.sum() > best_found.sum():
                    best, best_found = W.copy(), found
                pool = self._nearest(left[train[:, 0]] @ W, right @ W, _POOL)
            drawn = pool[np.arange(len(train)), rng.integers(0, pool.shape[1], len(train))]
            is_match = np.isin(train[:, 0] * len(right) + drawn, known) | (own & (drawn == train[:, 0]))
            order = rng.permutation(np.flatnonzero(~is_match & (drawn >= 0)))  # a graph may find fewer: -1
            for first_row in range(0, len(order), _BATCH):
                rows = order[first_row : first_row + _BATCH]
                gradient = self._gradient(W, left[train[rows, 0]], right[train[rows, 1]], right[drawn[rows]])
                step += 1
                first = 0.9 * first + 0.1 * gradient
                second = 0.999 * second + 0.001 * gradient * gradient
                W = W - _RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
                W = W.astype(np.float32)
        if len(valid) == 0:
            return W
        found = self._found(left @ W, right @ W, valid)
        if found.sum() > best_found.sum():
            best, best_found = W, found
        return best if _beyond_luck(start, best_found) else np.eye(len(W), dtype=np.float32)

    def _gradient(
        self, W: NDArray[np.float32], p: NDArray[np.float32], q: NDArray[np.float32], r: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        mapped = [x @ W for x in (p, q, r)]
        lengths = [np.linalg.norm(y, axis=1, keepdims=True) for y in mapped]
        zp, zq, zr = (y / length for y, length in zip(mapped, lengths, strict=True))
        near = np.linalg.norm(zp - zq, axis=1, keepdims=True)
        far = np.linalg.norm(zp - zr, axis=1, keepdims=True)
        pull = np.where(near > self.R, (zp - zq) / np.maximum(near, 1e-9), 0)
        push = np.where(far < self.c * self.R, (zr - zp) / np.maximum(far, 1e-9), 0)
        total = np.zeros_like(W)
        for x, z, length, g in zip((p, q, r), (zp, zq, zr), lengths, (pull + push, -pull, -push), strict=True):
            total += x.T @ ((g - (g * z).sum(axis=1, keepdims=True) * z) / length)
        return np.asarray(total / len(p), np.float32)

    def _nearest(self, queries: NDArray[np.float32], base: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        count = min(k, len(base))
        _, ids, _ = super()._search(Rows(queries), Rows(base), count, -np.inf, 1)
        return ids.reshape(len(queries), count)

    def _found(
        self, left: NDArray[np.float32], right: NDArray[np.float32], valid: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return of which validation pairs the match is among the first five."""
        if len(valid) == 0:
            return np.zeros(0, bool)
        return np.asarray((self._nearest(left[valid[:, 0]], right, 5) == valid[:, 1:]).any(axis=1))

    def vectors(self, table: Any, name: str = "A") -> NDArray[np.float32]:
        """Return a table's vectors as the learned map makes them, of length one.

        Raises
        ------
        NotTunedError
            No map has been learned.
        """
        if self.head is None:
            raise NotTunedError("this NeuralLSHBlocker has learned nothing, call fit(A, B, train_pairs) first")
        given = super().vectors(table, name)
        if given.shape[1] != len(self.head):
            raise DimensionError(f"{name} has {given.shape[1]} dimensions, the map was learned on {len(self.head)}")
        return _unit(given @ self.head)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _beyond_luck(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> bool:
    """Say whether more is found than before by over two standard errors of the difference (McNemar, 1947)."""
    won, lost = int((after & ~before).sum()), int((before & ~after).sum())
    return won - lost > 2 * float(np.sqrt(won + lost))

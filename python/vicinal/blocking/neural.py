"""Blocking by a learned map: matches come within a radius, other pairs go beyond a larger one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.blocking.evaluation import split, warn_of_leakage
from vicinal.blocking.head import Recipe, Task, learned_map, of_length_one
from vicinal.blocking.pairs import pair_rows
from vicinal.blocking.pseudo import altered_texts, pseudo_pairs
from vicinal.blocking.records import filled_texts, read_records
from vicinal.blocking.vectors import EXACT_UP_TO, VectorBlocker
from vicinal.errors import DimensionError, NotTunedError

__all__ = ["NeuralLSHBlocker"]

_SCANNED = 2000  # queries; more of them, while learning, are answered by a graph where the table is large
_COPIES = 1000  # altered records, at most, that are learned from where nothing is labeled


class NeuralLSHBlocker(VectorBlocker):
    """Pairs records by vectors that a linear map has brought together or apart; the map is learned from matches.

    The loss of NLSHBlock (Wang et al., "Neural locality sensitive hashing for entity blocking", arXiv 2401.18064) on
    frozen vectors: ``max(R, |h(p) - h(q)|) - min(c R, |h(p) - h(r)|)``, p and q a match, p and r none, h of length one.
    The map starts as one under which matches differ in every direction alike, Adam moves it, non-matches are drawn
    from the 20 records that the map of the moment puts nearest.

    Kept is the map that places matches best that it has not seen, by the mean logarithms of the match's rank and of the
    other pairs that score higher. Where that is not below the unlearned vectors' by three standard errors, the map is
    the identity: the best of several maps is better than none by luck alone, and labels that mean nothing must gain
    nothing. Some hundred pairs show a gain; few of them show none.

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

    def __init__(self, *, R: float = 0.6, c: float = 2.0, epochs: int = 20, seed: int = 0, **options: Any) -> None:
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
            Matches to learn from, and others to choose the map by. Without the latter each quarter of `train_pairs`, by
            entity, is ranked by a map of the other three, and the map is learned from all; 250 pairs so ranked suffice.
            Without both, matches are guessed. With `embed` those of `pseudo_pairs` are learned from, that is of TF-IDF,
            and up to 1000 records with words left out, which must be found again; three in ten of the guesses choose
            the map. Tables of vectors have no second view: mutual nearest neighbors teach the first map only, under
            which they differ in every direction alike.

        Raises
        ------
        ValueError
            There is no matching pair, or one is of a record the tables do not have.

        Warns
        -----
        DataWarning
            An entity has pairs in both.
        """
        left = of_length_one(super().vectors(A, "A"))
        right = left if B is None else of_length_one(super().vectors(B, "B"))
        epochs = self.epochs
        if train_pairs is None and valid_pairs is None and self.embed is not None:
            left, right, train, valid = self._guessed(A, B, left, right)
        elif train_pairs is None and valid_pairs is None:
            seen = VectorBlocker(index=self.index, seed=self.seed)
            train, valid = pseudo_pairs(left, None if B is None else right, blocker=seen), _NONE
            epochs = 0
        else:
            train = pair_rows([] if train_pairs is None else train_pairs, "train_pairs", len(left), len(right))
            valid = pair_rows([] if valid_pairs is None else valid_pairs, "valid_pairs", len(left), len(right))
            warn_of_leakage(train, valid, ("train_pairs", "valid_pairs"), 2)
        if len(train) == 0:
            raise ValueError("train_pairs holds no pair, expected records that match")
        task = Task(left, right, train, valid, one_table=B is None)
        self.head = learned_map(task, Recipe(self.R, self.c, epochs, self.seed), self._nearest)
        return self

    def _guessed(
        self, A: Any, B: Any, left: NDArray[np.float32], right: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Return both sides, altered copies behind the second, and guessed matches in two parts."""
        records = read_records(A, "A")
        texts = filled_texts(records, self.columns, "A")
        other = None if B is None else filled_texts(read_records(B, "B"), self.columns, "B")
        guessed = pseudo_pairs(texts, other)
        train, valid = (
            split(guessed, self.seed, test=0.3, one_table=B is None) if len(guessed) > 1 else (guessed, _NONE)
        )
        rng = np.random.default_rng(self.seed)
        spare = np.setdiff1d(np.arange(len(texts)), valid[:, 0])
        chosen = np.sort(rng.permutation(spare)[:_COPIES])
        if len(chosen) == 0 or self.embed is None:
            return left, right, train, valid
        copies = VectorBlocker(self.embed).vectors(altered_texts([texts[row] for row in chosen.tolist()], self.seed))
        pairs = np.column_stack([chosen, len(right) + np.arange(len(chosen))])
        return left, np.concatenate([right, of_length_one(copies)]), np.concatenate([train, pairs]), valid

    def _nearest(
        self, queries: NDArray[np.float32], base: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the nearest rows and cosines, by a scan where building a graph for few queries would take longer."""
        count = min(k, len(base))
        if len(queries) <= _SCANNED or len(base) <= EXACT_UP_TO:
            ids, distances = _core.exact_search(base, queries, count, "cosine", 1)
        else:
            ids, distances = self.graph(base, 1).search(queries, count, ef=max(self.ef, 2 * count), threads=1)
        return ids, 1 - distances

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
        return of_length_one(given @ self.head)


_NONE = np.zeros((0, 2), np.int64)

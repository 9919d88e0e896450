"""Records that share many of their shingles, by locality-sensitive hashing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.blocking.blocker import Answers, Blocker
from vicinal.blocking.keys import best_first
from vicinal.blocking.records import filled_texts, read_records

__all__ = ["MinHashBlocker"]


class Texts:
    """The text of each record of a table."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: NDArray[np.int64]) -> Texts:
        """Return some of the records'."""
        return Texts([self.texts[row] for row in rows.tolist()])


class MinHashBlocker(Blocker):
    """Pairs records whose sets of shingles have a Jaccard similarity of at least a floor.

    Candidates come from `vicinal.lsh.pairs` and are compared exactly, so the score is the similarity itself. It finds
    all alike records of large tables quickly, and misses those that say the same in other words.

    Parameters
    ----------
    floor : float
        The least similarity that is looked for, above 0, at most 1; a higher ``threshold=`` of `candidates` takes its
        place.
    shingle : "words" or int
        Words in lower case, or runs of so many characters.
    recall : float
        The share of pairs at the floor that shall be found.
    columns : sequence of str, optional
        Columns to read; all but ids by default.

    Raises
    ------
    ValueError
        `floor` is out of range.

    Examples
    --------
    >>> shop = ["sony walkman nw-e407 black", "bose speaker am53bk"]
    >>> other = ["bose speaker am53bk white", "canon camera", "sony walkman nw-e407"]
    >>> MinHashBlocker().candidates(shop, other, k=1).indices.tolist()
    [[0, 2], [1, 0]]
    """

    name = "minhash"

    def __init__(
        self,
        *,
        floor: float = 0.3,
        shingle: str | int = 3,
        recall: float = 0.95,
        columns: Sequence[str] | None = None,
    ) -> None:
        if not 0 < floor <= 1:
            raise ValueError(f"floor is {floor!r}, expected a similarity above 0, at most 1")
        self.floor, self.shingle, self.recall, self.columns = floor, shingle, recall, columns

    def _sides(self, A: Any, B: Any) -> tuple[Texts, Texts | None]:
        left = Texts(filled_texts(read_records(A, "A"), self.columns, "A"))
        return left, None if B is None else Texts(filled_texts(read_records(B, "B"), self.columns, "B"))

    def _search(self, left: Texts, right: Texts | None, k: int | None, least: float, threads: int) -> Answers:
        from vicinal import lsh

        found = lsh.pairs(
            left.texts,
            None if right is None else right.texts,
            threshold=max(self.floor, least),
            recall=self.recall,
            shingle=self.shingle,
            threads=threads,
        )
        rows, scores = found.pairs, found.scores.astype(np.float32)
        if right is None:  # each of a pair asks for the other
            rows, scores = np.concatenate([rows, rows[:, ::-1]]), np.concatenate([scores, scores])
        return best_first(rows[:, 0], rows[:, 1], scores, len(left), k, least, right is None)

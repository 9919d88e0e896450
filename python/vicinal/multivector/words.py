"""BM25 over the words of texts: the baseline that retrieval by vectors has to beat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BM25"]

WORD = re.compile(r"\w+")


class BM25:
    """Texts ranked by the words that they share with a query.

    A word's weight is ``log(1 + (n - df + 0.5) / (df + 0.5))`` times ``tf (k1 + 1) / (tf + k1 (1 - b + b length /
    mean))``: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009. Words are runs of
    letters and digits in lower case, neither stemmed nor left out.
    """

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        counts = [Counter(_words(text)) for text in texts]
        lengths = np.array([sum(one.values()) for one in counts], np.float64)
        tempered = k1 * (1 - b + b * lengths / max(lengths.mean() if len(lengths) else 1.0, 1.0))
        places: dict[str, list[int]] = {}
        for place, one in enumerate(counts):
            for word in one:
                places.setdefault(word, []).append(place)
        self._n = len(texts)
        self._weights: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        for word, those in places.items():
            where = np.array(those, np.int64)
            times = np.array([counts[place][word] for place in those], np.float64)
            rarity = np.log(1 + (self._n - len(those) + 0.5) / (len(those) + 0.5))
            self._weights[word] = where, rarity * times * (k1 + 1) / (times + tempered[where])

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return the score of each text."""
        total = np.zeros(self._n)
        for word in _words(query):
            if word in self._weights:
                where, weights = self._weights[word]
                total[where] += weights
        return total


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())

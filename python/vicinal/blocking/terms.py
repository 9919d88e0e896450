"""Texts as weighted terms: words and character n-grams, TF-IDF, rows of length one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SparseMatrix", "TermWeights"]

_WORD = re.compile(r"\w+")
_STEP = np.uint64(0x9E3779B97F4A7C15)
_OF_A_WORD = np.uint64(1) << np.uint64(63)


@dataclass(frozen=True)
class SparseMatrix:
    """Compressed rows, as `vicinal._core.sparse_top_k` takes them."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def csr(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """The three arrays."""
        return self.starts, self.columns, self.values

    def take(self, rows: NDArray[np.int64]) -> SparseMatrix:
        """Return some of the rows."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        at = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return SparseMatrix(starts, self.columns[at], self.values[at], self.width)

    def dots(self, other: SparseMatrix, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the inner products of pairs of rows, a row of this matrix and one of the other."""
        products = np.zeros(len(indices), np.float32)
        for left in range(0, len(indices), 4096):
            part = indices[left : left + 4096]
            a, b = self.take(part[:, 0]), other.take(part[:, 1])
            keys_a, keys_b = a._keys(), b._keys()
            _, at_a, at_b = np.intersect1d(keys_a, keys_b, assume_unique=True, return_indices=True)
            pair = keys_a[at_a] // max(self.width, 1)
            sums = np.bincount(pair, a.values[at_a].astype(np.float64) * b.values[at_b], len(part))
            products[left : left + len(part)] = sums
        return products

    def _keys(self) -> NDArray[np.int64]:
        row = np.repeat(np.arange(len(self)), np.diff(self.starts))
        return np.asarray(row * self.width + self.columns)


class TermWeights:
    """Knows every term of some texts and how rare it is.

    A term's weight in a text is (1 + ln count) · (1 + ln((1 + n) / (1 + texts that have it))); rows have length one.
    N-grams are told apart by a 64-bit hash, of which two among a million coincide once in 10^7 tables.

    Examples
    --------
    >>> weights = TermWeights(["red lamp", "blue lamp"], words=True, chars=())
    >>> rows = weights.rows(["blue lamp", "green chair"])
    >>> len(rows), int(rows.starts[-1])
    (2, 2)
    """

    def __init__(self, texts: Sequence[str], *, words: bool, chars: Sequence[int]) -> None:
        self.words, self.chars = words, tuple(chars)
        self.numbers: dict[str, int] = {}
        row, key = self._terms(texts, learn=True)
        self.vocabulary, found = np.unique(key, return_inverse=True)
        seen = np.unique(row * max(len(self.vocabulary), 1) + found)
        in_texts = np.bincount(seen % max(len(self.vocabulary), 1), minlength=len(self.vocabulary))
        self.rarity = 1 + np.log((1 + len(texts)) / (1 + in_texts))

    def rows(self, texts: Sequence[str]) -> SparseMatrix:
        """Weigh texts; terms that were not in those it knows are left out."""
        width = len(self.vocabulary)
        row, key = self._terms(texts, learn=False)
        at = np.minimum(np.searchsorted(self.vocabulary, key), max(width - 1, 0))
        known = self.vocabulary[at] == key if width else np.zeros(len(key), bool)
        cells, counts = np.unique(row[known] * max(width, 1) + at[known], return_counts=True)
        rows, columns = cells // max(width, 1), cells % max(width, 1)
        values = (1 + np.log(counts)) * self.rarity[columns]
        lengths = np.sqrt(np.bincount(rows, values * values, len(texts)))
        starts = np.searchsorted(rows, np.arange(len(texts) + 1)).astype(np.int64)
        return SparseMatrix(starts, columns.astype(np.int32), (values / lengths[rows]).astype(np.float32), width)

    def _terms(self, texts: Sequence[str], *, learn: bool) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Return every occurrence of a term: its text's number and its own."""
        found = [text.lower() for text in texts]
        rows, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
        if self.words:
            lists = [_WORD.findall(text) for text in found]
            if learn:
                for words in lists:
                    for word in words:
                        self.numbers.setdefault(word, len(self.numbers))
            numbers = [self.numbers.get(word, -1) for words in lists for word in words]
            rows.append(np.repeat(np.arange(len(lists)), [len(words) for words in lists]))
            keys.append(np.array(numbers, np.int64).astype(np.uint64) | _OF_A_WORD)
        for length in self.chars:
            row, key = _grams(found, length)
            rows.append(row)
            keys.append(key)
        return np.concatenate(rows), np.concatenate(keys)


def _grams(texts: Sequence[str], length: int) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return every n-gram of characters of each text, which is led and followed by a space."""
    padded = [f" {' '.join(text.split())} " for text in texts]
    sizes = np.array([len(text) for text in padded], np.int64)
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    owner = np.repeat(np.arange(len(texts)), sizes)
    grams = max(len(codes) - length + 1, 0)
    keys = np.full(grams, length, np.uint64)
    for place in range(length):
        keys = (keys ^ codes[place : place + grams]) * _STEP
        keys ^= keys >> np.uint64(29)
    within = owner[:grams] == owner[len(owner) - grams :]
    return owner[:grams][within], keys[within] & ~_OF_A_WORD

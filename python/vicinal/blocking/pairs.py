"""Candidate pairs: which records may be the same, how sure a blocker is, and which blocker said so."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Pairs"]


@dataclass(frozen=True)
class Pairs:
    """Candidate pairs, ordered by left row, then by falling score, then by right row; none twice.

    Attributes
    ----------
    indices : ndarray of int64, shape (m, 2)
        A row of A and a row of B; where a table was compared with itself, i < j.
    scores : ndarray of float32, shape (m,)
        Larger is likelier; the unit is the blocker's.
    provenance : ndarray of uint64, shape (m,)
        Bit i is set where ``sources[i]`` proposed the pair.
    sources : tuple of str
        The blockers' names.
    n_a, n_b : int
        Sizes of the tables; `n_b` is None where A was compared with itself.

    Examples
    --------
    >>> pairs = Pairs.of([[1, 0], [0, 2], [0, 1]], [0.5, 0.2, 0.9], "mine", 2, 3)
    >>> pairs.indices.tolist(), pairs.ranks().tolist()
    ([[0, 1], [0, 2], [1, 0]], [1, 2, 1])
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float32]
    provenance: NDArray[np.uint64]
    sources: tuple[str, ...]
    n_a: int
    n_b: int | None

    @classmethod
    def of(cls, indices: ArrayLike, scores: ArrayLike, source: str, n_a: int, n_b: int | None) -> Pairs:
        """Order pairs and drop repetitions, of which the best score stays."""
        rows = np.asarray(indices, np.int64).reshape(-1, 2)
        return cls.merged(rows, np.asarray(scores, np.float32), np.ones(len(rows), np.uint64), (source,), n_a, n_b)

    @classmethod
    def merged(
        cls,
        rows: NDArray[np.int64],
        scores: NDArray[np.float32],
        provenance: NDArray[np.uint64],
        sources: Sequence[str],
        n_a: int,
        n_b: int | None,
    ) -> Pairs:
        """Do the same for pairs of several sources; a pair that is there twice keeps all of its sources."""
        if n_b is None:
            rows = np.sort(rows, axis=1)
            real = rows[:, 0] != rows[:, 1]
            rows, scores, provenance = rows[real], scores[real], provenance[real]
        order = np.lexsort((-scores, rows[:, 1], rows[:, 0]))
        rows, scores, provenance = rows[order], scores[order], provenance[order]
        first = np.ones(len(rows), bool)
        first[1:] = (rows[1:] != rows[:-1]).any(axis=1)
        starts = np.flatnonzero(first)
        together = np.bitwise_or.reduceat(provenance, starts) if len(starts) else provenance
        rows, scores = rows[starts], scores[starts]
        order = np.lexsort((rows[:, 1], -scores, rows[:, 0]))
        return cls(rows[order], scores[order], together[order], tuple(sources), n_a, n_b)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def pairs(self) -> NDArray[np.int64]:
        """The indices, by the name `vicinal.lsh` gives them."""
        return self.indices

    def ranks(self) -> NDArray[np.int64]:
        """Return each pair's place among its left record's, from 1; in a self-join the better of its two records'."""
        ranks = _ranks(self.indices[:, 0], self.scores, self.indices[:, 1])
        if self.n_b is None:
            both = np.concatenate([self.indices, self.indices[:, ::-1]])
            seen = _ranks(both[:, 0], np.concatenate([self.scores, self.scores]), both[:, 1])
            ranks = np.minimum(seen[: len(self)], seen[len(self) :])
        return ranks

    def take(self, chosen: NDArray[Any]) -> Pairs:
        """Return some of the pairs, by mask or by number in ascending order."""
        return Pairs(
            self.indices[chosen], self.scores[chosen], self.provenance[chosen], self.sources, self.n_a, self.n_b
        )

    def top(self, k: int) -> Pairs:
        """Return the pairs of rank at most `k`.

        Examples
        --------
        >>> len(Pairs.of([[0, 0], [0, 1]], [0.1, 0.2], "mine", 1, 2).top(1))
        1
        """
        return self.take(self.ranks() <= k)

    def said_by(self, source: str) -> NDArray[np.bool_]:
        """Return a mask of the pairs this blocker proposed."""
        bit = np.uint64(1 << self.sources.index(source))
        return np.asarray((self.provenance & bit) != 0)

    def to_splink(self, ids_a: Sequence[Any], ids_b: Sequence[Any] | None = None) -> dict[str, list[Any]]:
        """Return the columns of splink's table of compared pairs: ``unique_id_l``, ``unique_id_r``, ``match_key``.

        Parameters
        ----------
        ids_a, ids_b : sequence
            The records' own ids; `ids_b` is left out in a self-join.

        Examples
        --------
        >>> Pairs.of([[0, 1]], [0.5], "mine", 1, 2).to_splink(["a"], ["x", "y"])
        {'unique_id_l': ['a'], 'unique_id_r': ['y'], 'match_key': ['mine']}
        """
        right = ids_a if ids_b is None else ids_b
        return {
            "unique_id_l": [ids_a[i] for i in self.indices[:, 0].tolist()],
            "unique_id_r": [right[j] for j in self.indices[:, 1].tolist()],
            "match_key": [
                "+".join(name for at, name in enumerate(self.sources) if bits >> at & 1)
                for bits in self.provenance.tolist()
            ],
        }

    def to_recordlinkage(self, ids_a: Sequence[Any] | None = None, ids_b: Sequence[Any] | None = None) -> Any:
        """Return recordlinkage's form, a `pandas.MultiIndex`; a list of tuples where pandas is not loaded.

        Examples
        --------
        >>> list(Pairs.of([[0, 1]], [0.5], "mine", 1, 2).to_recordlinkage())
        [(0, 1)]
        """
        left = self.indices[:, 0].tolist() if ids_a is None else [ids_a[i] for i in self.indices[:, 0].tolist()]
        ids = ids_b if self.n_b is not None else ids_a
        right = self.indices[:, 1].tolist() if ids is None else [ids[j] for j in self.indices[:, 1].tolist()]
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return list(zip(left, right, strict=True))
        return pandas.MultiIndex.from_arrays([left, right], names=["first", "second"])


def _ranks(left: NDArray[np.int64], scores: NDArray[np.float32], right: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.lexsort((right, -scores, left))
    sorted_left = left[order]
    starts = np.searchsorted(sorted_left, sorted_left)
    ranks = np.empty(len(left), np.int64)
    ranks[order] = np.arange(1, len(left) + 1) - starts
    return ranks


def pair_rows(pairs: Any, name: str, n_a: int | None, n_b: int | None) -> NDArray[np.int64]:
    """Return pairs of row numbers as int64, shape (m, 2).

    Raises
    ------
    ValueError
        They are no pairs of integers, or a number is not a row of its table.
    """
    given = pairs.indices if isinstance(pairs, Pairs) else np.asarray(pairs)
    if given.size == 0:
        return np.zeros((0, 2), np.int64)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu":
        raise ValueError(f"{name} has shape {given.shape} of {given.dtype}, expected integers of shape (m, 2)")
    for side, size in enumerate((n_a, n_b)):
        if size is not None and ((outside := (given[:, side] < 0) | (given[:, side] >= size)).any()):
            row = int(np.flatnonzero(outside)[0])
            raise ValueError(
                f"{name} {row} is {tuple(given[row].tolist())}, but table {'AB'[side]} has {size} records: "
                f"expected 0 to {size - 1}"
            )
    return np.ascontiguousarray(given, np.int64)

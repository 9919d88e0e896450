"""Whether an index is well: what can be reached, what is there twice, and what its searches find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vicinal.index.stored import StoredIndex

__all__ = ["CheckedIndex", "Health"]

SAMPLE = 200  # vectors that are asked for their neighbors
K = 10
LEAST_RECALL = 0.8


@dataclass(frozen=True)
class Health:
    """What `vicinal.Index.check` found.

    Attributes
    ----------
    unreachable : int
        Vectors that no path of links leads to from the entry: no search can find them.
    zero_in_degree : int
        Nodes that no other links to.
    duplicates : int
        Groups of vectors that are the same byte for byte. They are no fault: each group is one node of the graph.
    zero_norm : int
        Vectors of zeros.
    own_top1 : float
        Of a sample, the share of vectors than which none is nearer to themselves. Less than 1 under ``"ip"`` only,
        where a longer vector may be: a property of the data that suggests cosine, not a fault of the graph.
    degrees : tuple of int
        Nodes by the number of their links on level 0.
    levels : tuple of int
        Nodes by their highest level.
    norms : mapping of str to float
        ``"min"``, ``"p5"``, ``"median"``, ``"p95"`` and ``"max"`` of the vectors' lengths; of packed bits all 0.
    recall : float
        Of the 10 nearest other vectors of a sample of the stored ones, the share that a search of default effort finds.
        For queries like the vectors it is what to expect.

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> index = vicinal.Index(8)
    >>> _ = index.add(np.random.default_rng(0).random((500, 8), dtype=np.float32))
    >>> health = index.check()
    >>> health.ok, health.unreachable
    (True, 0)
    """

    unreachable: int
    zero_in_degree: int
    duplicates: int
    zero_norm: int
    own_top1: float
    degrees: tuple[int, ...]
    levels: tuple[int, ...]
    norms: Mapping[str, float]
    recall: float

    @property
    def ok(self) -> bool:
        """Whether everything can be reached and the recall of the sample is at least 0.8."""
        return self.unreachable == 0 and self.recall >= LEAST_RECALL

    def __str__(self) -> str:
        nodes = sum(self.degrees)
        links = sum(degree * count for degree, count in enumerate(self.degrees))
        lines = [
            f"{'well' if self.ok else 'NOT WELL'}: {nodes:,} nodes, {links / max(nodes, 1):.1f} links each",
            f"  {self._reachability()}",
            f"  {self.zero_in_degree:,} nodes that no other links to",
            f"  {self.duplicates:,} groups of vectors that are the same, {self.zero_norm:,} vectors of zeros",
            f"  lengths from {self.norms['min']:.4g} to {self.norms['max']:.4g}, "
            f"9 of 10 from {self.norms['p5']:.4g} to {self.norms['p95']:.4g}",
            f"  {self.own_top1:.1%} of vectors are their own nearest",
            f"  recall of {K} neighbors, by a sample of the vectors themselves: {self.recall:.3f}"
            + ("" if self.recall >= LEAST_RECALL else f" (expected at least {LEAST_RECALL}: raise M, ef_construction)"),
            f"  nodes by highest level: {', '.join(f'{count:,}' for count in self.levels) or 'none'}",
        ]
        return "\n".join(lines)

    def _reachability(self) -> str:
        if self.unreachable == 0:
            return "all vectors can be reached from the entry"
        return f"{self.unreachable:,} vectors cannot be reached from the entry: repair() links them again"


class CheckedIndex(StoredIndex):
    """The part of `vicinal.Index` that looks after its health."""

    __slots__ = ()

    def check(self) -> Health:
        """Look at every vector and every link, and search for a sample of the vectors.

        Takes about as long as 200 exact searches. Other calls may go on meanwhile.

        Returns
        -------
        Health
            Prints as a report; ``ok`` says whether anything is wrong.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
        >>> index.check().duplicates
        1
        """
        found = self._health()
        own_top1, recall = self._asked_of_a_sample()
        return Health(
            unreachable=found["unreachable"],
            zero_in_degree=found["zero_in_degree"],
            duplicates=found["duplicates"],
            zero_norm=found["zero_norm"],
            own_top1=own_top1,
            degrees=tuple(found["degrees"]),
            levels=tuple(found["levels"]),
            norms=found["norms"],
            recall=recall,
        )

    def repair(self) -> int:
        """Give a link to every vector that cannot be reached from the entry.

        A large `add` does this at its end; small ones do it now and then.

        Returns
        -------
        int
            How many nodes could not be reached. All can be now.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[0.0, 1.0], [1.0, 0.0]])
        >>> index.repair()
        0
        """
        with self._alone():
            return self._repair()

    def _asked_of_a_sample(self) -> tuple[float, float]:
        """Return the share of vectors that are their own nearest, and the recall of a search for the others."""
        ids = self._ids()
        k = min(K + 1, len(ids))
        if k < 2:
            return 1.0, 1.0
        sample = ids[np.linspace(0, len(ids) - 1, min(SAMPLE, len(ids))).astype(np.int64)]
        rows = self._get(sample)
        exact = self._search(rows, k, 0, True, 0, False, 0.0)[:2]
        found = self._search(rows, k, 0, False, 0, False, 0.0)[:2]
        truth, mine = _others(sample, *exact), _others(sample, *found)
        # A neighbor as near as the last of the true ones is as good as it, and rounding is no error.
        bound = truth[:, -1:] + 1e-6 * np.abs(truth[:, -1:])
        return _own_nearest(sample, *exact), float((mine <= bound).mean())


def _own_nearest(sample: NDArray[np.int64], ids: NDArray[np.int64], distances: NDArray[np.float32]) -> float:
    own = np.where(ids == sample[:, None], distances, np.inf).min(axis=1)
    # As far as rounding tells; of more copies of a vector than were asked for each is as near as the first.
    ties = distances[:, -1] <= distances[:, 0]
    return float(((own <= distances[:, 0] + 1e-6 * np.abs(distances[:, 0])) | ties).mean())


def _others(sample: NDArray[np.int64], ids: NDArray[np.int64], distances: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distances of each row without the vector that was asked for, or without the last."""
    drop = np.where((ids == sample[:, None]).any(axis=1), (ids == sample[:, None]).argmax(axis=1), ids.shape[1] - 1)
    keep = np.arange(ids.shape[1]) != drop[:, None]
    others: NDArray[np.float64] = distances[keep].reshape(len(sample), -1).astype(np.float64)
    return others

"""A benchmark set in memory: base rows, held-out queries and the true neighbors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import DimensionError, InvalidVectorError
from vicinal.measure.truth import ground_truth
from vicinal.progress import Progress
from vicinal.settings import METRICS

BIT_METRICS = ("hamming", "jaccard")


@dataclass(frozen=True)
class Dataset:
    """Vectors to index, queries to ask, and the exact answers.

    Attributes
    ----------
    name : str
        Short name for tables and charts.
    base : ndarray, shape (n, d)
        Rows to index: float32, or the stored integers where they were asked for raw.
        For hamming and jaccard: packed bits, uint8.
    query : ndarray, shape (m, d)
    metric : str
        "l2", "ip", "cosine", "hamming" or "jaccard".
    truth : ndarray of int64, shape (m, t), or None
        Exact nearest base rows, nearest first, equal distances in the order of their ids.
    truth_distances : ndarray of float32, shape (m, t), or None
        Their distances as vicinal reports them (l2 squared, otherwise one minus the similarity).

    Examples
    --------
    >>> import numpy as np
    >>> square = Dataset("square", base=np.eye(2, dtype=np.float32), query=np.ones((1, 2), dtype=np.float32))
    >>> square.with_truth(k=1).truth.tolist()
    [[0]]
    """

    name: str
    base: NDArray[Any]
    query: NDArray[Any]
    metric: str = "l2"
    truth: NDArray[np.int64] | None = None
    truth_distances: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if self.metric not in METRICS:
            raise ValueError(f"{self.name}: metric {self.metric!r} is unknown; known: {', '.join(METRICS)}")
        for part, array in (("base", self.base), ("query", self.query)):
            if array.ndim != 2 or array.shape[1] == 0:
                raise DimensionError(f"{self.name}: {part} has shape {array.shape}, expected (rows, columns)")
        if self.base.shape[1] != self.query.shape[1]:
            raise DimensionError(
                f"{self.name}: query has shape {self.query.shape} and base {self.base.shape}; "
                f"their columns must be equal in number"
            )
        if self.truth is not None:
            self._check_truth(self.truth)

    def _check_truth(self, truth: NDArray[np.int64]) -> None:
        if truth.ndim != 2 or len(truth) != len(self.query):
            raise DimensionError(
                f"{self.name}: truth has shape {truth.shape}, expected ({len(self.query)}, t): a row per query"
            )
        bad = np.argwhere((truth < -1) | (truth >= len(self.base)))
        if len(bad):
            row, place = (int(x) for x in bad[0])
            raise InvalidVectorError(
                f"{self.name}: truth row {row} names base row {truth[row, place]}, but base has {len(self.base)} rows"
            )
        if self.truth_distances is not None and self.truth_distances.shape != truth.shape:
            raise DimensionError(
                f"{self.name}: truth_distances has shape {self.truth_distances.shape}, expected {truth.shape} as truth"
            )

    @property
    def dim(self) -> int:
        """Number of dimensions; of bits for packed vectors."""
        columns = int(self.base.shape[1])
        return columns * 8 if self.metric in BIT_METRICS else columns

    def first_queries(self, count: int) -> Dataset:
        """Keep only the first `count` queries."""
        if count < 1:
            raise ValueError(f"queries must be at least 1, got {count}")
        return replace(
            self,
            query=self.query[:count],
            truth=None if self.truth is None else self.truth[:count],
            truth_distances=None if self.truth_distances is None else self.truth_distances[:count],
        )

    def with_truth(self, k: int, *, threads: int = 0, progress: Progress = None) -> Dataset:
        """Compute the exact `k` nearest rows unless they are known already."""
        wanted = min(k, len(self.base))
        if self.truth is not None and self.truth.shape[1] >= wanted:
            return self
        ids, distances = ground_truth(
            self.base, self.query, k=wanted, metric=self.metric, threads=threads, progress=progress
        )
        return replace(self, truth=ids, truth_distances=distances)

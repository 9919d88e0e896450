"""What a search of documents returns, and what a calibration has measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.multivector.generators import GENERATORS
from vicinal.settings import one_of, share, whole_number

__all__ = ["Calibration", "MultiVectorResult"]


@dataclass(frozen=True)
class MultiVectorResult:
    """What a search found; unpacks as ids, scores.

    Attributes
    ----------
    ids : ndarray of int64, shape (m, k), or (k,) for one query
        Best first, equal scores in the order of ids; -1 where there are no more.
    scores : ndarray of float32, same shape
        MaxSim, exact; -inf where there are no more.
    scored : ndarray of int64, shape (m,)
        Documents that were scored.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    scored: NDArray[np.int64]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.ids, self.scores))

    def put(self, which: NDArray[np.int64], others: MultiVectorResult) -> None:
        """Let some queries have found something else."""
        self.ids[which], self.scores[which], self.scored[which] = others.ids, others.scores, others.scored

    @property
    def distances(self) -> NDArray[np.float32]:
        """Minus the scores: smaller is nearer."""
        return -self.scores


@dataclass
class Calibration:
    """How many candidates each generator needs; see `MultiVectorIndex.calibrate`."""

    k: int
    recall: float
    queries: int
    documents: int
    curves: dict[str, dict[int, float]] = field(default_factory=dict)  # by generator: share found within N
    chosen: str = ""
    n_candidates: int = 0

    @classmethod
    def of(cls, said: dict[str, Any]) -> Calibration:
        """Make one of what a file says. Raises ValueError, KeyError, TypeError."""
        curves = {
            one_of("a curve", name, GENERATORS): {int(n): float(value) for n, value in curve.items()}
            for name, curve in said["curves"].items()
        }
        return cls(
            whole_number("k", said["k"], 1, 10**6),
            share("recall", said["recall"]),
            whole_number("queries", said["queries"], 1, 2**62),
            whole_number("documents", said["documents"], 1, 2**62),
            curves,
            one_of("chosen", said["chosen"], GENERATORS),
            whole_number("n_candidates", said["n_candidates"], 1, 2**62),
        )

    def __str__(self) -> str:
        """Return a table of them."""
        sizes = sorted({n for curve in self.curves.values() for n in curve})
        head = f"{'recall@' + str(self.k) + ' within':>18}" + "".join(f"{n:>8}" for n in sizes)
        rows = [
            f"{name + (' *' if name == self.chosen else ''):>18}"
            + "".join(f"{curve[n]:>8.3f}" if n in curve else f"{'':>8}" for n in sizes)
            for name, curve in self.curves.items()
        ]
        return "\n".join([head, *rows, f"* is used, with {self.n_candidates} candidates for a recall of {self.recall}"])

"""The face all blockers share: fit where they learn, candidates(A, B) in pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vicinal.blocking.pairs import Pairs
from vicinal.blocking.records import group_numbers, read_records

__all__ = ["Answers", "Blocker"]

# Of each left record, one after another: starts, right rows, scores.
Answers = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
DEFAULT_K = 10


class Side(Protocol):
    """One table as a blocker compares it."""

    def __len__(self) -> int: ...

    def take(self, rows: NDArray[np.int64]) -> Any:
        """Return some of the records."""


S = TypeVar("S", bound=Side)


class Blocker(ABC):
    """Proposes pairs of records that may be the same.

    Examples
    --------
    >>> from vicinal.blocking import TfidfBlocker
    >>> isinstance(TfidfBlocker(), Blocker)
    True
    """

    name = "blocker"

    def fit(self, A: Any, B: Any = None) -> Any:  # noqa: ARG002 - those that learn nothing still can be asked to
        """Learn from the tables what there is to learn.

        Returns
        -------
        Blocker
            Itself.
        """
        return self

    def candidates(
        self,
        A: Any,
        B: Any = None,
        *,
        k: int | None = None,
        threshold: float | None = None,
        block_by: str | Sequence[str] | None = None,
        threads: int = 0,
    ) -> Pairs:
        """Propose pairs.

        Parameters
        ----------
        A, B : tables
            What `vicinal.blocking.read_records` opens, or vectors where the blocker takes them. Without B, A is
            compared with itself.
        k : int, optional
            At most so many records of B for each of A, the likeliest; more than there are gives all. 10 where neither
            `k` nor `threshold` is given.
        threshold : float, optional
            Only pairs of at least this score.
        block_by : str or sequence of str, optional
            Columns that must agree; a record without a value in one of them is in no pair.
        threads : int
            0 takes every core this process may use.

        Returns
        -------
        Pairs

        Raises
        ------
        InvalidVectorError
            A record has no text.
        ValueError
            Both tables are empty, or `k`, `threshold` or `threads` is out of range.
        """
        count, least = asked(k, threshold)
        left, right = self._sides(A, B)
        if len(left) == 0 and (right is None or len(right) == 0):
            raise ValueError("both tables are empty, expected records in at least one")
        answers: list[Any]
        if block_by is None:
            answers = [(None, None, self._search(left, right, count, least, threads))] if _some(left, right) else []
        else:
            columns = [block_by] if isinstance(block_by, str) else list(block_by)
            answers = []
            for rows_a, rows_b in _groups(A, B, columns):
                one = left.take(rows_a)
                other = None if right is None else right.take(rows_b)
                answers.append((rows_a, rows_b, self._search(one, other, count, least, threads)))
        return self._paired(answers, len(left), None if right is None else len(right))

    def _paired(self, answers: list[Any], n_a: int, n_b: int | None) -> Pairs:
        rows, scores = [np.zeros((0, 2), np.int64)], [np.zeros(0, np.float32)]
        for rows_a, rows_b, (starts, found, scored) in answers:
            left = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
            pair = (left, found) if rows_a is None else (rows_a[left], rows_b[found])
            rows.append(np.column_stack(pair))
            scores.append(scored)
        return Pairs.of(np.concatenate(rows), np.concatenate(scores), self.name, n_a, n_b)

    def score(self, A: Any, B: Any, indices: NDArray[np.int64]) -> NDArray[np.float32]:  # noqa: ARG002
        """Score given pairs, as `vicinal.blocking.cascade` asks."""
        raise TypeError(f"{type(self).__name__} cannot score given pairs; a cascade's later stages need one that can")

    @abstractmethod
    def _sides(self, A: Any, B: Any) -> tuple[Any, Any]:
        """Prepare both tables; the second is None where A is compared with itself."""

    @abstractmethod
    def _search(self, left: Any, right: Any, k: int | None, least: float, threads: int) -> Answers:
        """Find the likeliest of `right` for each of `left`; without `right` those of left but itself."""


def asked(k: int | None, threshold: float | None) -> tuple[int | None, float]:
    """Return how many and from which score on, with what is left out filled in."""
    if k is not None and (isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1):
        raise ValueError(f"k is {k!r}, expected an integer of at least 1")
    if threshold is not None and not -1 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold!r}, expected a score from -1 to 1")
    if k is None and threshold is None:
        return DEFAULT_K, -np.inf
    return (None if k is None else int(k)), (-np.inf if threshold is None else float(threshold))


def _some(left: Side, right: Side | None) -> bool:
    return len(left) > 0 and (right is None or len(right) > 0)


def _groups(A: Any, B: Any, columns: Sequence[str]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the rows of both tables that agree in these columns, group by group."""
    tables = [read_records(A, "A")] + ([] if B is None else [read_records(B, "B")])
    keys = [list(zip(*(table.column(name) for name in columns), strict=True)) for table in tables]
    numbers_a, numbers_b = group_numbers(keys[0], keys[-1])
    by_a, by_b = rows_by_number(numbers_a), rows_by_number(numbers_b)
    return [(by_a[number], by_b[number]) for number in by_a if number in by_b]


def rows_by_number(numbers: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Return for every number but -1 the rows that have it, ascending."""
    order = np.argsort(numbers, kind="stable")
    values, starts = np.unique(numbers[order], return_index=True)
    return (
        {int(value): rows for value, rows in zip(values, np.split(order, starts[1:]), strict=True) if value >= 0}
        if len(values)
        else {}
    )

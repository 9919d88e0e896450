"""Blocking without likeness: records that share a key, or stand close to each other when sorted by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.blocking.blocker import Answers, Blocker, rows_by_number
from vicinal.blocking.records import Records, group_numbers, read_records
from vicinal.errors import DataWarning

__all__ = ["KeyBlocker", "SortedNeighborhood"]

Key = str | Sequence[str] | Callable[[Mapping[str, str]], Any]


class Keyed:
    """The keys of one table: for each rule, one per record."""

    def __init__(self, keys: list[list[Any]], size: int) -> None:
        self.keys, self.size = keys, size

    def __len__(self) -> int:
        return self.size

    def take(self, rows: NDArray[np.int64]) -> Keyed:
        """Return some of the records'."""
        return Keyed([[keys[row] for row in rows.tolist()] for keys in self.keys], len(rows))


class KeyBlocker(Blocker):
    """Pairs records that agree in a key; the score is the share of rules that agree.

    Parameters
    ----------
    *rules : str, sequence of str, or callable
        A column, several that must agree together, or a function of a record (a dict of texts). An empty key agrees
        with nothing. A pair needs to agree by one rule.
    max_block : int
        Keys that would make more pairs than this are left out, with a `DataWarning` that says how many pairs went.

    Raises
    ------
    ValueError
        There is no rule, or `max_block` is below 1.

    Examples
    --------
    >>> people = [{"name": "Ann Lee", "zip": "10"}, {"name": "A. Lee", "zip": "10"}, {"name": "Bo", "zip": "11"}]
    >>> KeyBlocker("zip", lambda one: one["name"][:1]).candidates(people).indices.tolist()
    [[0, 1]]
    """

    name = "key"

    def __init__(self, *rules: Key, max_block: int = 1_000_000) -> None:
        if not rules:
            raise ValueError("there is no rule, expected a column, several, or a function of a record")
        if max_block < 1:
            raise ValueError(f"max_block is {max_block}, expected at least 1")
        self.rules, self.max_block = rules, max_block

    def _sides(self, A: Any, B: Any) -> tuple[Keyed, Keyed | None]:
        left = keyed(read_records(A, "A"), self.rules)
        return left, None if B is None else keyed(read_records(B, "B"), self.rules)

    def _search(self, left: Keyed, right: Keyed | None, k: int | None, least: float, threads: int) -> Answers:  # noqa: ARG002
        other = left if right is None else right
        cells, lost = [np.zeros(0, np.int64)], 0
        for keys_a, keys_b in zip(left.keys, other.keys, strict=True):
            by_a, by_b = (rows_by_number(numbers) for numbers in group_numbers(keys_a, keys_b))
            for number in by_a.keys() & by_b.keys():
                a, b = by_a[number], by_b[number]
                if len(a) * len(b) > self.max_block:
                    lost += len(a) * len(b)
                    continue
                cells.append((a[:, None] * len(other) + b).ravel())
        if lost:
            warnings.warn(
                f"keys of more than max_block={self.max_block} pairs were left out, with at most {lost} pairs; "
                "add a column to the key, or raise max_block",
                DataWarning,
                stacklevel=4,
            )
        cell, votes = np.unique(np.concatenate(cells), return_counts=True)
        row, found = cell // max(len(other), 1), cell % max(len(other), 1)
        return best_first(row, found, (votes / len(self.rules)).astype(np.float32), len(left), k, least, right is None)


class SortedNeighborhood(Blocker):
    """Sorts the records of both tables by a key and pairs those less than `window` places apart.

    The score falls with the distance: 1 for the next record, 1 / window at the window's end. Hernández and Stolfo, "The
    merge/purge problem for large databases" (1995).

    Parameters
    ----------
    key : str, sequence of str, or callable
        As a rule of `KeyBlocker`; records without a key are in no pair.
    window : int
        Places, at least 2.

    Raises
    ------
    ValueError
        `window` is below 2.

    Examples
    --------
    >>> words = ["lamp", "lamps", "tree", "trees"]
    >>> SortedNeighborhood("text", window=2).candidates(words).indices.tolist()
    [[0, 1], [1, 2], [2, 3]]
    """

    name = "sorted"

    def __init__(self, key: Key, *, window: int = 5) -> None:
        if window < 2:
            raise ValueError(f"window is {window}, expected at least 2")
        self.key, self.window = key, window

    def _sides(self, A: Any, B: Any) -> tuple[Keyed, Keyed | None]:
        left = keyed(read_records(A, "A"), [self.key])
        return left, None if B is None else keyed(read_records(B, "B"), [self.key])

    def _search(self, left: Keyed, right: Keyed | None, k: int | None, least: float, threads: int) -> Answers:  # noqa: ARG002
        keys = [str(key).lower() if key else "" for side in (left, right) if side for key in side.keys[0]]
        order = np.array([row for row in sorted(range(len(keys)), key=lambda row: (keys[row], row)) if keys[row]], int)
        rows, scores = [], []
        for distance in range(1, self.window):
            pair = np.column_stack([order[:-distance], order[distance:]])
            pair = np.concatenate([pair, pair[:, ::-1]])
            if right is not None:
                pair = pair[(pair[:, 0] < len(left)) & (pair[:, 1] >= len(left))] - np.array([0, len(left)])
            rows.append(pair)
            scores.append(np.full(len(pair), 1 - (distance - 1) / self.window, np.float32))
        both = np.concatenate(rows)
        return best_first(both[:, 0], both[:, 1], np.concatenate(scores), len(left), k, least, right is None)


def keyed(records: Records, rules: Sequence[Key]) -> Keyed:
    """Return the records' keys by every rule."""
    keys: list[list[Any]] = []
    for rule in rules:
        if isinstance(rule, str):
            keys.append(list(records.column(rule)))
        elif callable(rule):
            names = list(records.columns)
            rows = zip(*records.columns.values(), strict=True)
            keys.append([rule(dict(zip(names, row, strict=True))) for row in rows])
        else:
            keys.append(list(zip(*(records.column(name) for name in rule), strict=True)))
    return Keyed(keys, len(records))


def best_first(
    row: NDArray[np.int64],
    found: NDArray[np.int64],
    scores: NDArray[np.float32],
    size: int,
    k: int | None,
    least: float,
    own: bool,
) -> Answers:
    """Return pairs in any order as answers: by row, best first, at most k, without a record itself."""
    good = scores >= least
    if own:
        good &= row != found
    row, found, scores = row[good], found[good], scores[good]
    order = np.lexsort((found, -scores, row))
    row, found, scores = row[order], found[order], scores[order]
    within = np.arange(len(row)) - np.searchsorted(row, row) < (len(row) if k is None else k)
    starts = np.searchsorted(row[within], np.arange(size + 1))
    return starts.astype(np.int64), found[within], scores[within]

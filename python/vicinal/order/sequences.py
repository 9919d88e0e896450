"""Orders that look at nothing but how many rows there are, or at their labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.errors import DimensionError

__all__ = ["as_given", "by_category", "category_numbers", "in_blocks", "interleaved", "shuffled"]

_BLOCKS = 64
_LARGEST_BLOCK = 1024


def as_given(n: int) -> NDArray[np.int64]:
    """Return rows as they stand."""
    return np.arange(n, dtype=np.int64)


def shuffled(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return rows in a random order."""
    return rng.permutation(n).astype(np.int64, copy=False)


def in_blocks(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return blocks of consecutive rows in a random order, the rows of each as they stand.

    Reading stays sequential within a block, which matters where rows are read from a disk; so a block is as long as
    allows for 64 of them, up to 1024 rows.

    Examples
    --------
    >>> in_blocks(256, np.random.default_rng(0))[:8].tolist()
    [64, 65, 66, 67, 144, 145, 146, 147]
    """
    length = max(1, min(_LARGEST_BLOCK, n // _BLOCKS))
    starts = rng.permutation(-(-n // length)) * length
    rows = (starts[:, None] + np.arange(length)).ravel()
    return rows[rows < n].astype(np.int64, copy=False)


def category_numbers(labels: ArrayLike | None, n: int, name: str) -> NDArray[np.int64]:
    """Number the categories of n rows in their sorted order.

    Raises
    ------
    ValueError
        There are no labels.
    DimensionError
        There is not one label per row.

    Examples
    --------
    >>> category_numbers(["net", "admin", "net"], 3, "category").tolist()
    [1, 0, 1]
    """
    if labels is None:
        raise ValueError(f"order {name!r} needs labels, one category for each of the {n} vectors; found none")
    given: NDArray[Any] = np.asarray(labels)
    if given.shape != (n,):
        raise DimensionError(f"labels has shape {given.shape}, expected ({n},): one category for each vector")
    return np.unique(given, return_inverse=True)[1].astype(np.int64, copy=False)


def by_category(categories: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one category after the other, the rows of each as they stand.

    Examples
    --------
    >>> by_category(np.array([1, 0, 1, 0])).tolist()
    [1, 3, 0, 2]
    """
    return np.argsort(categories, kind="stable").astype(np.int64, copy=False)


def interleaved(categories: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one row of each category in turn, as long as it has any.

    Examples
    --------
    >>> interleaved(np.array([0, 0, 0, 1, 1])).tolist()
    [0, 3, 1, 4, 2]
    """
    together = by_category(categories)
    sizes = np.bincount(categories)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    turns = np.arange(len(together)) - starts  # of each row among those of its category
    return together[np.argsort(turns, kind="stable")]

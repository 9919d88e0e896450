"""The sequence in which a batch of vectors enters the graph.

An HNSW graph is built one vector after the other, so that the sequence shapes it. It never shapes results' ids:
`vicinal.Index.add` numbers rows as they were given, whatever the sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["NAMES", "Order", "permutation"]

NAMES = ("auto", "given", "random")

# A string: naming numpy.random here would import it with the package.
Order: TypeAlias = "str | ArrayLike | Callable[[NDArray[Any], np.random.Generator], ArrayLike]"


def permutation(vectors: NDArray[Any], name: Order, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the sequence in which rows shall enter the graph.

    Parameters
    ----------
    vectors : ndarray, shape (n, dim)
        The batch.
    name : str, array_like of int with shape (n,), or callable
        ``"given"`` (and, for now, ``"auto"``): as the rows stand; ``"random"``: shuffled; an array: the
        permutation itself; a callable: ``name(vectors, rng)`` returns the permutation, where `rng` is a
        `numpy.random.Generator`.
    seed : int
        Of the shuffle and of the callable's generator.

    Returns
    -------
    ndarray of int64, shape (n,)
        Row numbers: the first enters first.

    Raises
    ------
    ValueError
        The name is unknown, or the array is no permutation of 0 ... n-1.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal import order
    >>> batch = np.zeros((4, 2), dtype=np.float32)
    >>> order.permutation(batch, "given").tolist()
    [0, 1, 2, 3]
    >>> order.permutation(batch, lambda vectors, rng: np.arange(len(vectors))[::-1]).tolist()
    [3, 2, 1, 0]
    """
    n = len(vectors)
    if isinstance(name, str):
        if name in ("auto", "given"):
            return np.arange(n, dtype=np.int64)
        if name == "random":
            return np.random.default_rng(seed).permutation(n).astype(np.int64, copy=False)
        raise ValueError(
            f"order is {name!r}, expected one of {', '.join(map(repr, NAMES))}, a permutation or a callable"
        )
    if callable(name):
        return _checked(name(vectors, np.random.default_rng(seed)), n, "the order returned by the callable")
    return _checked(name, n, "order")


def _checked(given: ArrayLike, n: int, what: str) -> NDArray[np.int64]:
    rows = np.asarray(given)
    if rows.shape != (n,) or (n > 0 and rows.dtype.kind not in "iu"):
        raise ValueError(f"{what} has shape {rows.shape} and dtype {rows.dtype}, expected {n} row numbers: ({n},)")
    rows = rows.astype(np.int64)
    seen = np.zeros(n, dtype=bool)
    seen[rows[(rows >= 0) & (rows < n)]] = True
    if not seen.all():
        missing = int(np.flatnonzero(~seen)[0])
        raise ValueError(f"{what} is no permutation of 0 ... {n - 1}: row {missing} is not in it")
    return rows

"""From the name of an order to a permutation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.errors import DimensionError
from vicinal.order.clusters import cluster_by_cluster, farthest_first, find_clusters
from vicinal.order.intrinsic_dimension import lid as estimate_lid
from vicinal.order.judgment import judge
from vicinal.order.neighborhoods import rows_to_compare
from vicinal.order.sequences import as_given, by_category, category_numbers, in_blocks, interleaved, shuffled
from vicinal.settings import MAX_SEED, METRICS, one_of, whole_number

__all__ = ["NAMES", "Order", "permutation"]

NAMES = ("auto", "given", "random", "block", "lid_desc", "lid_asc", "category", "interleave", "cluster", "farthest")
NEIGHBORS = 100  # of each vector, by which its dimension is estimated

# A string: naming numpy.random here would import it with the package.
Order: TypeAlias = "str | ArrayLike | Callable[[NDArray[Any], np.random.Generator], ArrayLike]"


def permutation(
    vectors: ArrayLike,
    name: Order,
    *,
    seed: int = 0,
    labels: ArrayLike | None = None,
    lid: ArrayLike | None = None,
    metric: str = "l2",
    threads: int = 0,
) -> NDArray[np.int64]:
    """Return the sequence in which rows shall enter a graph.

    Parameters
    ----------
    vectors : array_like, shape (n, dim); packed bits: uint8, shape (n, dim // 8)
        The batch.
    name : str, array_like of int with shape (n,), or callable
        =================  ===============================================================================
        ``"auto"``         what a look at a sample recommends (`vicinal.order.judge`)
        ``"given"``        as the rows stand
        ``"random"``       shuffled
        ``"block"``        blocks of consecutive rows shuffled: up to 1024 rows each, 64 blocks at least
        ``"lid_desc"``     by falling local intrinsic dimension: hard vectors first
        ``"lid_asc"``      by rising local intrinsic dimension; where it is undefined, last in both
        ``"category"``     one label after the other, in their sorted order
        ``"interleave"``   one row of each label in turn
        ``"cluster"``      one cluster after the other, of up to 256 found by k-means: the adversary
        ``"farthest"``     the row nearest each cluster's center, centers far from one another first; then the second
                           nearest of each, and so on
        =================  ===============================================================================

        An array is the permutation itself. A callable, ``name(vectors, rng)``, returns the permutation; `rng` is a
        `numpy.random.Generator`.
    seed : int
        Of whatever is drawn.
    labels : array_like, shape (n,), optional
        One category per row, numbers or strings, for ``"category"`` and ``"interleave"``.
    lid : array_like of float, shape (n,), optional
        For ``"lid_desc"`` and ``"lid_asc"``, where it is known already; by default ``vicinal.order.lid(vectors)``, with
        k = 100 or what there is.
    metric : str
        As of the index.
    threads : int
        0 takes all cores this process may use. The result is the same for any number.

    Returns
    -------
    ndarray of int64, shape (n,)
        Row numbers: the first enters first.

    Raises
    ------
    ValueError
        The name is unknown; labels are missing; the metric has no distance and the order needs one; or what was given
        or returned is no permutation of 0 ... n-1.
    DimensionError
        `labels` or `lid` has another shape.
    InvalidVectorError
        A vector holds NaN, where the order looks at vectors.

    Warns
    -----
    DataWarning
        The local intrinsic dimension of some vectors is undefined.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal import order
    >>> batch = np.zeros((4, 2), dtype=np.float32)
    >>> order.permutation(batch, "category", labels=["b", "a", "b", "a"]).tolist()
    [1, 3, 0, 2]
    >>> order.permutation(batch, "lid_desc", lid=[3.0, 9.5, np.inf, 7.1]).tolist()
    [1, 3, 0, 2]
    >>> order.permutation(batch, lambda vectors, rng: np.arange(len(vectors))[::-1]).tolist()
    [3, 2, 1, 0]
    """
    rows = vectors if isinstance(vectors, np.ndarray) else np.asarray(vectors)
    if rows.ndim != 2:
        raise DimensionError(f"vectors has shape {rows.shape}, expected (n, dim)")
    n = len(rows)
    whole_number("seed", seed, 0, MAX_SEED)
    one_of("metric", metric, METRICS)
    if labels is not None:
        category_numbers(labels, n, "any")
    rng = np.random.default_rng(seed)
    if not isinstance(name, str):
        if callable(name):
            return checked(name(rows, rng), n, "the order returned by the callable")
        return checked(name, n, "order")
    if name == "given":
        return as_given(n)
    if name == "random":
        return shuffled(n, rng)
    if name == "block":
        return in_blocks(n, rng)
    if name in ("category", "interleave"):
        categories = category_numbers(labels, n, name)
        return by_category(categories) if name == "category" else interleaved(categories)
    if name in ("lid_desc", "lid_asc"):
        return _by_dimension(rows, name, seed, lid, metric, threads)
    if name not in NAMES:
        known = ", ".join(map(repr, NAMES))
        raise ValueError(f"order is {name!r}, expected one of {known}, a permutation or a callable")
    compared = rows_to_compare(rows, metric)
    if name == "auto":
        sequence = judge(compared, metric, seed=seed).sequence
        return as_given(n) if sequence is None else sequence
    if n == 0:
        return as_given(0)
    clusters = find_clusters(compared, "l2" if metric == "ip" else metric, rng, threads=threads)
    return cluster_by_cluster(clusters) if name == "cluster" else farthest_first(clusters)


def checked(given: ArrayLike, n: int, what: str) -> NDArray[np.int64]:
    """Return a permutation of n rows as int64, or raise a ValueError that says what is wrong with it."""
    rows = np.asarray(given)
    if rows.shape != (n,) or (n > 0 and rows.dtype.kind not in "iu"):
        raise ValueError(f"{what} has shape {rows.shape} and dtype {rows.dtype}, expected {n} row numbers: ({n},)")
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    seen = np.zeros(n, dtype=bool)
    seen[rows[(rows >= 0) & (rows < n)]] = True
    if not seen.all():
        missing = int(np.flatnonzero(~seen)[0])
        raise ValueError(f"{what} is no permutation of 0 ... {n - 1}: row {missing} is not in it")
    return rows


def _by_dimension(
    rows: NDArray[Any], name: str, seed: int, known: ArrayLike | None, metric: str, threads: int
) -> NDArray[np.int64]:
    n = len(rows)
    if known is not None:
        dimensions = np.asarray(known, dtype=np.float64)
        if dimensions.shape != (n,):
            raise DimensionError(f"lid has shape {dimensions.shape}, expected ({n},): one number for each vector")
    elif n < 3:
        return as_given(n)
    else:
        dimensions = estimate_lid(rows, min(NEIGHBORS, n - 1), metric=metric, seed=seed, threads=threads)
    keys = np.where(np.isfinite(dimensions), -dimensions if name == "lid_desc" else dimensions, np.inf)
    return np.argsort(keys, kind="stable").astype(np.int64, copy=False)

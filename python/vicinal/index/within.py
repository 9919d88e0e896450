"""Everything within a radius."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicinal._core import MAX_THREADS
from vicinal.arrays import VectorsLike, query_rows
from vicinal.index.groups import GroupedIndex
from vicinal.settings import accepts, truth, whole_number

__all__ = ["RadiusIndex", "radius_of"]


class RadiusIndex(GroupedIndex):
    """What `vicinal.Index` inherits of range search."""

    __slots__ = ()

    @accepts(num_threads="threads")
    def range_search(
        self, queries: VectorsLike, radius: float, *, exact: bool = False, threads: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Find everything within a radius of each query, however much that is.

        Parameters
        ----------
        queries : array_like, shape (m, dim) or (dim,); packed bits: (m, dim // 8) or (dim // 8,)
            As vectors in `add`.
        radius : float
            In the metric's own unit (l2: squared; ip: of 1 - x·y); what lies at this distance is within.
        exact : bool
            Compare with every vector. Otherwise a graph is walked, in a beam that is widened until what is within
            fills no more than half of it.
        threads : int
            0 takes all cores this process may use.

        Returns
        -------
        lims : ndarray of int64, shape (m + 1,)
            The hits of query i are entries ``lims[i]`` to ``lims[i + 1]`` of the other two.
        ids : ndarray of int64, shape (lims[-1],)
            Nearest first within a query, equal distances in the order of ids.
        distances : ndarray of float32, shape (lims[-1],)

        Raises
        ------
        DimensionError, InvalidVectorError
            As for `search`.
        ValueError
            `radius` is NaN, or `threads` out of range.
        TypeError
            `radius` is no number.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(1)
        >>> _ = index.add([[0.0], [1.0], [2.0], [9.0]])
        >>> lims, ids, distances = index.range_search([[1.0], [5.0], [8.0]], radius=1.0)
        >>> lims.tolist(), ids.tolist(), distances.tolist()
        ([0, 3, 3, 4], [1, 0, 2, 3], [0.0, 1.0, 1.0, 1.0])
        """
        rows, _ = query_rows(queries, self._settings["dim"], self._settings["dtype"])
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        return self._range_search(rows, radius_of(radius), truth("exact", exact), workers)


def radius_of(radius: object) -> float:
    """Return a radius rounded as distances are, to float32.

    Raises
    ------
    TypeError, ValueError
        It is no number, or NaN.

    Examples
    --------
    >>> radius_of(2)
    2.0
    """
    if isinstance(radius, (bool, np.bool_)) or not isinstance(radius, (int, float, np.integer, np.floating)):
        raise TypeError(f"radius is {radius!r}, expected a number")
    with np.errstate(over="ignore"):
        limit = float(np.float32(radius))
    if np.isnan(limit):
        raise ValueError("radius is NaN, expected a number in the metric's own unit")
    return limit

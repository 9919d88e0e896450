"""What a search returns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core

__all__ = ["SearchResult"]


class SearchResult(_core.SearchResult):
    """Neighbors found by a search; unpacks as ``ids, distances``.

    Shapes are those of m queries; a single vector given as one dimension has results without the first axis.

    Attributes
    ----------
    ids : ndarray of int64, shape (m, k) or (k,)
        Nearest first; equal distances in the order of ids. Padded with -1 where fewer than k were found.
    distances : ndarray of float32, shape (m, k) or (k,)
        In the metric's own unit, ascending; +inf beside an id of -1.
    metric : str
        What the distances measure.
    stats : dict or None
        The work done, if the search was asked for it with ``stats=True``: int64 arrays of shape (m,) under
        ``"distances"`` (vectors compared exactly), ``"estimates"``, ``"hops"`` (rows of links read), ``"bytes"``
        (of vectors and links touched), ``"reranked"`` and ``"effort"`` (width of the beam), and under
        ``"strategy"`` a list of m names: ``"graph"`` or ``"exact"``; with a filter ``"scan"`` (of the admitted),
        ``"gated"`` (a walk through all that reports the admitted), ``"two-hop"`` (a walk among the admitted) or
        ``"starved"`` (a walk that found too few, and a scan).

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> index = vicinal.Index(2)
    >>> _ = index.add(np.eye(2, dtype=np.float32))
    >>> ids, distances = index.search([1.0, 0.0], k=2)
    >>> ids.tolist(), distances.tolist()
    ([0, 1], [0.0, 2.0])
    >>> index.search([[1.0, 0.0]], k=3).counts.tolist()
    [2]
    """

    __slots__ = ()

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many neighbors each query has: int64, shape (m,); below k where there were not more."""
        return np.atleast_1d(np.count_nonzero(self.ids >= 0, axis=-1)).astype(np.int64, copy=False)

    def faiss(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the result in the order and the unit of faiss: ``(D, I)``.

        Returns
        -------
        D : ndarray of float32, shape (m, k) or (k,)
            The distances; for ``"ip"`` the inner products x·y, largest first, and -inf as padding.
        I : ndarray of int64, shape (m, k) or (k,)
            The ids; -1 as padding.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2, "ip")
        >>> _ = index.add([[3.0, 4.0]])
        >>> index.search([1.0, 1.0], k=1).faiss()[0].tolist()
        [7.0]
        """
        return (1.0 - self.distances if self.metric == "ip" else self.distances), self.ids

    def __repr__(self) -> str:
        extra = "" if self.stats is None else ", stats"
        return f"SearchResult(ids={self.ids!r}, distances={self.distances!r}, metric={self.metric!r}{extra})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.ids, self.distances, self.metric, self.stats)

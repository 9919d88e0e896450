"""A second metric beside that of the vectors: numbers that a search keeps to, such as where and when."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.arrays import IdsLike, id_numbers
from vicinal.errors import DimensionError, DuplicateIdError, InvalidVectorError

__all__ = ["Attributes"]

MOST_COLUMNS = 64


class Attributes(_core.Attributes):
    """A few numbers for each vector, by which searches can be told to keep to a range or to a ball.

    Appearance by the vectors, geometry by these: ``filter=attributes.within(center, radius)`` is part of the walk,
    which asks of the nodes it meets and not of all, so a region that no other query has costs nothing to prepare. Like
    an `IdSet` it is bound to no index and never changes: of vectors added to an index since, none is admitted that has
    no row here.

    Parameters
    ----------
    values : array_like of float, shape (n, columns) or (n,)
        Kept as float64, so that times in seconds are exact.
    ids : array_like of int, shape (n,), optional
        Whose rows these are; by default 0 to n - 1, as an index numbers its vectors.

    Raises
    ------
    DimensionError
        `values` has more than two dimensions or 64 columns, or not one row for each id.
    InvalidVectorError
        A value is NaN or infinite.
    DuplicateIdError
        An id comes twice.
    TypeError, OverflowError
        Values are no numbers, or ids no ids.

    References
    ----------
    That a graph is walked through while a predicate decides what is reported: Patel, Kraft, Guestrin, Zaharia, ACORN,
    SIGMOD 2024.

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> index = vicinal.Index(2)
    >>> _ = index.add([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0], [6.0, 6.0]])
    >>> places = vicinal.Attributes([[10.0, 50.0], [10.2, 50.1], [10.1, 50.0], [99.0, 9.0]])
    >>> index.search([5.5, 5.5], k=4, filter=places.within([10.0, 50.0], 0.5)).ids.tolist()
    [2, 1, 0, -1]
    >>> index.search([5.5, 5.5], k=2, filter=places.between([10.15, None], None)).ids.tolist()
    [3, 1]
    """

    __slots__ = ()

    def __init__(self, values: ArrayLike, ids: IdsLike | None = None) -> None:
        rows = _numbers(values, "values")
        if rows.ndim == 1:
            rows = rows[:, None]
        if rows.ndim != 2 or not 1 <= rows.shape[1] <= MOST_COLUMNS:
            raise DimensionError(f"values has shape {rows.shape}, expected (n, 1 to {MOST_COLUMNS})")
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            raise InvalidVectorError(f"values row {np.flatnonzero(bad)[0]} holds NaN or an infinity")
        names = np.arange(len(rows), dtype=np.int64) if ids is None else id_numbers(ids)
        if len(names) != len(rows):
            raise DimensionError(f"ids has shape {names.shape}, expected ({len(rows)},): values has {rows.shape}")
        order = np.sort(names)
        if len(twice := order[1:][order[1:] == order[:-1]]):
            raise DuplicateIdError(f"id {twice[0]} comes twice")
        _core.Attributes.__init__(self, names, np.ascontiguousarray(rows))

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids, in the order they were given in."""
        return self._ids()

    @property
    def values(self) -> NDArray[np.float64]:
        """The values: float64, shape (n, columns)."""
        return self._values()

    def within(self, center: ArrayLike, radius: float) -> _core.AttributeFilter:
        """Return a filter of what lies within a Euclidean distance of a point.

        Parameters
        ----------
        center : array_like of float, shape (columns,)
        radius : float
            The distance itself, not squared; what lies at it is within.

        Raises
        ------
        DimensionError
            `center` has not one number for each column.
        ValueError
            `radius` is negative or NaN, or `center` not finite.
        """
        point = np.atleast_1d(_numbers(center, "center"))
        if point.shape != (self._columns(),):
            raise DimensionError(f"center has shape {point.shape}, expected ({self._columns()},): one for each column")
        if not np.isfinite(point).all():
            raise ValueError(f"center is {point.tolist()}, expected finite numbers")
        reach = float(np.atleast_1d(_numbers(radius, "radius"))[0])
        if not reach >= 0:
            raise ValueError(f"radius is {radius!r}, expected 0 or more")
        return _core.AttributeFilter(self, point - reach, point + reach, point, reach * reach)

    def between(self, low: ArrayLike | None, high: ArrayLike | None) -> _core.AttributeFilter:
        """Return a filter of what lies between two bounds in every column, themselves included.

        Parameters
        ----------
        low, high : array_like of float or None, shape (columns,), or one number for all
            None, for all or for a column, leaves that side open.

        Raises
        ------
        DimensionError
            There is not one bound for each column.
        ValueError
            A bound is NaN, or a lower one above its upper one.
        """
        least, most = self._bounds(low, "low", -np.inf), self._bounds(high, "high", np.inf)
        crossed = np.flatnonzero(least > most)
        if len(crossed):
            column = int(crossed[0])
            raise ValueError(f"low[{column}] is {least[column]}, expected at most high[{column}], {most[column]}")
        return _core.AttributeFilter(self, least, most, np.empty(0), 0.0)

    def _bounds(self, given: Any, name: str, otherwise: float) -> NDArray[np.float64]:
        listed = list(given) if isinstance(given, (list, tuple)) else [given] if given is None else given
        if isinstance(listed, list):
            listed = [otherwise if one is None else one for one in listed]
        bounds = _numbers(listed, name)
        if given is None or bounds.ndim == 0:
            bounds = np.full(self._columns(), bounds.ravel()[0])
        if bounds.shape != (self._columns(),):
            raise DimensionError(f"{name} has shape {bounds.shape}, expected ({self._columns()},): one for each column")
        if np.isnan(bounds).any():
            raise ValueError(f"{name}[{np.flatnonzero(np.isnan(bounds))[0]}] is NaN, expected a number or None")
        return np.ascontiguousarray(bounds)

    def __len__(self) -> int:
        return len(self._ids())

    def __repr__(self) -> str:
        return f"<Attributes of {len(self)} vectors: {self._columns()} columns>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.values, self.ids)


def _numbers(given: Any, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} holds rows of different lengths") from error
    if array.size and array.dtype.kind not in "iuf":
        raise TypeError(f"{name} holds {array.dtype}, expected numbers")
    return array.astype(np.float64)

"""What a search may report: the forms a caller may say it in, and the forms the core takes it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.arrays import IdsLike, id_numbers, one_id
from vicinal.errors import DimensionError

if TYPE_CHECKING:
    from vicinal.index import Index

__all__ = ["Filter", "IdSet", "core_filters"]

Filter: TypeAlias = Any  # a mask, ids, an IdSet, a bitmap of pyroaring, a callable; or a list of these, one per query
Part = _core.IdSet | _core.AttributeFilter | NDArray[np.uint8]


class IdSet(_core.IdSet):
    """Ids that searches keep to; made once and used often.

    A search with an `IdSet` remembers which rows its ids are, so the next one in the same index starts at once. It is
    not bound to an index: ids that an index does not hold admit nothing there. It never changes.

    Parameters
    ----------
    ids : array_like of int, shape (n,), bitmap of pyroaring, or set of int
        In any order; repetitions count once.

    Raises
    ------
    OverflowError, TypeError
        An id is out of range, or no integer.
    DimensionError
        `ids` has not one dimension.

    Examples
    --------
    >>> import vicinal
    >>> index = vicinal.Index(2)
    >>> _ = index.add([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0], [6.0, 6.0]])
    >>> far = vicinal.IdSet([2, 3])
    >>> index.search([0.0, 0.0], k=1, filter=far).ids.tolist()
    [2]
    >>> len(far), 3 in far, far.selectivity(index)
    (2, True, 0.5)
    """

    __slots__ = ()

    def __init__(self, ids: IdsLike | Set[int]) -> None:
        _core.IdSet.__init__(self, _numbers(ids, "ids"), False)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids: int64, ascending."""
        return self._ids()

    def selectivity(self, index: Index) -> float:
        """Return the share of an index's vectors that these ids admit, 0 to 1; 0 for an empty index."""
        size = len(index)
        return int(np.isin(index.ids, self.ids, assume_unique=True).sum()) / size if size else 0.0

    def __contains__(self, id: object) -> bool:  # noqa: A002
        try:
            number = one_id(id)
        except OverflowError:
            return False
        if number is None:
            raise TypeError(f"id is {id!r}, expected an integer")
        return self._contains(number)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def __eq__(self, other: object) -> bool:
        return np.array_equal(self.ids, other.ids) if isinstance(other, IdSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.ids.tobytes())

    def __repr__(self) -> str:
        return f"<IdSet of {len(self)} ids>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.ids,)


def core_filters(given: Filter, index: Index, queries: int) -> list[Part] | None:
    """Return a filter as the core takes it: none, one part for all queries, or one for each.

    Raises
    ------
    ValueError
        A list has another length than there are queries; a callable's mask has another length than there are ids.
    TypeError, OverflowError, DimensionError
        It is nothing that admits ids.
    """
    if given is None:
        return None
    if not isinstance(given, list):
        return [_part(given, index, "filter")]
    if len(given) != queries:
        raise ValueError(f"filter is a list of {len(given)}, expected one filter for each of {queries} queries")
    return [_part(one, index, f"filter[{query}]") for query, one in enumerate(given)] or None


def _part(given: Any, index: Index, name: str) -> Part:
    if isinstance(given, (_core.IdSet, _core.AttributeFilter)):
        return given
    if callable(given) and not isinstance(given, type):
        return _asked_once(given, index, name)
    if _is_bitmap(given) or isinstance(given, Set):
        return _core.IdSet(_numbers(given, name), True)
    if given is None or isinstance(given, (list, str, bytes, dict)):
        raise TypeError(
            f"{name} is {given!r:.60}, expected a mask, an array of ids, an IdSet, a region, a bitmap or a callable"
        )
    if getattr(given, "dtype", None) == np.bool_:
        mask = np.asarray(given)
        if mask.ndim != 1:
            raise DimensionError(f"{name} has shape {mask.shape}, expected ({len(index)},): a list holds one per query")
        return np.ascontiguousarray(mask).view(np.uint8)
    return _core.IdSet(_numbers(given, name), True)


def _asked_once(given: Callable[[NDArray[np.int64]], Any], index: Index, name: str) -> Part:
    """Ask a callable about all ids at once. What it says is kept as ids: rows may come and go meanwhile."""
    ids = index.ids
    admitted = np.asarray(given(ids))
    if admitted.dtype != np.bool_:
        raise TypeError(f"{name} returned {admitted.dtype}, expected bool: it is given all ids and says which to admit")
    if admitted.shape != ids.shape:
        raise ValueError(f"{name} returned shape {admitted.shape}, expected {ids.shape}: a bool for each id")
    return _core.IdSet(ids[admitted], True)


def _is_bitmap(given: object) -> bool:
    """Whether it is a bitmap of pyroaring, which need not be installed."""
    return type(given).__module__.split(".")[0] == "pyroaring"


def _numbers(ids: Any, name: str) -> NDArray[np.int64]:
    if _is_bitmap(ids):
        return id_numbers(np.asarray(ids.to_array()), name)
    if isinstance(ids, Set):
        return id_numbers(list(ids), name)
    if isinstance(ids, np.ndarray) and ids.size == 0 and ids.ndim == 1:
        return np.empty(0, dtype=np.int64)
    return id_numbers(ids, name)

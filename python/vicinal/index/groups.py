"""Numbers that say what a vector is a part of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicinal.arrays import IdsLike, id_numbers
from vicinal.errors import DimensionError
from vicinal.index.stored import StoredIndex
from vicinal.settings import accepts

__all__ = ["GroupedIndex", "group_numbers"]


class GroupedIndex(StoredIndex):
    """What `vicinal.Index` inherits of groups."""

    __slots__ = ()

    @accepts(keys="ids")
    def groups(self, ids: IdsLike) -> NDArray[np.int64]:
        """Return the groups of vectors.

        Parameters
        ----------
        ids : array_like of int, shape (n,)

        Returns
        -------
        ndarray of int64, shape (n,)

        Raises
        ------
        UnknownIdError
            An id is not in the index.
        ValueError
            The index was filled without groups.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(1)
        >>> _ = index.add([[0.0], [1.0], [2.0], [3.0]], groups=[7, 7, 7, 8])
        >>> index.search([0.0], k=2, per_group=1).ids.tolist()
        [0, 3]
        >>> index.groups([0, 3]).tolist()
        [7, 8]
        """
        return self._groups(id_numbers(ids))


def group_numbers(groups: IdsLike, rows: int) -> NDArray[np.int64]:
    """Return groups as int64, one for each of so many rows.

    Raises
    ------
    DimensionError
        There are more or fewer, or not in one dimension.
    TypeError, OverflowError
        One is no integer, or does not fit 64 bits with a sign.

    Examples
    --------
    >>> group_numbers([3, -1], 2)
    array([ 3, -1])
    """
    given = np.asarray(groups)
    if given.shape != (rows,):
        raise DimensionError(f"groups has shape {given.shape}, expected ({rows},): one for each vector")
    if given.size == 0:
        return np.empty(0, dtype=np.int64)
    if given.dtype.kind == "O" and all(type(number) is int for number in given.flat):
        raise OverflowError("groups holds a number beyond 64 bits, expected -2**63 to 2**63 - 1")
    if given.dtype.kind not in "iu":
        raise TypeError(f"groups holds {given.dtype}, expected integers")
    if given.max() > np.iinfo(np.int64).max:
        raise OverflowError(f"groups holds {given.max()}, expected -2**63 to 2**63 - 1")
    return np.require(given, np.int64, ["C", "A"])

"""What hnswlib's calls take and return, as this library takes and returns it."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.compat.foreign import LARGEST_ID
from vicinal.errors import CorruptIndexError, MismatchError

SPACES = ("l2", "ip", "cosine")
TOO_SHORT = "Cannot return the results in a contiguous 2D array. Probably ef or M is too small"
FULL = "The number of elements exceeds the specified limit"
LabelFilter = Callable[[int], bool]
_P = ParamSpec("_P")
_R = TypeVar("_R")


class DamagedFileError(CorruptIndexError, RuntimeError):
    """Damage, for those who catch what hnswlib raises."""


class OtherFileError(MismatchError, RuntimeError):
    """A file of another dimension or space, for those who catch what hnswlib raises."""


def damage_as_hnswlib_reports(load: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a method that loads raise what is a RuntimeError too."""

    @functools.wraps(load)
    def loading(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return load(*args, **kwargs)
        except CorruptIndexError as error:
            raise DamagedFileError(*error.args) from error
        except MismatchError as error:
            raise OtherFileError(*error.args) from error

    return loading


def check_space(space: str, dim: int) -> None:
    """Raise RuntimeError where hnswlib has no such space."""
    if space not in SPACES:
        raise RuntimeError("Space name must be one of l2, ip, or cosine.")
    if dim < 1:
        raise RuntimeError(f"dim is {dim}, expected 1 or more")


def rows_of(data: ArrayLike, dim: int, space: str) -> NDArray[np.float32]:
    """Vectors as hnswlib keeps them: float32, under cosine of length one."""
    rows = np.ascontiguousarray(data, dtype=np.float32)
    if rows.ndim not in (1, 2):
        raise RuntimeError("Input vector data wrong shape. Number of dimensions " + str(rows.ndim))
    rows = rows.reshape(-1, rows.shape[-1]) if rows.size else rows.reshape(0, dim)
    if rows.shape[1] != dim:
        raise RuntimeError("Wrong dimensionality of the vectors")
    if space != "cosine":
        return rows
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return (rows / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)


def columns_of(k: int) -> int:
    """Return how many neighbors are asked for. Raises TypeError, as hnswlib does, where that is no count."""
    if operator.index(k) < 0:
        raise TypeError(f"k is {k}, expected 0 or more")
    return operator.index(k)


def labels_of(ids: ArrayLike | None, n: int, start: int) -> NDArray[np.int64]:
    """Return a label for each of n rows: those given, or numbers from `start` on. Raises RuntimeError."""
    if ids is None:
        return np.arange(start, start + n, dtype=np.int64)
    labels = np.atleast_1d(np.asarray(ids))
    if labels.ndim != 1 or labels.dtype.kind not in "iuf":
        raise RuntimeError(f"The ids must be numbers in one dimension, got shape {labels.shape} of {labels.dtype}")
    if len(labels) != n:
        raise RuntimeError("Wrong dimensionality of the labels")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise RuntimeError("The ids hold NaN or an infinity")
    if len(labels) and (int(labels.min()) < 0 or int(labels.max()) > LARGEST_ID):
        raise RuntimeError(f"Labels go from 0 to {LARGEST_ID}")
    return labels.astype(np.int64)


def as_hnswlib_returns(
    ids: NDArray[np.int64], distances: NDArray[np.float32], k: int, strict: bool
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Return labels and distances in k columns; raise RuntimeError where a row is short, if `strict`."""
    missing = k - ids.shape[1]
    if missing > 0:
        ids = np.pad(ids, ((0, 0), (0, missing)), constant_values=-1)
        distances = np.pad(distances, ((0, 0), (0, missing)), constant_values=np.inf)
    ids, distances = ids[:, :k], distances[:, :k]
    if strict and (ids < 0).any():
        raise RuntimeError(TOO_SHORT)
    return ids.astype(np.uint64), np.ascontiguousarray(distances)

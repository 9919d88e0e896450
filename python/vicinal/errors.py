"""What can go wrong, by what the caller can do about it.

Every class is also the built-in exception a user would catch, so ``except ValueError`` keeps working.
Messages say what was wrong, where, what was found and what was expected.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CorruptIndexError",
    "DataWarning",
    "DimensionError",
    "DuplicateIdError",
    "FormatTooNewError",
    "Interrupted",
    "InvalidVectorError",
    "MismatchError",
    "NotAnIndexError",
    "NotTunedError",
    "ReadOnlyError",
    "RecallError",
    "UnknownIdError",
    "VicinalError",
]


class VicinalError(Exception):
    """The root of everything vicinal raises on its own account."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which puts a sentence into quotes.
        return Exception.__str__(self) if len(self.args) != 1 else str(self.args[0])


class DimensionError(VicinalError, ValueError):
    """An array has the wrong shape; the message names the shape found and the one expected."""


class InvalidVectorError(VicinalError, ValueError):
    """A vector holds something no distance can be computed from; the message names its row."""


class DuplicateIdError(VicinalError, KeyError):
    """An id is in the index already, or named twice in one call."""


class UnknownIdError(VicinalError, KeyError):
    """No vector in the index has this id."""


class RecallError(VicinalError, RuntimeError):
    """A search with ``strict=True`` found fewer than k neighbors."""


class NotTunedError(VicinalError, RuntimeError):
    """A recall was asked of an index that has no calibration."""


class CorruptIndexError(VicinalError, ValueError):
    """The bytes were an index once, but have been cut short or changed."""


class NotAnIndexError(VicinalError, ValueError):
    """The bytes are something else than an index."""


class FormatTooNewError(VicinalError, ValueError):
    """The file was written by a later version of vicinal than this one can read."""


class MismatchError(VicinalError, ValueError):
    """Two things do not belong together: fitted on or opened with another dim, metric, index or settings."""


class ReadOnlyError(VicinalError, io.UnsupportedOperation):
    """The index cannot be changed: it is mapped from a file, was closed, or belongs to the parent of this process.

    It is what files raise that were opened for reading only, so it is an `OSError` and a `ValueError` too.
    """


class DataWarning(UserWarning):
    """Legal, but probably not what was meant."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C ended an ``add`` before all vectors were in; the index is valid and holds those that are.

    Attributes
    ----------
    added : ndarray of int64, shape (number in,)
        The ids that are in, in the order in which they went in.
    """

    added: NDArray[np.int64]

    def __init__(self, added: NDArray[np.int64]) -> None:
        super().__init__(added)
        self.added = added

    def __str__(self) -> str:
        return f"add was interrupted: {len(self.added)} vectors are in, and the index is valid"

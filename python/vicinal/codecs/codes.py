"""Encoded vectors, and which code they are of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import CorruptIndexError
from vicinal.parts import PartsFile

__all__ = ["Codes"]

_FILE = PartsFile(b"vicinCR\x01", "codes of vectors")


@dataclass(frozen=True, eq=False)
class Codes:
    """Rows of bytes, one a vector, made by a fitted code.

    Attributes
    ----------
    rows : ndarray of uint8, shape (n, bytes_per_vector)
        All there is of the vectors: what distances need beside the code lies in the row too.
    made_by : str
        The code's `signature`: a code refuses what another has made.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.codecs import Recurrent
    >>> vectors = np.random.default_rng(0).standard_normal((300, 16))
    >>> codes = Recurrent(bits=4).fit(vectors).encode(vectors)
    >>> len(codes), codes.nbytes, len(codes[:10]), codes[[3, 1]].rows.shape
    (300, 6000, 10, (2, 20))
    """

    rows: NDArray[np.uint8]
    made_by: str

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """What all rows take."""
        return int(self.rows.nbytes)

    def __getitem__(self, which: slice | list[int] | NDArray[Any]) -> Codes:
        """Return some of the rows, as numpy does."""
        rows = self.rows[which]
        if rows.ndim != 2:
            raise TypeError(f"codes are taken by a slice, a list or an array, found {which!r}")
        return Codes(rows, self.made_by)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file, all or nothing. Raises OSError."""
        _FILE.write(path, {"made_by": self.made_by}, {"rows": self.rows})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Codes:
        """Read what `save` wrote. Raises NotAnIndexError, CorruptIndexError, FormatTooNewError, OSError."""
        about, parts = _FILE.read(path)
        rows, made_by = parts.get("rows"), about.get("made_by")
        if rows is None or rows.ndim != 2 or rows.dtype != np.uint8 or not isinstance(made_by, str) or len(parts) != 1:
            raise CorruptIndexError(f"{os.fsdecode(path)} is damaged: it has no rows of bytes, or nobody made them")
        return cls(rows, made_by)

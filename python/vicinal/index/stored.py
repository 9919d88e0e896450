"""An index as an object of Python: what it keeps beside the core, and its way to bytes and back."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from vicinal import _core
from vicinal.errors import DataWarning
from vicinal.settings import truth
from vicinal.writer import Writer

if TYPE_CHECKING:
    import hashlib

    from typing_extensions import Self

__all__ = ["StoredIndex"]

ROWS_AT_ONCE = 4096
EMPTY_LOG = 104  # bytes: its header, and the record of its having been opened


class StoredIndex(_core.Index):
    """The half of `vicinal.Index` that knows how an index is kept; the other half adds and searches."""

    __slots__ = ("_order", "_settings", "_writer")

    _settings: dict[str, Any]
    _order: dict[str, Any] | None
    _writer: Writer

    def _prepare(self) -> None:
        self._settings = self._options()
        self._order = None
        self._writer = Writer()

    @classmethod
    def _holding(cls, loaded: _core.Loaded) -> Self:
        index = cls.__new__(cls)
        _core.Index.__init__(index, loaded)
        index._prepare()
        return index

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep writers out, and savers, who need one moment of the index; Ctrl-C ends the wait."""
        begun = False
        try:
            with self._writer.alone():
                begun = True
                yield
        finally:
            if begun:
                self._commit()  # of an index with durability="every_call"; other writers go on meanwhile

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, all or nothing.

        When it returns, the file is the new index, also after power loss; when it raises, an old file of that name is
        untouched. (A `KeyboardInterrupt` in the moment of its return may be raised beside a new file; either file is
        whole.)

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            With the error's number and the file's name: no such folder, no permission, disk full.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "one.vicinal")
        ...     index.save(path)
        ...     len(vicinal.Index.load(path))
        1
        """
        with self._alone():
            kept = self._store()
            if kept is not None and os.path.realpath(path) == os.path.realpath(kept["path"]):
                self._checkpoint()
            else:
                self._save(_encoded(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, mmap: bool = False) -> Self:
        """Read an index from a file that `save` wrote.

        Parameters
        ----------
        path : str or path-like
        mmap : bool
            Use the vectors and links where they lie in the file, read only: the file is open at once, and processes
            that map the same one share its memory. Ids, states and the upper levels are checked at once, each megabyte
            of vectors and links when a call first comes to it, so that this call may raise `CorruptIndexError`.
            Searches of an index with ``codes`` walk on these, which are checked at once too, and read the few vectors
            they re-rank. Others walk on the vectors as they are stored (``traversal`` ``"exact"``), since their codes
            are not in the file. What is reported is measured in the same way. While it is in use the file may be
            replaced (`save` does that), but not changed or cut short.

        Raises
        ------
        CorruptIndexError, NotAnIndexError, FormatTooNewError
            What is in the file is no index that can be trusted. Any bytes may be given.
        OSError
            The file cannot be read.

        Warns
        -----
        DataWarning
            The file is kept by `Index.open`, and changes made since it was written are in the log beside it.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "one.vicinal")
        ...     index.save(path)
        ...     mapped = vicinal.Index.load(path, mmap=True)
        ...     mapped.search([1.0, 2.0], 1).ids.tolist()
        [0]
        """
        loaded = cls._holding(_core.load(_encoded(path), truth("mmap", mmap)))
        log = Path(f"{os.fsdecode(path)}.log")
        if log.exists() and log.stat().st_size > EMPTY_LOG:
            warnings.warn(
                f"beside {os.fsdecode(path)!r} lies a log of later changes, which only Index.open reads",
                DataWarning,
                stacklevel=2,
            )
        return loaded

    @staticmethod
    def info(path: str | os.PathLike[str]) -> dict[str, Any]:
        """Say what a file holds, without reading a vector.

        Returns
        -------
        dict
            The settings by name, ``"size"`` (vectors), ``"removed"``, ``"file_bytes"`` and ``"format"`` (its version).

        Raises
        ------
        CorruptIndexError, NotAnIndexError, FormatTooNewError, OSError
            As for `load`.
        """
        return _core.info(_encoded(path))

    def to_bytes(self) -> bytes:
        """Return what `save` would write."""
        with self._alone():
            return self._to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self:
        """Make an index of what `to_bytes` returned.

        Raises
        ------
        CorruptIndexError, NotAnIndexError, FormatTooNewError
            As for `load`.

        Examples
        --------
        >>> import vicinal
        >>> index = vicinal.Index(2)
        >>> _ = index.add([[1.0, 2.0]])
        >>> vicinal.Index.from_bytes(index.to_bytes()).to_bytes() == index.to_bytes()
        True
        """
        return cls._holding(_core.from_bytes(memoryview(data).cast("B")))

    def digest(self) -> str:
        """Return a hash of what is in the index: equal contents, equal digests.

        What is hashed: metric, dtype and dim; the ids, ascending; the vectors as `get` returns them, in that order; and
        the groups, where there are any. What is not: in which sequence and by how many threads they came in, what was
        removed before, the graph and its settings, a calibration. So it tells whether two indexes, or an index and its
        copy on another machine, hold the same things; whether they are the same byte for byte, `to_bytes` tells.

        Returns
        -------
        str
            SHA-256, 64 hexadecimal digits.

        Examples
        --------
        >>> import vicinal
        >>> one, other = vicinal.Index(2), vicinal.Index(2, M=8)
        >>> _ = one.add([[1.0, 2.0], [3.0, 4.0]])
        >>> _ = other.add([[3.0, 4.0], [1.0, 2.0]], ids=[1, 0])
        >>> one.digest() == other.digest()
        True
        """
        import hashlib  # slow to import, and few who import the package need it

        with self._alone():
            ids = self._ids()
            kind = (self._settings[name] for name in ("metric", "dtype", "dim"))
            content = hashlib.sha256("vicinal digest 1 {} {} {}\n".format(*kind).encode())
            _hash_array(content, ids)
            for first in range(0, len(ids), ROWS_AT_ONCE):
                _hash_array(content, self._get(ids[first : first + ROWS_AT_ONCE]))
            if len(ids) and self._has_groups():
                _hash_array(content, self._groups(ids))
        return content.hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),), getattr(self, "__dict__", None) or None


def _hash_array(content: hashlib._Hash, array: NDArray[Any]) -> None:
    content.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())


def _encoded(path: str | os.PathLike[str]) -> bytes:
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError(f"path {path!r} holds a zero byte")
    return name

"""An index that lives in a file: what was added is there again after the process, or the power, is gone."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vicinal import _core
from vicinal.errors import MismatchError
from vicinal.index.stored import StoredIndex, _encoded
from vicinal.settings import DURABILITIES, metric_and_dtype, one_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DurableIndex"]

# The names that other libraries give to the settings of an index, as in its __init__.
ALIASES = {"space": "metric", "connectivity": "M", "expansion_add": "ef_construction"}


class DurableIndex(StoredIndex):
    """The part of `vicinal.Index` that keeps an index in a file and a log."""

    __slots__ = ()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        dim: int | None = None,
        metric: str = "l2",
        *,
        durability: str = "batched",
        **index_options: Any,
    ) -> Self:
        """Open an index that is kept in a file, or make one there.

        Beside the file ``name`` lie ``name.log``, the changes since the file was written, and ``name.lock``, which says
        that somebody has it open for writing. Changes are written to the log before they are made; when the log has
        grown to an eighth of the index, and at `close`, the file is written anew and the log begins anew. `open` makes
        the changes in the log once more, so it is quick after a `close`. Searches are those of any index, and wait for
        nothing of this.

        Parameters
        ----------
        path : str or path-like
        dim : int, optional
            Of the index to make; needed where there is no file. Where there is one, it must be the file's.
        metric : str
            The same. Without `dim`, ``"l2"`` takes whatever the file has.
        durability : str
            What a call that has returned survives. ``"every_call"``: a loss of power. ``"batched"``: the end of this
            process, whatever ends it, and a loss of power once `sync` has returned. ``"none"``: neither, before `sync`
            or `close` has returned; there is no log, and both write the whole file.
        **index_options
            As for `vicinal.Index`; where there is a file, each that is given must be the file's.

        Returns
        -------
        Index
            To be closed, or used in a ``with`` statement. One that is neither is left as by a process that ended.

        Raises
        ------
        BlockingIOError
            Somebody has it open for writing: another process, this one, or the parent of this one.
        MismatchError
            The file is of another dim, metric or setting; or file and log do not belong together.
        FileNotFoundError
            There is no file, and no `dim` to make one with.
        CorruptIndexError, NotAnIndexError, FormatTooNewError
            What is in the file or in the log cannot be trusted. A record that was cut short at the end of the log is
            none of that: its call never returned, and it is dropped.
        OSError
            A file cannot be read or written. After a write to the log has failed, the index can be searched, and
            changed again once it has been opened anew.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import vicinal
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name, "living")
        >>> with vicinal.Index.open(path, 2) as index:
        ...     _ = index.add([[1.0, 2.0], [3.0, 4.0]])
        ...     index.remove([0])
        >>> with vicinal.Index.open(path) as index:
        ...     index.ids.tolist()
        [1]
        >>> folder.cleanup()
        """
        one_of("durability", durability, DURABILITIES)
        options = {ALIASES.get(name, name): value for name, value in index_options.items()}
        if Path(os.fsdecode(path)).exists():
            _compare(path, dim, metric, options)
            like = None
        elif dim is None:
            raise FileNotFoundError(2, "there is no index here, and no dim was given to make one", os.fspath(path))
        else:
            like = cls(dim, metric, **index_options)
        return cls._holding(_core.open_store(_encoded(path), durability, like))

    def sync(self) -> None:
        """Wait until everything that was done survives a loss of power.

        Raises
        ------
        ValueError
            The index is not kept in a file: there is nothing that could survive. `save` writes one.
        OSError
            The disk failed. What had been synced before stays.
        ReadOnlyError
            The index was closed, or belongs to the parent of this process.
        """
        with self._alone():
            self._sync()

    def close(self) -> None:
        """Write the file if anything was changed, and let go of it.

        The index can be searched on, and no longer be changed. An index that is not kept in a file has nothing to let
        go of: nothing happens, and it can still be changed.

        Raises
        ------
        OSError
            The file could not be written. The old one and its log still hold everything.
        """
        if self._store() is None:
            return
        with self._alone():
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _compare(path: str | os.PathLike[str], dim: int | None, metric: str, options: dict[str, Any]) -> None:
    """Compare what was asked for with what the file says."""
    asked = dict(options)
    if dim is not None:
        asked["dim"] = dim
    if dim is not None or metric != "l2":
        asked.setdefault("metric", metric)
    if asked.get("dtype", "") is None:
        asked["dtype"] = metric_and_dtype(metric, None)[1]
    found = {"codes": None, "vectors": "memory", **_core.info(_encoded(path))}
    for name, value in asked.items():
        if name not in found:
            raise TypeError(f"open() got an unexpected setting {name!r}")
        if found[name] != value:
            raise MismatchError(f"{os.fsdecode(path)!r} holds an index with {name}={found[name]!r}, expected {value!r}")

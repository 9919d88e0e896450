"""A folder of shards that is open: which shards answer, and asking all of them at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vicinal.arrays import one_id
from vicinal.errors import CorruptIndexError, FormatTooNewError, MismatchError, NotAnIndexError, UnknownIdError
from vicinal.settings import truth
from vicinal.shards.coverage import Coverage
from vicinal.shards.executors import Executor, Threads
from vicinal.shards.manifest import Manifest, read_manifest
from vicinal.shards.routing import shard_of
from vicinal.shards.shard import Shard

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["OpenShards", "State"]

# What is wrong with a shard, not with a call: with ``partial=True`` the others answer without it.
FAULTS = (CorruptIndexError, NotAnIndexError, FormatTooNewError, MismatchError, OSError)


@dataclass(frozen=True)
class State:
    """What is open at one moment; a change makes another one, and calls under way keep theirs."""

    manifest: Manifest
    shards: tuple[Shard, ...]
    missing: dict[int, str]

    @classmethod
    def of(cls, folder: Path, manifest: Manifest, *, partial: bool) -> State:
        """Open every shard; one that is missing or damaged is an error, or is left out."""
        count = len(manifest.shards)
        shards = tuple(Shard(folder, i, count, entry, manifest.settings) for i, entry in enumerate(manifest.shards))
        faults = {shard.number: _fault(shard) for shard in shards} if partial else {}
        if not partial:
            for shard in shards:
                shard.open()
        return cls(manifest, shards, {number: fault for number, fault in faults.items() if fault})

    @property
    def there(self) -> list[Shard]:
        """The shards that answer."""
        return [shard for shard in self.shards if shard.number not in self.missing]

    @property
    def coverage(self) -> Coverage:
        """The part of the data they hold."""
        held = sum(shard.entry.vectors for shard in self.there)
        return Coverage(held, self.manifest.vectors, len(self.shards), dict(self.missing))


class OpenShards:
    """The part of `ShardedIndex` that opens, counts and looks up."""

    _folder: Path
    _partial: bool
    _executor: Executor
    _now: State | None

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, partial: bool = False, executor: Executor | None = None) -> Self:
        """Open a folder that `build_sharded` made.

        Files are mapped, so that processes of one host share their memory. The manifest is compared with each file's
        length, settings and ids; vectors and links are looked at when a call first comes to them (`check` looks at
        everything).

        Parameters
        ----------
        folder : path
        partial : bool
            Do without a shard that is missing or damaged, now or later; ``coverage`` says what is left. Without this
            such a shard is an error.
        executor : Executor, optional
            Who searches: `Threads` of this process by default, or `Processes`.

        Raises
        ------
        FileNotFoundError
            There is no manifest, or a shard is missing; the message names it.
        CorruptIndexError, NotAnIndexError, FormatTooNewError, MismatchError
            The manifest or a shard is damaged, something else, too new, or they do not belong together.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import vicinal
        >>> folder = tempfile.TemporaryDirectory()
        >>> rows = np.random.default_rng(0).random((300, 8), dtype=np.float32)
        >>> vicinal.shards.build_sharded(rows, folder.name, shards=3).close()
        >>> pathlib.Path(folder.name, "shard-00001-0.vicinal").unlink()
        >>> with vicinal.shards.ShardedIndex.open(folder.name, partial=True) as index:
        ...     index.coverage.complete, sorted(index.coverage.missing)
        (False, [1])
        >>> folder.cleanup()
        """
        index = cls.__new__(cls)
        index._folder = Path(folder).absolute()
        index._partial = truth("partial", partial)
        index._executor = Threads() if executor is None else executor
        index._now = State.of(index._folder, read_manifest(index._folder), partial=index._partial)
        return index

    def close(self) -> None:
        """Let go of the files and of the executor's workers. Every later call raises ValueError."""
        self._now = None
        self._executor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _state(self) -> State:
        if self._now is None:
            raise ValueError(f"the sharded index of {str(self._folder)!r} was closed")
        return self._now

    @property
    def coverage(self) -> Coverage:
        """Which part of the data answers; everything, unless ``partial=True`` and a shard is missing."""
        return self._state.coverage

    @property
    def dim(self) -> int:
        """Elements of a vector; for packed bits, bits."""
        return self._state.manifest.settings["dim"]  # type: ignore[no-any-return]

    @property
    def metric(self) -> str:
        """What distances measure."""
        return self._state.manifest.settings["metric"]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        """What vectors are stored as."""
        return self._state.manifest.settings["dtype"]  # type: ignore[no-any-return]

    @property
    def ids(self) -> NDArray[np.int64]:
        """Ids of all vectors of the shards that answer: int64, ascending."""
        return _ids_of(self._state)

    def __len__(self) -> int:
        return self._state.coverage.vectors

    def __contains__(self, id: object) -> bool:  # noqa: A002
        try:
            number = one_id(id)
        except OverflowError:  # no vector can have it
            return False
        if number is None:
            raise TypeError(f"id is {id!r}, expected an integer")
        state = self._state
        owner = int(shard_of(np.array([number]), len(state.shards))[0])
        return owner not in state.missing and number in state.shards[owner].index()

    def __repr__(self) -> str:
        if self._now is None:
            return f"<{type(self).__name__} of {str(self._folder)!r}: closed>"
        settings = ", ".join(f"{name}={value!r}" for name, value in self._state.manifest.settings.items())
        return f"<{type(self).__name__} of {self._state.coverage}: {settings}>"

    def _asked(
        self, state: State, function: Callable[..., Any], calls: Callable[[Shard], tuple[Any, ...]]
    ) -> tuple[list[Any], State]:
        """Ask every shard that answers; return the answers, and the state in which all of them are right."""
        shards = state.there
        outcomes = self._executor.run(function, [(shard, *calls(shard)) for shard in shards])
        faults = {}
        for shard, outcome in zip(shards, outcomes, strict=True):
            if isinstance(outcome, FAULTS) and self._partial:
                faults[shard.number] = str(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        if faults:
            told = replace(state, missing={**state.missing, **faults})
            if self._now is state:
                self._now = told
            state = told
        return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)], state

    def _shares(self, shards: Sequence[Any]) -> int:
        """Return how many threads each of the calls may take that run at once."""
        from vicinal.shards.executors import cores

        return max(1, cores() // max(1, min(self._executor.workers(), len(shards))))


def _fault(shard: Shard) -> str:
    """Open a shard, or say why that cannot be."""
    try:
        shard.open()
    except FAULTS as error:
        return str(error)
    return ""


def unknown(id: int, shard: Shard, missing: dict[int, str]) -> UnknownIdError:  # noqa: A002
    """Return the error for an id that is not there, or whose shard is not."""
    if shard.number in missing:
        return UnknownIdError(f"id {id} would be in a shard that does not answer: {missing[shard.number]}")
    return UnknownIdError(f"id {id} is not in the index")


def _ids_of(state: State) -> NDArray[np.int64]:
    parts = [shard.index().ids for shard in state.there]
    ids = np.concatenate([*parts, np.empty(0, dtype=np.int64)])
    ids.sort()
    return ids

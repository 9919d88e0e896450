"""From a source of any length to a folder of shards.

The source is read once: each row is checked and goes to a file of its shard (`spill`), on the disk of the folder,
which takes as much room again as the rows. Then each shard is built by itself, from its own rows in the order of the
source, so that its bytes depend neither on the others nor on who builds it and when. What each was built from is
noted with a digest as soon as its file is whole; a build that was cut short reads the source again, and builds what
is missing. The manifest comes last: there is a sharded index, or there is none yet.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vicinal._core import MAX_THREADS
from vicinal.arrays import IdsLike
from vicinal.errors import DataWarning
from vicinal.files import replace_file
from vicinal.index import Index
from vicinal.settings import metric_and_dtype, whole_number
from vicinal.shards.executors import Executor, Threads, cores
from vicinal.shards.locked import only_writer
from vicinal.shards.manifest import Entry, Manifest, file_sha256, read_manifest
from vicinal.shards.routing import MAX_SHARDS
from vicinal.shards.sharded import ShardedIndex
from vicinal.shards.source import Source, batches_of
from vicinal.shards.spill import Part, spilled

__all__ = ["build_sharded"]

UNFINISHED = "building"


@dataclass(frozen=True)
class Job:
    """One shard to build."""

    number: int
    file: Path
    note: Path
    settings: dict[str, Any]
    part: Part
    known: Entry | None  # what a finished manifest says of it
    threads: int


def build_sharded(
    source: Source,
    folder: str | os.PathLike[str],
    *,
    shards: int,
    metric: str = "l2",
    ids: IdsLike | str | None = None,
    column: str | None = None,
    executor: Executor | None = None,
    threads: int = 0,
    **index_options: Any,
) -> ShardedIndex:
    """Build a sharded index in a folder.

    Called again after it was cut short, with the same arguments, it builds what is missing; a shard whose file is
    whole is not built again. Neither the order in which shards are built nor `executor` and `threads` change a byte.

    Parameters
    ----------
    source : array_like, shape (n, dim); path; or iterable of batches
        Vectors as `vicinal.Index.add` takes them; a file ``.npy .fbin .u8bin .i8bin`` (used where it lies) or
        ``.parquet`` (read in batches); an Arrow table; or anything else that yields batches, each an array of rows or
        an Arrow record batch: of these one is in memory at a time. A list or a tuple is one array; ``iter(list)``
        yields batches. It is read once, and its rows are kept in the folder while the shards are built.
    folder : path
        Made if it is not there.
    shards : int
        1 to 65 536. Each is built in memory by itself.
    metric : str
    ids : array_like of int, shape (n,), or str, optional
        One for each row, or the column of the Parquet file or Arrow table that holds them. By default consecutive
        numbers from 0.
    column : str, optional
        Of a Parquet file or Arrow table: the vectors, where several columns hold lists.
    executor : Executor, optional
        `Threads` (the default, with one worker: each shard is built by all `threads`) or `Processes`.
    threads : int
        For each shard that is being built. 0 shares the cores this process may use among the executor's workers.
    **index_options
        As for `vicinal.Index`.

    Returns
    -------
    ShardedIndex

    Raises
    ------
    DimensionError, InvalidVectorError, DuplicateIdError, TypeError, ValueError
        Something is wrong with the source, its ids or a setting. Nothing has been built.
    FileExistsError
        The folder holds a sharded index of other rows or settings, or one that has been changed since.
    BlockingIOError
        Somebody is changing or building it.
    OSError
        The disk is full, for example. Call again.

    Warns
    -----
    DataWarning
        There are more shards than rows.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import vicinal
    >>> rows = np.random.default_rng(0).random((300, 8), dtype=np.float32)
    >>> folder = tempfile.TemporaryDirectory()
    >>> index = vicinal.shards.build_sharded(rows, pathlib.Path(folder.name, "rows"), shards=3)
    >>> len(index), index.search(rows[7], k=1).ids.tolist()
    (300, [7])
    >>> index.close()
    >>> folder.cleanup()
    """
    count = whole_number("shards", shards, 1, MAX_SHARDS)
    workers = whole_number("threads", threads, 0, MAX_THREADS)
    metric_and_dtype(metric, index_options.get("dtype"))
    crew = Threads(1) if executor is None else executor
    home = Path(folder)
    batches, like = _looked_at(batches_of(source, ids, column), metric, index_options)
    home.mkdir(exist_ok=True)
    with only_writer(home):
        _build(home, batches, like, count, crew, workers or max(1, cores() // crew.workers()))
    return ShardedIndex.open(home)


def _looked_at(
    batches: Iterator[tuple[Any, Any]], metric: str, options: dict[str, Any]
) -> tuple[Iterator[tuple[Any, Any]], Index]:
    """Make an empty index for vectors as long as those of the first batch."""
    first = next(batches, None)
    if first is None:
        raise ValueError("source yields no batch: nothing says how long its vectors are")
    shape = np.shape(first[1]) if not hasattr(first[1], "type") else (len(first[1]), first[1].type.list_size)
    bits = metric_and_dtype(metric, options.get("dtype"))[1] == "b1"
    width = shape[1] if len(shape) == 2 else 1  # whatever else it is, `vector_rows` refuses it by name
    return itertools.chain([first], batches), Index(width * (8 if bits else 1), metric, **options)


def _build(
    home: Path, batches: Iterator[tuple[Any, Any]], like: Index, shards: int, crew: Executor, threads: int
) -> None:
    finished = read_manifest(home) if (home / "manifest.json").exists() else None
    _refuse(home, finished, like, shards, None)
    work = home / UNFINISHED
    work.mkdir(exist_ok=True)
    parts = spilled(batches, like, work, shards)
    try:
        _refuse(home, finished, like, shards, parts)
    except FileExistsError:
        shutil.rmtree(work)
        raise
    known = finished.shards if finished else (None,) * shards
    blank = Entry(0, 0, -1, -1, 0, "", None)
    jobs = [
        Job(i, home / blank.file(i), work / f"{i:05d}.json", like._options(), part, known[i], threads)
        for i, part in enumerate(parts)
    ]
    built = crew.run(build_shard, [(job,) for job in jobs])
    for number, outcome in enumerate(built):
        if isinstance(outcome, BaseException):
            outcome.add_note(f"shard {number} of {home}") if hasattr(outcome, "add_note") else None
            raise outcome
    if finished is None:
        next_id = max((entry.largest_id for entry in built), default=-1) + 1
        Manifest(like._options(), tuple(built), next_id=next_id).write(home)
    shutil.rmtree(work)
    rows = sum(entry.vectors for entry in built)
    if 0 < rows < shards:
        warnings.warn(f"{shards} shards are more than the {rows} rows: some are empty", DataWarning, stacklevel=3)


def _refuse(home: Path, finished: Manifest | None, like: Index, shards: int, parts: list[Part] | None) -> None:
    """Leave alone what is not what this call would have built."""
    if finished is None:
        return
    why = None
    if finished.generation or any(entry.source is None for entry in finished.shards):
        why = "was changed since it was built"
    elif len(finished.shards) != shards or finished.settings != like._options():
        why = "has other settings"
    elif parts is not None and [part.source for part in parts] != [entry.source for entry in finished.shards]:
        why = "holds other rows"
    if why:
        raise FileExistsError(17, f"there is a sharded index that {why}; build into another folder", str(home))


def build_shard(job: Job) -> Entry:
    """Build one shard, unless its file is there and whole."""
    entry = job.known or _noted(job.note)
    if entry is not None and entry.source == job.part.source and _is_whole(job.file, entry):
        return entry
    index = Index(**job.settings)
    ids = job.part.numbers()
    if len(ids):
        index.add(job.part.vectors(), ids, threads=job.threads)
    index.save(job.file)
    bounds = (int(ids.min()), int(ids.max())) if len(ids) else (-1, -1)
    entry = Entry(0, len(ids), *bounds, job.file.stat().st_size, file_sha256(job.file), job.part.source)
    replace_file(job.note, [json.dumps(asdict(entry)).encode()])
    return entry


def _noted(note: Path) -> Entry | None:
    try:
        return Entry(**json.loads(note.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _is_whole(file: Path, entry: Entry) -> bool:
    return file.exists() and file.stat().st_size == entry.bytes and file_sha256(file) == entry.sha256

"""All near pairs of what lies in a folder of shards: near-duplicates, and candidates for entity resolution."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from vicinal._core import MAX_EF, MAX_THREADS
from vicinal.arrays import query_rows
from vicinal.lsh import Pairs
from vicinal.lsh.graph import PIECE, Near, check_join, joined, near
from vicinal.settings import truth, whole_number
from vicinal.shards.executors import Executor, Threads, cores
from vicinal.shards.manifest import read_manifest
from vicinal.shards.merge import merged_hits
from vicinal.shards.opened import State
from vicinal.shards.shard import Shard, search_one

__all__ = ["self_join"]


def self_join(
    folder: str | os.PathLike[str],
    threshold: float,
    k_max: int = 100,
    *,
    ef: int | None = None,
    exact: bool = False,
    executor: Executor | None = None,
    threads: int = 0,
) -> Pairs:
    """Find the pairs of a sharded index that are at most `threshold` apart, in one shard or across two.

    Each vector is searched for in every shard; a pair is found when either has the other among its `k_max` nearest of
    all. Workers take pieces of one shard each; neither their number nor their order changes the answer.

    Parameters
    ----------
    folder : path
        A sharded index, all of it: a missing shard would lose pairs.
    threshold : float
        Distance at most, in the metric's own unit.
    k_max : int
        Neighbors of each vector to look at.
    ef : int, optional
        Width of the beam in each shard; by default max(64, 2 k_max).
    exact : bool
        Compare each vector with every other.
    executor : Executor, optional
        `Threads` by default, with one worker; `Processes`; or one for many machines, which all see the folder.
    threads : int
        For each piece that is being searched. 0 shares the cores this process may use among the workers.

    Returns
    -------
    Pairs
        As `vicinal.lsh.index_pairs` gives for a single index.

    Raises
    ------
    ValueError
        A setting is out of range.
    FileNotFoundError, CorruptIndexError, NotAnIndexError, FormatTooNewError, MismatchError
        As for `ShardedIndex.open`.

    Examples
    --------
    >>> import tempfile
    >>> import vicinal
    >>> folder = tempfile.TemporaryDirectory()
    >>> vicinal.shards.build_sharded([[0.0, 0.0], [0.0, 0.1], [5.0, 5.0]], folder.name, shards=2).close()
    >>> vicinal.shards.self_join(folder.name, 0.5).pairs.tolist()
    [[0, 1]]
    >>> folder.cleanup()
    """
    check_join(threshold, k_max)
    width = 0 if ef is None else whole_number("ef", ef, 1, MAX_EF)
    compare, workers = truth("exact", exact), whole_number("threads", threads, 0, MAX_THREADS)
    crew = Threads(1) if executor is None else executor
    home = Path(folder).absolute()
    shards = State.of(home, read_manifest(home), partial=False).shards
    share = workers or max(1, cores() // crew.workers())
    calls = [
        (shards, shard.number, first, threshold, k_max, width, compare, share)
        for shard in shards
        for first in range(0, shard.entry.vectors, PIECE)
    ]
    parts = crew.run(near_piece, calls)
    for part in parts:
        if isinstance(part, BaseException):
            raise part
    return joined(parts)


def near_piece(
    shards: tuple[Shard, ...], number: int, first: int, threshold: float, k_max: int, ef: int, exact: bool, threads: int
) -> Near:
    """Search all shards for a piece of one, and return what is near."""
    index = shards[number].index()
    own = index.ids[first : first + PIECE]
    rows, _ = query_rows(index.get(own), index.dim, index.dtype)
    lists = [
        search_one(shard, rows, min(k_max + 1, max(shard.entry.vectors, 1)), ef, exact, threads, False, None)[:2]
        for shard in shards
    ]
    return near(np.asarray(own), *merged_hits(lists, len(own), k_max + 1), threshold)

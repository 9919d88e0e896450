"""Index files of USearch 2: vectors, a head that says of what kind they are, then the graph node by node."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.compat.foreign import ForeignBytes, ForeignGraph
from vicinal.errors import CorruptIndexError, NotAnIndexError
from vicinal.index import Index

_MAGIC = b"usearch"
_HEAD_BYTES = 64
_METRICS = {ord("e"): "l2", ord("c"): "cosine", ord("i"): "ip", ord("b"): "hamming", ord("t"): "jaccard"}
_KINDS = {11: ("f32", 4), 12: ("f16", 2), 4: ("bf16", 2), 23: ("i8", 1), 1: ("b1", 1)}  # and bytes of a column
_KEYS, _SLOTS = 14, 15  # 64 and 32 bits
_REMOVED = 2**64 - 1
_AT_ONCE = 65_536  # nodes


def read_usearch(path: str | os.PathLike[str], **options: Any) -> Index:
    """Take over an index that USearch saved: the same graph, the same keys as ids, the same removed entries.

    Parameters
    ----------
    path : str or path-like
        What ``usearch.index.Index.save`` wrote, with its vectors.
    **options
        ``traversal`` or ``seed`` of `Index`.

    Returns
    -------
    Index
        Of the type USearch kept: float32, float16, bfloat16, int8 (cos and l2sq, measured on the integers) or packed
        bits; metric l2sq, ip, cos, hamming or tanimoto
        (our jaccard). USearch does not write down its expansion_add: ef_construction is 128.

    Raises
    ------
    NotAnIndexError
        It is no file of USearch 2, or one with several vectors a key, another metric or type, which is named.
    CorruptIndexError
        The file is damaged; any bytes may be given. A key is above 2**63 - 1.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, pytest
    >>> from vicinal.compat import read_usearch
    >>> usearch = pytest.importorskip("usearch.index")
    >>> vectors = np.random.default_rng(0).random((200, 8), dtype=np.float32)
    >>> theirs = usearch.Index(ndim=8, metric="l2sq", dtype="f32")
    >>> _ = theirs.add(np.arange(200), vectors)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "index.usearch")
    ...     theirs.save(path)
    ...     read_usearch(path).search(vectors[5], k=1).ids.tolist()
    [5]
    """
    source = ForeignBytes.of(path)
    rows, columns = _matrix(source)
    at_vectors = source.at
    source.take("u1", rows * columns, "the vectors")
    head = source.take("u1", _HEAD_BYTES, "the head").tobytes()
    metric, dtype, dim = _kind(source, head, columns)
    source.at, after = at_vectors, source.at
    vectors = _as_taken(source.take("u1", rows * columns, "the vectors").reshape(rows, columns), dtype)
    source.at = after

    n, M, M0, top, entry = (int(number) for number in source.take("<u8", 5, "the head of the graph"))
    source.check(n == rows, f"{rows} vectors stand for {n} nodes")
    source.check(1 <= M <= 4_096 and 1 <= M0 <= 8_192, f"the connectivity is {M} and {M0}")
    levels = source.take("<i2", n, "the levels").astype(np.int64)
    source.check(bool((levels >= 0).all() and (levels <= 64).all()), "a level is out of range")
    source.check(n == 0 or (entry < n and levels[entry] == top), "the entry is not on the highest level")
    keys, counts, targets, upper_counts, upper_targets = _nodes(source, levels, M, M0)
    source.check(source.left == 0, f"{source.left} bytes follow the last node")

    gone = keys == _REMOVED
    graph = ForeignGraph(
        vectors=vectors[:, :dim] if dtype != "b1" else vectors,
        ids=np.where(gone, 0, keys),
        levels=levels,
        counts=counts,
        targets=targets,
        upper_counts=upper_counts,
        upper_targets=upper_targets,
        entry=entry,
        gone=gone,
        dtype=dtype,
    )
    return graph.adopt(metric, max(M, -(-M0 // 2)), 128, source.name, **options)


def is_usearch(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as one of USearch 2 does. Raises OSError."""
    try:
        _matrix(ForeignBytes.of(path))
    except (CorruptIndexError, NotAnIndexError) as error:
        return "without its vectors" in str(error)
    return True


def _matrix(source: ForeignBytes) -> tuple[int, int]:
    """Rows and bytes of a row: two numbers of 32 bits or, in files of many rows, of 64."""
    if source.take("u1", min(7, source.left), "the file").tobytes() == _MAGIC:
        raise NotAnIndexError(f"{source.name} was saved by USearch without its vectors")
    for kind in ("<u4", "<u8"):
        source.at = 0
        if source.left < 2 * np.dtype(kind).itemsize + _HEAD_BYTES:
            break
        rows, columns = (int(number) for number in source.take(kind, 2, "the size of the vectors"))
        if rows * columns + _HEAD_BYTES > source.left:
            continue
        start = source.at
        source.at += rows * columns
        found = source.take("u1", 7, "the head").tobytes() == _MAGIC
        source.at = start
        if found:
            source.check(rows < 2**31, f"the number of vectors is {rows}, expected less than 2^31")
            return rows, columns
    raise NotAnIndexError(f"{source.name} is no index of USearch 2")


def _kind(source: ForeignBytes, head: bytes, columns: int) -> tuple[str, str, int]:
    """Return metric, type and dimension."""
    metric, scalar, key, slot = head[13:17]
    dim, multi = int.from_bytes(head[33:41], "little"), head[41] != 0
    unknown = [
        f"{what} {found}"
        for what, found, known in (
            ("metric", repr(chr(metric)), metric in _METRICS),
            ("scalar kind", scalar, scalar in _KINDS),
            ("key kind", key, key == _KEYS),
            ("slot kind", slot, slot == _SLOTS),
            ("several vectors a key:", multi, not multi),
        )
        if not known
    ]
    if not unknown and _METRICS[metric] == "ip" and scalar == 23:
        unknown = ["inner products of int8, which USearch scales"]
    if not unknown and (_METRICS[metric] in ("hamming", "jaccard")) != (scalar == 1):
        unknown = [f"metric {_METRICS[metric]} with scalar kind {scalar}"]
    if unknown:
        raise NotAnIndexError(f"{source.name} has {', '.join(unknown)}, which this library does not read")
    dtype, width = _KINDS[scalar]
    expected = -(-dim // 8) if dtype == "b1" else dim * width
    source.check(1 <= dim <= 65_536 and (dtype != "b1" or dim % 8 == 0), f"the dimension is {dim}")
    source.check(columns == expected, f"a vector takes {columns} bytes, expected {expected}")
    return _METRICS[metric], dtype, dim


def _as_taken(rows: NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    if dtype == "f32":
        return rows.view("<f4")
    if dtype == "f16":
        with np.errstate(invalid="ignore"):  # a signaling NaN, which is no vector and will be told as such
            return rows.view("<f2").astype(np.float32)
    if dtype == "bf16":
        return (rows.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return rows.view("i1") if dtype == "i8" else rows


def _nodes(source: ForeignBytes, levels: NDArray[np.int64], M: int, M0: int) -> tuple[NDArray[Any], ...]:
    """Keys, and the links of level 0 and of the levels above."""
    lower, upper, head = 4 + 4 * M0, 4 + 4 * M, 10  # bytes of a row of links, and of what stands before them
    lengths = head + lower + upper * levels
    tape = source.take("u1", int(lengths.sum()), "the nodes")
    starts = np.cumsum(lengths) - lengths
    owners = np.repeat(np.arange(len(levels)), levels)
    above = np.arange(len(owners)) - (np.cumsum(levels) - levels)[owners]
    keys = _records(tape, starts, 8).view("<u8")[:, 0]
    rows = _records(tape, starts + head, lower).view("<u4")
    higher = _records(tape, starts[owners] + head + lower + upper * above, upper).view("<u4")
    counts, upper_counts = rows[:, 0].astype(np.int64), higher[:, 0].astype(np.int64)
    return keys, counts, rows[:, 1:], upper_counts, higher[:, 1:]


def _records(tape: NDArray[np.uint8], starts: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
    """So many bytes from each start on; piece by piece, since the table of places is eight times as large."""
    records = np.empty((len(starts), length), np.uint8)
    for first in range(0, len(starts), _AT_ONCE):
        piece = slice(first, first + _AT_ONCE)
        records[piece] = tape[starts[piece, None] + np.arange(length)]
    return records

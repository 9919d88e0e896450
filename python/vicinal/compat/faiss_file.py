"""Index files of faiss: IndexHNSWFlat and IndexHNSWSQ, by themselves or with ids of the user's around them.

Such a file is a nest of indexes, each with four letters, a header and its parts: the graph (for each node how many
levels it has, and one list of targets for all of them, cut by how many a level has room for), then the vectors.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.compat.foreign import MAX_LEVEL, ForeignBytes, ForeignGraph
from vicinal.errors import NotAnIndexError
from vicinal.index import Index

_METRICS = {0: "ip", 1: "l2"}
_GRAPHS = (b"IHNf", b"IHNs")
_WITH_IDS = (b"IxMp", b"IxM2")
_FLAT = (b"IxF2", b"IxFI", b"IxFl")
# By the number of faiss's ScalarQuantizer type: bytes of a dimension, and the type of index that holds them.
_QUANTIZERS = {0: (1, "f32"), 2: (1, "f32"), 4: (2, "f16"), 5: (1, "u8"), 7: (2, "bf16"), 8: (1, "i8")}
_OTHERS = {
    b"IHNp": "IndexHNSWPQ",
    b"IHN2": "IndexHNSW2Level",
    b"IHNc": "IndexHNSWCagra",
    b"IHc2": "IndexHNSWCagra",
    b"IBHf": "IndexBinaryHNSW",
    b"IxPT": "IndexPreTransform: hand in its .index, and queries that are transformed",
    b"IxRF": "IndexRefine: hand in its .base_index",
    b"IxF2": "IndexFlatL2, which has no graph",
    b"IxFI": "IndexFlatIP, which has no graph",
    b"IxSQ": "IndexScalarQuantizer, which has no graph",
    b"IwFl": "IndexIVFFlat, which has no graph",
    b"IwPQ": "IndexIVFPQ, which has no graph",
}
_NOBODY = 2**32 - 1
_AT_ONCE = 16_384  # rows of links
_FROM_MEMORY = "the faiss index"


def read_faiss(path_or_index: Any, **options: Any) -> Index:
    """Take over an HNSW index of faiss: the same graph, the same ids.

    Parameters
    ----------
    path_or_index : str or path-like, or an index of faiss
        What ``faiss.write_index`` wrote (read without faiss), or the index itself.
    **options
        ``traversal`` or ``seed`` of `Index`.

    Returns
    -------
    Index
        Of float32; of a scalar quantizer: of 8 bits a dimension what its codes stand for in float32, of halves, bytes
        and bfloat16 the same type. Metric l2 or ip, of which faiss reports x·y: ``res.faiss()`` does too. M and
        ef_construction are faiss's; ids are row numbers, or those of an IndexIDMap or IndexIDMap2.

    Raises
    ------
    NotAnIndexError
        It is another kind of index, which is named.
    CorruptIndexError
        The file is damaged; any bytes may be given.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import numpy as np, pytest
    >>> from vicinal.compat import read_faiss
    >>> faiss = pytest.importorskip("faiss")
    >>> vectors = np.random.default_rng(0).random((200, 8), dtype=np.float32)
    >>> theirs = faiss.IndexHNSWFlat(8, 16)
    >>> theirs.add(vectors)
    >>> ours = read_faiss(theirs)
    >>> ours.search(vectors[5], k=1).ids.tolist()
    [5]
    """
    graph, settings, metric = parse_faiss(path_or_index)
    name = os.fsdecode(path_or_index) if isinstance(path_or_index, (str, os.PathLike)) else _FROM_MEMORY
    return graph.adopt(metric, settings["M"], settings["ef_construction"], name, **options)


def parse_faiss(path_or_index: Any) -> tuple[ForeignGraph, dict[str, int], str]:
    """Return what is in a file, its ``M``, ``ef_construction`` and ``ef_search``, and its metric.

    Raises
    ------
    NotAnIndexError, CorruptIndexError, OSError
        As `read_faiss`.
    """
    source = _source(path_or_index)
    letters = _letters(source)
    around = _header(source) if letters in _WITH_IDS else None
    if around is not None:
        letters = _letters(source)
    if letters not in _GRAPHS:
        found = letters.decode("ascii", "replace")
        named = f" ({_OTHERS[letters]})" if letters in _OTHERS else ""
        raise NotAnIndexError(
            f"{source.name} holds a faiss index of kind {found!r}{named}, expected IndexHNSWFlat or HNSWSQ"
        )
    header = n, _, metric = _header(source)
    source.check(around in (None, header), f"ids stand around {around}, and the graph is of {header}")
    graph, settings = _graph(source, n)
    graph.vectors, graph.dtype = _vectors(source, header)
    graph.ids = np.arange(n, dtype=np.int64) if around is None else _vector(source, "<i8", "the ids")
    source.check(len(graph.ids) == n, f"{len(graph.ids)} ids stand for {n} vectors")
    source.check(source.left == 0, f"{source.left} bytes follow the last part")
    return graph, settings, metric


def _source(path_or_index: Any) -> ForeignBytes:
    if isinstance(path_or_index, (str, os.PathLike)):
        return ForeignBytes.of(path_or_index)
    if not hasattr(path_or_index, "ntotal"):
        raise TypeError(f"read_faiss got {type(path_or_index).__name__}, expected a path or an index of faiss")
    try:
        import faiss
    except ImportError as error:
        raise ImportError("taking over a faiss index in memory needs faiss: pip install faiss-cpu") from error
    return ForeignBytes(faiss.serialize_index(path_or_index).data, _FROM_MEMORY)


def _letters(source: ForeignBytes) -> bytes:
    return source.take("u1", 4, "the kind of an index").tobytes()


def _header(source: ForeignBytes) -> tuple[int, int, str]:
    """Return the number of vectors, their dimension and the metric."""
    dim, n = source.number("<i4", "the dimension"), source.number("<i8", "the number of vectors")
    source.take("<i8", 2, "the header")
    source.take("u1", 1, "the header")
    metric = source.number("<i4", "the metric")
    source.check(1 <= dim <= 65_536, f"the dimension is {dim}, expected 1 to 65 536")
    source.check(0 <= n < 2**31, f"the number of vectors is {n}, expected less than 2^31")
    if metric not in _METRICS:
        raise NotAnIndexError(f"{source.name} has faiss's metric {metric}, expected L2 (1) or inner product (0)")
    return n, dim, _METRICS[metric]


def _vector(source: ForeignBytes, dtype: str, what: str) -> NDArray[Any]:
    return source.take(dtype, source.number("<u8", what), what)


def _graph(source: ForeignBytes, n: int) -> tuple[ForeignGraph, dict[str, int]]:
    _vector(source, "<f8", "the probabilities of levels")
    room = _vector(source, "<i4", "the links of a level").astype(np.int64)  # of all levels below
    levels = _vector(source, "<i4", "the levels").astype(np.int64) - 1
    offsets = _vector(source, "<u8", "the places of links")
    neighbors = _vector(source, "<u4", "the links")
    entry, top = source.number("<i4", "the entry"), source.number("<i4", "the highest level")
    ef_construction = source.number("<i4", "ef_construction")
    ef_search = source.number("<i4", "ef_search")
    source.take("<i4", 1, "the efforts")

    source.check(len(levels) == n and len(offsets) == n + 1, f"{len(levels)} levels stand for {n} vectors")
    source.check(len(room) >= 2 and room[0] == 0 and (np.diff(room) >= 0).all(), "levels have no room for links")
    source.check(
        bool((levels >= 0).all() and (levels < min(len(room) - 1, MAX_LEVEL + 1)).all()), "a level is out of range"
    )
    source.check(room[1] <= 8_192 and room[-1] <= 2**20, f"a node has up to {room[-1]} links")
    ends = np.concatenate([[0], np.cumsum(room[levels + 1])])
    source.check(np.array_equal(ends, offsets), "the links of a node are not where its level says")
    source.check(len(neighbors) == ends[-1], f"{len(neighbors)} links are there, expected {ends[-1]}")
    source.check(n == 0 or (0 <= entry < n and levels[entry] == top), "the entry is not on the highest level")

    width, upper = int(room[1]), int(np.diff(room)[1:].max(initial=0))
    owners = np.repeat(np.arange(n), levels)
    above = np.arange(len(owners)) - (np.cumsum(levels) - levels)[owners] + 1  # the level of each upper row
    source.check(len(owners) * upper <= 2 * len(neighbors) + 2**20, f"some levels have room for {upper} links")
    lower = _rows(neighbors, ends[:-1], np.full(n, width), width)
    higher = _rows(neighbors, ends[owners] + room[above], room[above + 1] - room[above], upper)
    graph = ForeignGraph(
        vectors=np.empty((n, 0)),
        ids=np.empty(n),
        levels=levels,
        counts=_counts(lower),
        targets=lower,
        upper_counts=_counts(higher),
        upper_targets=higher,
        entry=entry,
        gone=np.zeros(n, np.bool_),
    )
    settings = {
        "M": max(2, -(-width // 2)),
        "ef_construction": min(max(ef_construction, 1), 1_000_000),
        "ef_search": min(max(ef_search, 1), 1_000_000),
    }
    return graph, settings


def _rows(
    neighbors: NDArray[np.uint32], starts: NDArray[np.int64], rooms: NDArray[np.int64], width: int
) -> NDArray[np.uint32]:
    """So many of the links from each start on, in rows of `width`; nobody stands in what is left of them."""
    lanes = np.arange(width)
    rows = np.full((len(starts), width), _NOBODY, np.uint32)
    for first in range(0, len(starts), _AT_ONCE):  # the table of places is twice as large as the rows
        some = slice(first, first + _AT_ONCE)
        there = lanes < rooms[some, None]
        rows[some][there] = neighbors[(starts[some, None] + lanes)[there]]
    return rows


def _counts(rows: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How many links stand in each row before the first lane with nobody in it."""
    nobody = rows == _NOBODY
    return np.where(nobody.any(axis=1), nobody.argmax(axis=1), rows.shape[1]) if rows.size else np.zeros(len(rows), int)


def _vectors(source: ForeignBytes, header: tuple[int, int, str]) -> tuple[NDArray[Any], str]:
    """Return the vectors and the type of the index that holds them as they are."""
    letters = _letters(source)
    stored = n, dim, _ = _header(source)
    source.check(stored == header, f"its vectors are {stored}, and the graph is of {header}")
    if letters in _FLAT:
        words = _vector(source, "<f4", "the vectors")
        source.check(len(words) == n * dim, f"{len(words)} numbers are there, expected {n * dim}")
        return words.reshape(n, dim), "f32"
    if letters != b"IxSQ":
        found = letters.decode("ascii", "replace")
        raise NotAnIndexError(
            f"{source.name} keeps its vectors in a faiss index of kind {found!r}, expected Flat or SQ"
        )
    kind = source.number("<i4", "the quantizer")
    if kind not in _QUANTIZERS:
        raise NotAnIndexError(
            f"{source.name} has faiss's quantizer type {kind}, expected 8 bits or 16 bits a dimension"
        )
    source.take("<i4", 2, "the quantizer")
    source.take("<u8", 2, "the quantizer")
    trained = _vector(source, "<f4", "the range of the quantizer")
    codes = _vector(source, "u1", "the codes")
    width, dtype = _QUANTIZERS[kind]
    source.check(len(codes) == n * dim * width, f"{len(codes)} bytes of codes are there, expected {n * dim * width}")
    codes = codes.reshape(n, dim * width)
    if dtype == "f16":
        with np.errstate(invalid="ignore"):  # a signaling NaN, which is no vector and will be told as such
            return codes.view("<f2").astype(np.float32), dtype
    if dtype == "bf16":
        return (codes.view("<u2").astype(np.uint32) << 16).view(np.float32), dtype
    if dtype == "i8":
        return (codes.astype(np.int16) - 128).astype(np.int8), dtype
    if dtype == "u8":
        return codes, dtype
    ranges = 2 * (1 if kind == 2 else dim)
    source.check(len(trained) == ranges, f"the quantizer has {len(trained)} numbers, expected {ranges}")
    lowest, span = trained[: ranges // 2], trained[ranges // 2 :]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite then will be told as such
        return lowest + (codes.astype(np.float32) + np.float32(0.5)) / np.float32(255) * span, dtype

"""Index files of hnswlib 0.8: its ``save_index`` writes them, its ``load_index`` reads them.

The file is the memory of its class: thirteen numbers, then for each element a record of links of level 0 (a count of 16
bits, a byte whose lowest bit marks a removed element, room for 2M targets), the vector in float32 and the label; then
for each element the bytes that its upper levels take, and those: M targets and a count a level. The metric and the
dimension are not in it.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.compat.foreign import ForeignBytes, ForeignGraph
from vicinal.errors import MismatchError
from vicinal.files import replace_file
from vicinal.index import Index

_SPACES = ("l2", "ip", "cosine")
_NOBODY = 2**32 - 1
_HEADER = np.dtype(
    [
        ("offset", "<u8"),
        ("max_elements", "<u8"),
        ("count", "<u8"),
        ("record", "<u8"),
        ("label_at", "<u8"),
        ("vector_at", "<u8"),
        ("top", "<i4"),
        ("entry", "<u4"),
        ("upper", "<u8"),
        ("lower", "<u8"),
        ("M", "<u8"),
        ("scale", "<f8"),
        ("ef_construction", "<u8"),
    ]
)
HEADER_BYTES = _HEADER.itemsize


def record_type(M0: int, dim: int) -> np.dtype[np.void]:
    """Return an element of the file: links of level 0, vector and label."""
    return np.dtype(
        {
            "names": ["links", "removed", "targets", "vector", "label"],
            "formats": ["<u2", "u1", ("<u4", (M0,)), ("<f4", (dim,)), "<u8"],
            "offsets": [0, 2, 4, 4 + 4 * M0, 4 + 4 * M0 + 4 * dim],
            "itemsize": 12 + 4 * M0 + 4 * dim,
        }
    )


def parse_hnswlib(path: str | os.PathLike[str], dim: int | None = None) -> tuple[ForeignGraph, dict[str, int]]:
    """Return what is in a file, and its settings: ``M``, ``ef_construction``, ``max_elements``, ``dim``.

    Raises
    ------
    CorruptIndexError, MismatchError, OSError
        As `read_hnswlib`.
    """
    source = ForeignBytes.of(path)
    head = source.take(_HEADER, 1, "the header")[0]
    M, M0, n = int(head["M"]), int(head["lower"]), int(head["count"])
    source.check(int(head["upper"]) == M and 1 <= M <= 4_096, f"M is {head['upper']} and {M}, expected one number")
    source.check(1 <= M0 <= 8_192, f"the links of level 0 are up to {M0}, expected up to 8 192")
    source.check(head["offset"] == 0 and head["vector_at"] == 4 + 4 * M0, "the vector does not follow the links")
    bytes_of_vector = int(head["label_at"]) - int(head["vector_at"])
    source.check(
        0 < bytes_of_vector <= 4 * 65_536 and bytes_of_vector % 4 == 0,
        f"a vector takes {bytes_of_vector} bytes, expected float32 in 1 to 65 536 dimensions",
    )
    found = bytes_of_vector // 4
    if dim is not None and dim != found:
        raise MismatchError(f"{source.name} holds vectors of {found} dimensions, expected {dim}")
    kind = record_type(M0, found)
    source.check(int(head["record"]) == kind.itemsize, f"an element takes {head['record']} bytes")
    ef_construction = int(head["ef_construction"])
    source.check(1 <= ef_construction <= 2**32, f"ef_construction is {ef_construction}")

    elements = source.take(kind, n, "the elements")
    levels, upper_counts, upper_targets = _upper_levels(source, n, M)
    entry = int(head["entry"]) if n else -1
    if n:
        source.check(0 <= entry < n and levels[entry] == int(head["top"]), "the entry is not on the highest level")
    graph = ForeignGraph(
        vectors=elements["vector"],
        ids=elements["label"],
        levels=levels,
        counts=elements["links"].astype(np.int64),
        targets=elements["targets"],
        upper_counts=upper_counts,
        upper_targets=upper_targets,
        entry=entry,
        gone=(elements["removed"] & 1).astype(np.bool_),
    )
    settings = {
        "M": M,
        "ef_construction": min(ef_construction, 1_000_000),
        "max_elements": int(head["max_elements"]),
        "dim": found,
    }
    return graph, settings


def _upper_levels(
    source: ForeignBytes, n: int, M: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """Read the second part of a file: for each element how many bytes its upper levels take, and these."""
    source.check(source.left % 4 == 0, f"its upper levels take {source.left} bytes, expected whole words")
    words = source.take("<u4", source.left // 4, "the upper levels")
    levels = np.zeros(n, np.int64)
    level_words = M + 1
    starts: list[int] = []  # of the rows
    element = at = 0
    nonzero = np.flatnonzero(words)
    following = 0  # of the nonzero words, the first that is not behind `at`
    while element < n:
        following += int(np.searchsorted(nonzero[following:], at))
        # Where a zero stands, an element without upper levels does: as many as there are before the next that has some.
        skipped = min(n - element, (int(nonzero[following]) if following < len(nonzero) else len(words)) - at)
        element, at = element + skipped, at + skipped
        if element == n:
            break
        source.check(at < len(words), f"the levels of element {element} are missing")
        taken = int(words[at])
        source.check(taken % (4 * level_words) == 0, f"the upper levels of element {element} take {taken} bytes")
        levels[element] = taken // (4 * level_words)
        source.check(levels[element] <= 64 and at + 1 + taken // 4 <= len(words), f"element {element} is cut short")
        starts.extend(range(at + 1, at + 1 + taken // 4, level_words))
        element, at = element + 1, at + 1 + taken // 4
    source.check(at == len(words), f"{4 * (len(words) - at)} bytes follow the last element")
    places = np.array(starts, np.int64)[:, None] + np.arange(level_words)
    rows: NDArray[np.uint32] = words[places].astype(np.uint32)
    return levels, (rows[:, 0] & 0xFFFF).astype(np.int64), rows[:, 1:]


def read_hnswlib(path: str | os.PathLike[str], space: str, dim: int | None = None, **options: Any) -> Index:
    """Take over an index that hnswlib saved: the same graph, the same labels as ids, the same removed elements.

    Parameters
    ----------
    path : str or path-like
        What ``hnswlib.Index.save_index`` wrote.
    space : str
        "l2", "ip" or "cosine": hnswlib does not write it down.
    dim : int, optional
        Where given, what the file has to hold.
    **options
        ``traversal`` or ``seed`` of `Index`.

    Returns
    -------
    Index
        Of float32, with hnswlib's M and ef_construction. Under cosine the vectors are those hnswlib kept, of length
        one. Elements that were marked as deleted are removed, and what led through them still does.

    Raises
    ------
    CorruptIndexError
        The file is no such index, or damaged; any bytes may be given. A label is above 2**63 - 1.
    MismatchError
        Its vectors have another dimension than `dim`.
    ValueError
        `space` is unknown.
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import vicinal
    >>> from vicinal.compat import read_hnswlib, write_hnswlib
    >>> index = vicinal.Index(2)
    >>> _ = index.add([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]], ids=[10, 20, 30])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "hnsw.bin")
    ...     write_hnswlib(index, path)
    ...     read_hnswlib(path, "l2", 2).search([4.0, 4.0], k=2).ids.tolist()
    [30, 20]
    """
    if space not in _SPACES:
        raise ValueError(f"space is {space!r}, expected one of {', '.join(_SPACES)}")
    graph, settings = parse_hnswlib(path, dim)
    return graph.adopt(space, settings["M"], settings["ef_construction"], os.fsdecode(path), **options)


def write_hnswlib(index: Index, path: str | os.PathLike[str], *, max_elements: int | None = None) -> None:
    """Write an index as a file that hnswlib 0.8 loads.

    What is removed is left out. Vectors of any type are written as float32, under cosine of length one, as hnswlib
    keeps them. Vectors that are there more than once, which share one node here, become nodes of their own in a chain.

    Parameters
    ----------
    index : Index
        Of metric l2, ip or cosine.
    path : str or path-like
        Replaced all or nothing.
    max_elements : int, optional
        The room the file claims; at least and by default ``len(index)``. hnswlib can ask for more when it loads.

    Raises
    ------
    ValueError
        hnswlib has no such metric.
    OSError
        The file cannot be written.
    """
    write_with_removed(index, path, np.empty(0, np.int64), max_elements)


def write_with_removed(
    index: Index, path: str | os.PathLike[str], removed: NDArray[np.int64], max_elements: int | None
) -> None:
    """Write an index of which these ids, which are there, are to be marked as deleted."""
    if index.metric not in _SPACES:
        raise ValueError(f"hnswlib has no metric {index.metric!r}, expected one of {', '.join(_SPACES)}")
    whole = Index.from_bytes(index.to_bytes())
    whole.compact()
    arrays = whole._arrays()
    _unchain_copies(arrays)
    n, M0 = arrays["links"].shape
    M = M0 // 2
    vectors = arrays["vectors"].astype(np.float32, copy=False)
    if index.metric == "cosine" and n:
        vectors = vectors / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    counts = _counts(arrays["links"], np.arange(n))

    elements = np.zeros(n, record_type(M0, index.dim))
    elements["links"] = counts
    elements["removed"] = np.isin(arrays["ids"], removed)
    elements["targets"] = np.where(np.arange(M0) < counts[:, None], arrays["links"], 0)
    elements["vector"] = vectors
    elements["label"] = arrays["ids"]
    head = np.zeros(1, _HEADER)
    head["max_elements"] = max(n, max_elements or 0, 1)
    head["count"], head["record"] = n, elements.dtype.itemsize
    head["vector_at"], head["label_at"] = 4 + 4 * M0, 4 + 4 * M0 + 4 * index.dim
    head["top"] = int(arrays["levels"].max(initial=-1))
    head["entry"] = arrays["entry"] if n else _NOBODY
    head["upper"], head["lower"], head["M"] = M, M0, M
    head["scale"], head["ef_construction"] = 1 / math.log(M), whole.ef_construction
    replace_file(path, [head, elements, _upper_bytes(arrays, M)])


def _counts(lanes: NDArray[np.uint32], own: NDArray[Any]) -> NDArray[np.int64]:
    """How many links stand in each row before its own number."""
    return np.asarray((lanes != own[:, None]).sum(axis=1), np.int64)


def _upper_bytes(arrays: dict[str, Any], M: int) -> bytes:
    levels, rows = arrays["levels"].astype(np.int64), arrays["upper_links"]
    owners = np.repeat(np.arange(len(levels)), levels)
    counts = _counts(rows, owners)
    words = np.zeros(len(levels) + rows.shape[0] * (M + 1), np.uint32)
    starts = np.arange(len(levels)) + (M + 1) * (np.cumsum(levels) - levels)  # of each element
    words[starts] = 4 * (M + 1) * levels
    first = starts[owners] + 1 + (M + 1) * (np.arange(len(owners)) - (np.cumsum(levels) - levels)[owners])
    if len(first):
        words[first] = counts
        words[first[:, None] + 1 + np.arange(M)] = np.where(np.arange(M) < counts[:, None], rows, 0)
    return words.astype("<u4").tobytes()


def _unchain_copies(arrays: dict[str, Any]) -> None:
    """Make nodes of copies: each is linked with the one before it, and to what its node is linked to.

    A node without room for its first copy gives its last link up, and that one takes it over: nobody is cut off.
    """
    levels, links = arrays["levels"], arrays["links"]
    copies = np.flatnonzero(levels < 0)
    last: dict[int, int] = {}  # of the chain that begins at a node
    nodes = {int(copy): int(links[copy, 0]) for copy in copies}
    counts = _counts(links, np.arange(len(links)))
    for copy, node in nodes.items():
        before = last.get(node, node)
        near = [int(to) for to in links[node, : counts[node]] if to not in (before, copy)]
        room = links.shape[1] - 2  # beside the one before and the one after
        mine = [before, *(near[-room:] if before == node else near[:room])]
        links[copy] = copy
        links[copy, : len(mine)] = mine
        counts[copy] = len(mine)
        lane = min(int(counts[before]), links.shape[1] - 1)
        links[before, lane] = copy
        counts[before] = lane + 1
        last[node] = copy
    levels[copies] = 0

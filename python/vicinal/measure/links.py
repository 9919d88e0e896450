"""The links of an index, read from its bytes, for studies of its graph."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

import vicinal

__all__ = ["in_degrees", "level_zero", "unreached"]

_SETTINGS, _LINKS = 1, 6  # sections: see cpp/persist/format.hpp
_ENTRY_AT = 48


def level_zero(index: vicinal.Index) -> tuple[NDArray[np.uint32], int]:
    """Return the links on level 0, shape (n, 2M), and the entry; nodes in the sequence in which they entered.

    A lane without a link holds the node's own number.

    Examples
    --------
    >>> index = vicinal.Index(2, M=2)
    >>> _ = index.add([[0.0, 0.0], [1.0, 1.0]])
    >>> links, entry = level_zero(index)
    >>> links.tolist(), entry
    ([[1, 0, 0, 0], [0, 1, 1, 1]], 1)
    """
    content = index.to_bytes()
    parts = _sections(content)
    lanes = np.frombuffer(parts[_LINKS], dtype=np.uint32)
    nodes = index.stats()["graph"]["size"] + index.stats()["graph"]["removed"]
    entry = int(np.frombuffer(parts[_SETTINGS], dtype=np.uint32, count=1, offset=_ENTRY_AT)[0])
    return lanes.reshape(nodes, -1)[:, : 2 * index.M], entry


def unreached(index: vicinal.Index) -> int:
    """Count the nodes that no path on level 0 leads to from the entry."""
    links, entry = level_zero(index)
    met = np.zeros(len(links), dtype=bool)
    fresh = np.array([entry], dtype=np.uint32)
    while len(fresh):
        met[fresh] = True
        fresh = np.unique(links[fresh])
        fresh = fresh[~met[fresh]]
    return int((~met).sum())


def in_degrees(index: vicinal.Index) -> NDArray[np.int64]:
    """Count the links on level 0 that lead to each node, shape (n,), in the sequence in which nodes entered."""
    links, _ = level_zero(index)
    others = links[links != np.arange(len(links), dtype=np.uint32)[:, None]]
    return np.bincount(others, minlength=len(links)).astype(np.int64)


def _sections(content: bytes) -> dict[int, bytes]:
    """Split an index's bytes into its sections (cpp/file/container.hpp)."""
    (count,), (table,) = struct.unpack_from("<I", content, 12), struct.unpack_from("<Q", content, 24)
    entries = [struct.unpack_from("<IQQ", content, table + 20 * i) for i in range(count)]
    return {kind: content[offset : offset + length] for kind, offset, length in entries}

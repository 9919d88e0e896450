"""A small file that claims large rows of links is refused before anything is made of them."""

import struct
import tracemalloc

import numpy as np
import pytest

import vicinal
from vicinal.compat import read_faiss

N = 200
HEADER = 4 + 33  # of a faiss index: its kind, and what every kind has


def patched(whole, level, room):
    """The file with another room for the links of all levels up to one that no node reaches."""
    (probabilities,) = struct.unpack_from("<Q", whole, HEADER)
    at = HEADER + 8 + 8 * probabilities
    (levels,) = struct.unpack_from("<Q", whole, at)
    changed = bytearray(whole)
    struct.pack_into("<i", changed, at + 8 + 4 * (level % levels), room)
    return bytes(changed)


def test_levels_of_faiss_that_nobody_reaches_take_no_memory(tmp_path):
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexHNSWFlat(1, 2)
    index.add(np.arange(N, dtype=np.float32)[:, None])
    path = tmp_path / "uneven.faiss"
    faiss.write_index(index, str(path))
    assert len(read_faiss(path)) == N
    path.write_bytes(patched(path.read_bytes(), level=-1, room=2**20))

    tracemalloc.start()
    try:
        with pytest.raises(vicinal.CorruptIndexError, match="levels above 0"):
            read_faiss(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 10_000_000

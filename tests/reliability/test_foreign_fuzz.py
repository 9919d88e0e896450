"""Damaged files of other libraries: refused by name, or a sound index; never a crash.

``VICINAL_MUTATIONS`` says how many of each kind, by default few enough for every run of the tests; ``VICINAL_SEED``
which.
"""

import os
import struct

import numpy as np
import pytest

import vicinal
from vicinal.compat import read_faiss, read_hnswlib, read_usearch, write_hnswlib

MUTATIONS = int(os.environ.get("VICINAL_MUTATIONS", "800"))
SEED = int(os.environ.get("VICINAL_SEED", "17"))
REFUSALS = (vicinal.CorruptIndexError, vicinal.NotAnIndexError, vicinal.MismatchError)
EXTREMES = (0, 1, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
DIM = 6


def vectors():
    return np.random.default_rng(0).integers(0, 50, (60, DIM)).astype(np.float32)


def hnswlib_file(path):
    index = vicinal.Index(DIM, M=4, ef_construction=20)
    index.add(vectors())
    write_hnswlib(index, path)
    return lambda: read_hnswlib(path, "l2")


def faiss_file(path):
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexIDMap2(faiss.IndexHNSWFlat(DIM, 4))
    index.add_with_ids(vectors(), np.arange(60) * 2)
    faiss.write_index(index, str(path))
    return lambda: read_faiss(path)


def faiss_quantized_file(path):
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexHNSWSQ(DIM, faiss.ScalarQuantizer.QT_8bit, 4)
    index.train(vectors())
    index.add(vectors())
    faiss.write_index(index, str(path))
    return lambda: read_faiss(path)


def usearch_file(path):
    usearch = pytest.importorskip("usearch.index")
    index = usearch.Index(ndim=DIM, metric="l2sq", dtype="f32", connectivity=4, expansion_add=20)
    index.add(np.arange(60), vectors(), threads=1)
    index.remove(5)
    index.save(path)
    return lambda: read_usearch(path)


def mutated(data, rng):
    """One to three faults: a bit turned, a number made extreme, a piece cut out, doubled or left off the end."""
    bytes_now = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, max(1, len(bytes_now))))
        if rng.random() < 0.3:
            at = min(at, int(rng.integers(0, 128)))  # the head has most to say
        kind = rng.integers(0, 6)
        if kind == 0 and len(bytes_now):
            bytes_now[at % len(bytes_now)] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            bytes_now[at : at + 4] = struct.pack("<I", EXTREMES[rng.integers(0, len(EXTREMES))] & 0xFFFFFFFF)
        elif kind == 2:
            bytes_now[at : at + 8] = struct.pack("<Q", EXTREMES[rng.integers(0, len(EXTREMES))])
        elif kind == 3:
            del bytes_now[at : at + int(rng.integers(1, 64))]
        elif kind == 4:
            bytes_now[at:at] = bytes_now[at : at + int(rng.integers(1, 64))]
        else:
            del bytes_now[at:]
    return bytes(bytes_now)


@pytest.mark.parametrize("make", [hnswlib_file, faiss_file, faiss_quantized_file, usearch_file])
def test_no_damage_to_a_foreign_file_gets_past_its_reader(make, tmp_path):
    path = tmp_path / "foreign"
    read = make(path)
    whole = path.read_bytes()
    assert len(read()) in (59, 60)
    rng = np.random.default_rng(SEED)
    refused = 0
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(whole, rng))
        try:
            index = read()
        except REFUSALS as refusal:
            refused += str(path) in str(refusal)
            continue
        assert index.search(np.zeros(index.dim, np.float32), 5, ef=60).ids.shape == (5,)
        index.add(np.ones((1, index.dim), np.float32), ids=[2**40])
        assert vicinal.Index.from_bytes(index.to_bytes()).digest() == index.digest()
    print(f"\n{refused} refused, {MUTATIONS - refused} taken over and used ({make.__name__}, seed {SEED})")
    assert refused > MUTATIONS / 2

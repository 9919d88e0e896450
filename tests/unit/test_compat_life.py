"""Indexes that come from hnswlib after a hard life, and go back to it, keep everything in reach."""

import struct

import numpy as np
import pytest

import vicinal
from vicinal.compat import read_hnswlib, write_hnswlib

DIM = 12


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(11).standard_normal((3_000, DIM)).astype(np.float32)


def loaded(path, space="l2"):
    """What hnswlib makes of a file."""
    hnswlib = pytest.importorskip("hnswlib")
    index = hnswlib.Index(space, DIM)
    index.load_index(str(path))
    index.set_ef(200)
    return index


def reached(path):
    """How many elements of a file of hnswlib a walk on level 0 comes to from the entry."""
    data = path.read_bytes()
    count, record = struct.unpack_from("<QQ", data, 16)
    entry = struct.unpack_from("<I", data, 52)[0]
    waiting, met = [entry], {entry}
    while waiting:
        at = 96 + record * waiting.pop()
        links = struct.unpack_from(f"<{struct.unpack_from('<H', data, at)[0]}I", data, at + 4)
        fresh = set(links) - met
        met |= fresh
        waiting.extend(fresh)
    return len(met), count


@pytest.mark.parametrize("M", [2, 3, 16])
def test_an_index_of_hnswlib_after_updates_deletions_and_replacements_is_taken_over(M, data, tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    rng = np.random.default_rng(M)
    theirs = hnswlib.Index("l2", DIM)
    theirs.init_index(2_000, M=M, ef_construction=30, allow_replace_deleted=True)
    theirs.add_items(data[:1_000], num_threads=2)
    theirs.add_items(data[1_000:1_300] * 0.9, rng.choice(1_000, 300, replace=False), num_threads=2)
    for label in range(0, 600, 2):
        theirs.mark_deleted(label)
    theirs.add_items(data[2_000:2_200], np.arange(5_000, 5_200), num_threads=2, replace_deleted=True)
    theirs.save_index(str(tmp_path / "theirs.bin"))

    ours = read_hnswlib(tmp_path / "theirs.bin", "l2", DIM)
    assert len(ours) == 900
    assert ours.M == M
    ours.add(data[2_200:2_400])
    ours.update(ours.ids[:100], data[2_400:2_500])
    ours.remove(ours.ids[100:500])
    ours.compact()
    ours.repair()
    health = ours.check()
    assert (health.unreachable, len(ours)) == (0, 700)
    held = ours.get(ours.ids)
    assert (ours.search(held, 1, ef=200).ids[:, 0] == ours.ids).mean() > {2: 0.85, 3: 0.95, 16: 0.99}[M]
    assert vicinal.Index.from_bytes(ours.to_bytes()).digest() == ours.digest()


def test_an_index_of_hnswlib_whose_entry_or_all_is_deleted_goes_on(data, tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    for every in (False, True):
        theirs = hnswlib.Index("l2", DIM)
        theirs.init_index(500, M=6)
        theirs.add_items(data[:500], num_threads=1)
        theirs.save_index(str(tmp_path / "whole.bin"))
        entry = struct.unpack_from("<I", (tmp_path / "whole.bin").read_bytes(), 52)[0]
        for label in range(500) if every else [entry]:
            theirs.mark_deleted(label)
        theirs.save_index(str(tmp_path / "theirs.bin"))
        ours = read_hnswlib(tmp_path / "theirs.bin", "l2")
        assert len(ours) == (0 if every else 499)
        assert (ours.search(data[:500], 1).ids == -1).all() == every
        ours.add(data[500:600], ids=np.arange(500, 600))
        assert (ours.search(data[500:600], 1).ids[:, 0] == np.arange(500, 600)).all()
        ours.compact()
        assert ours.check().unreachable == 0


def test_levels_above_ours_are_cut_and_nothing_is_lost(data, tmp_path):
    index = vicinal.Index(DIM, M=4)
    index.add(data[:300])
    write_hnswlib(index, tmp_path / "ours.bin")
    whole = (tmp_path / "ours.bin").read_bytes()
    entry, upper_row = struct.unpack_from("<I", whole, 52)[0], 4 + 4 * 4
    record = struct.unpack_from("<Q", whole, 24)[0]
    at = 96 + 300 * record
    for _ in range(entry):
        at += 4 + struct.unpack_from("<I", whole, at)[0]
    taken = struct.unpack_from("<I", whole, at)[0]
    higher = struct.pack("<I", 20 * upper_row) + whole[at + 4 : at + 4 + taken] + bytes(20 * upper_row - taken)
    (tmp_path / "high.bin").write_bytes(
        whole[:48] + struct.pack("<i", 20) + whole[52:at] + higher + whole[at + 4 + taken :]
    )
    high = read_hnswlib(tmp_path / "high.bin", "l2")
    low = read_hnswlib(tmp_path / "ours.bin", "l2")
    assert high.check().levels[16] == 1
    assert np.array_equal(high.search(data[:100], 5, ef=20).ids, low.search(data[:100], 5, ef=20).ids)


def test_vectors_that_a_walk_in_bytes_cannot_take_are_refused(data, tmp_path):
    index = vicinal.Index(DIM)
    index.add(data[:50])
    write_hnswlib(index, tmp_path / "ours.bin")
    with pytest.raises(vicinal.InvalidVectorError, match=r"row 0 of .*ours\.bin holds other than whole numbers"):
        read_hnswlib(tmp_path / "ours.bin", "l2", traversal="u8")


# -- and back


@pytest.mark.parametrize(
    ("metric", "dtype"),
    [("l2", "f16"), ("l2", "bf16"), ("l2", "u8"), ("ip", "i8"), ("cosine", "i8"), ("ip", "f32"), ("cosine", "f16")],
)
def test_every_type_and_metric_is_written_for_hnswlib(metric, dtype, tmp_path):
    vectors = np.random.default_rng(2).integers(1, 120, (1_500, DIM))
    vectors = vectors.astype(dtype.replace("i8", "int8").replace("u8", "uint8") if dtype[1:] == "8" else np.float32)
    ours = vicinal.Index(DIM, metric, dtype=dtype, M=5, ef_construction=40)
    ours.add(vectors)
    ours.remove(np.arange(0, 1_500, 5))
    write_hnswlib(ours, tmp_path / "ours.bin")
    theirs = loaded(tmp_path / "ours.bin", metric)
    assert theirs.M == 5
    asked = vectors[:200].astype(np.float32)
    labels, distances = theirs.knn_query(asked, 5)
    exact = ours.search(vectors[:200], 5, exact=True)
    assert (labels == exact.ids).mean() > 0.97
    same = labels == exact.ids
    np.testing.assert_allclose(distances[same], exact.distances[same], rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("M", [2, 3, 8])
def test_copies_cut_nobody_off_when_they_become_nodes(M, data, tmp_path):
    once = data[:800]
    ours = vicinal.Index(DIM, M=M, ef_construction=20)
    ours.add(np.concatenate([once, *(once[i::3] for i in range(3)), np.repeat(once[:4], 50, axis=0)]), order="given")
    ours.repair()
    assert ours.check().unreachable == 0
    write_hnswlib(ours, tmp_path / "ours.bin")
    assert reached(tmp_path / "ours.bin") == (1_800, 1_800)
    assert read_hnswlib(tmp_path / "ours.bin", "l2").check().unreachable == 0
    theirs = loaded(tmp_path / "ours.bin")
    theirs.resize_index(1_900)
    theirs.add_items(data[900:1_000], np.arange(9_000, 9_100))  # it goes on from there
    assert (theirs.knn_query(data[900:1_000], 1)[0][:, 0] == np.arange(9_000, 9_100)).mean() > 0.8


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(data, tmp_path, monkeypatch):
    index = vicinal.Index(DIM)
    index.add(data[:50])
    path = tmp_path / "ours.bin"
    path.write_bytes(b"what was here")

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_hnswlib(index, path)
    assert [file.name for file in tmp_path.iterdir()] == ["ours.bin"]
    assert path.read_bytes() == b"what was here"

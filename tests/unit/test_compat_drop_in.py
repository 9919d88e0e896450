"""The drop-in for hnswlib under threads, damage and haste."""

import pickle
import threading

import numpy as np
import pytest

import vicinal
import vicinal.compat.hnswlib as drop_in

DIM = 8


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(9).random((600, DIM), dtype=np.float32)


def made(kind, data, **options):
    index = kind("l2", DIM)
    index.init_index(max_elements=len(data), **options)
    index.add_items(data)
    return index


def together(*calls):
    """Run them side by side; what one raises is raised."""
    failures = []

    def run(call):
        try:
            call()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("kind", [drop_in.Index, drop_in.BFIndex])
def test_threads_that_add_side_by_side_lose_nothing(kind, data):
    index = kind("l2", DIM)
    index.init_index(max_elements=600)

    def add(first):
        for label in range(first, first + 150):
            index.add_items(data[label], [label])

    def ask():
        for row in data[:100]:
            labels, distances = index.knn_query(row, k=3)
            assert labels.shape == distances.shape == (1, 3)

    together(*(lambda first=first: add(first) for first in range(0, 600, 150)), ask)
    assert index.get_current_count() == 600
    assert (index.knn_query(data, k=1)[0].ravel() == np.arange(600)).mean() > 0.98


def test_threads_that_replace_mark_and_unmark_leave_every_label_once(data):
    index = made(drop_in.Index, data)

    def come_and_go(first):
        for label in range(first, 600, 4):
            index.mark_deleted(label)
            index.add_items(data[label] + 1, [label]) if label % 3 else index.unmark_deleted(label)

    def look():
        for _ in range(40):
            index.get_ids_list()
            pickle.loads(pickle.dumps(index))
            try:
                index.get_items(np.arange(0, 600, 7))
            except RuntimeError:  # one is deleted at the moment
                continue

    together(*(lambda first=first: come_and_go(first) for first in range(4)), look)
    assert sorted(index.get_ids_list()) == list(range(600))
    moved = data + (np.arange(600) % 3 != 0)[:, None].astype(np.float32)
    assert np.array_equal(index.get_items(np.arange(600)), moved)
    assert index.get_current_count() == 600


def test_an_interrupted_call_leaves_no_label_twice(data, monkeypatch):
    index = made(drop_in.Index, data, allow_replace_deleted=True)
    for label in range(20):
        index.mark_deleted(label)
    upsert = vicinal.Index.upsert

    def half(self, ids, vectors, **options):
        upsert(self, ids[:5], vectors[:5], **options)
        raise vicinal.Interrupted(ids[:5])

    monkeypatch.setattr(vicinal.Index, "upsert", half)
    with pytest.raises(KeyboardInterrupt):
        index.add_items(data[:10], np.arange(1_000, 1_010), replace_deleted=True)
    assert index.get_current_count() == len(index.get_ids_list()) == 600
    assert len(set(index.get_ids_list())) == 600


def test_an_interrupted_call_that_revives_labels_counts_them_once(data, monkeypatch):
    index = made(drop_in.Index, data)
    for label in range(10):
        index.mark_deleted(label)
    upsert = vicinal.Index.upsert

    def half(self, ids, vectors, **options):
        upsert(self, ids[:5], vectors[:5], **options)
        raise vicinal.Interrupted(ids[:5])

    with monkeypatch.context() as patched:
        patched.setattr(vicinal.Index, "upsert", half)
        with pytest.raises(KeyboardInterrupt):
            index.add_items(data[:10], np.arange(10))
    assert sorted(index.get_ids_list()) == list(range(600))
    index.unmark_deleted(7)
    with pytest.raises(RuntimeError, match="not deleted"):
        index.unmark_deleted(2)


def test_a_refused_call_brings_no_deleted_label_back(data):
    index = made(drop_in.Index, data, allow_replace_deleted=True)
    index.mark_deleted(3)
    with pytest.raises(vicinal.InvalidVectorError):
        index.add_items(np.full((1, DIM), np.nan, np.float32), [3], replace_deleted=True)
    assert index.knn_query(data[3], k=1)[0][0, 0] != 3
    index.add_items(data[3] + 1, [3], replace_deleted=True)
    assert np.array_equal(index.get_items([3])[0], data[3] + 1)
    assert sorted(index.get_ids_list()) == list(range(600))


@pytest.mark.parametrize("kind", [drop_in.Index, drop_in.BFIndex])
def test_any_number_of_neighbors_may_be_asked_for(kind, data):
    index = made(kind, data[:20])
    labels, distances = index.knn_query(data[:2], k=20_000)
    assert labels.shape == distances.shape == (2, 20_000)
    assert sorted(labels[0, :20].tolist()) == list(range(20))
    assert (labels[:, 20:] == 2**64 - 1).all()
    assert np.isinf(distances[:, 20:]).all()
    assert index.knn_query(data[:2], k=0)[0].shape == (2, 0)
    with pytest.raises(TypeError, match="k is -1"):
        index.knn_query(data[:2], k=-1)
    with pytest.raises(RuntimeError, match="contiguous 2D array"):
        index.knn_query(data[:2], k=21, strict=True)


def test_labels_may_be_integers_of_numpy_and_nothing_else(data):
    index = made(drop_in.Index, data)
    index.mark_deleted(np.uint64(3))
    assert index.get_ids_list()[-1] == 3
    index.unmark_deleted(np.int32(3))
    with pytest.raises(TypeError):
        index.mark_deleted(3.5)


@pytest.mark.parametrize("kind", [drop_in.Index, drop_in.BFIndex])
def test_a_damaged_file_is_what_hnswlib_raises_and_what_vicinal_raises(kind, data, tmp_path):
    index = made(kind, data)
    index.save_index(tmp_path / "index.bin")
    whole = (tmp_path / "index.bin").read_bytes()
    for damaged in (b"", whole[:90], whole[:-3], whole + b"\0\0\0\0"):
        (tmp_path / "damaged.bin").write_bytes(damaged)
        for caught in (RuntimeError, vicinal.CorruptIndexError):
            with pytest.raises(caught):
                index.load_index(tmp_path / "damaged.bin")
    assert index.get_current_count() == 600  # it is as it was
    assert (index.knn_query(data, k=1)[0].ravel() == np.arange(600)).mean() > 0.98
    with pytest.raises(RuntimeError):
        kind("l2", DIM + 1).load_index(tmp_path / "index.bin")


def test_a_file_of_an_exact_index_claims_no_room_and_no_label_that_is_not_there(data, tmp_path):
    made(drop_in.BFIndex, data).save_index(tmp_path / "index.bin")
    whole = bytearray((tmp_path / "index.bin").read_bytes())
    again = drop_in.BFIndex("l2", DIM)
    for at, number in ((0, 2**60), (16, 2**60), (24 + 4 * DIM, 2**63), (24 + 4 * DIM, 1)):
        damaged = bytearray(whole)
        damaged[at : at + 8] = number.to_bytes(8, "little")
        (tmp_path / "damaged.bin").write_bytes(damaged)
        with pytest.raises(vicinal.CorruptIndexError):
            again.load_index(tmp_path / "damaged.bin")
    assert again.get_current_count() == 0


def test_an_exact_index_is_pickled_and_what_a_query_began_with_stays(data):
    index = made(drop_in.BFIndex, data[:100])
    again = pickle.loads(pickle.dumps(index))
    held_rows, held_labels = again._held
    again.delete_vector(5)
    again.add_items(data[[0, 1, 5]] + 1, [0, 1, 5])
    assert np.array_equal(held_rows, data[:100])
    assert np.array_equal(held_labels, np.arange(100))
    assert again.knn_query(data[5] + 1, k=1)[0].tolist() == [[5]]
    assert index.get_current_count() == again.get_current_count() == 100

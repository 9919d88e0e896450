"""The drop-in for hnswlib does what hnswlib does: each test runs on both, where hnswlib is installed."""

import pickle
import threading

import numpy as np
import pytest

import vicinal
import vicinal.compat.hnswlib as drop_in
from vicinal.compat.hnswlib_file import HEADER_BYTES, record_type

DIM, N = 16, 1_000


@pytest.fixture(params=["vicinal", "hnswlib"])
def hnswlib(request):
    return drop_in if request.param == "vicinal" else pytest.importorskip("hnswlib")


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(5).random((N, DIM), dtype=np.float32)


def filled(hnswlib, data, space="l2", **options):
    index = hnswlib.Index(space=space, dim=DIM)
    index.init_index(max_elements=N, ef_construction=100, M=16, **options)
    index.set_ef(50)
    index.set_num_threads(2)
    index.add_items(data)
    return index


def own_share(index, data, labels):
    return (index.knn_query(data, k=1)[0].ravel() == labels).mean()


@pytest.mark.parametrize("space", ["l2", "ip", "cosine"])
def test_vectors_are_added_in_two_calls_kept_in_a_file_and_found(hnswlib, data, space, tmp_path):
    index = hnswlib.Index(space=space, dim=DIM)
    index.init_index(max_elements=N // 2, ef_construction=100, M=16)
    index.set_ef(50)
    index.add_items(data[: N // 2])
    before = index.knn_query(data[: N // 2], k=1)
    index.save_index(str(tmp_path / "first_half.bin"))

    again = hnswlib.Index(space=space, dim=DIM)
    again.load_index(str(tmp_path / "first_half.bin"), max_elements=N)
    again.set_ef(50)
    again.add_items(data[N // 2 :])
    labels, distances = again.knn_query(data, k=1)

    assert (labels.dtype, distances.dtype) == (np.uint64, np.float32)
    assert labels.shape == distances.shape == (N, 1)
    assert again.get_current_count() == again.element_count == N
    if space != "ip":  # under which another vector may be nearer than the vector itself
        assert (before[0].ravel() == np.arange(N // 2)).mean() > 0.99
        assert (labels.ravel() == np.arange(N)).mean() > 0.99


def test_settings_are_there_by_their_names(hnswlib):
    index = hnswlib.Index(space="cosine", dim=DIM)
    assert (index.space, index.dim) == ("cosine", DIM)
    index.init_index(max_elements=77, M=24, ef_construction=150)
    assert (index.M, index.ef_construction, index.ef, index.max_elements) == (24, 150, 10, 77)
    index.ef = 31
    index.num_threads = 3
    assert (index.ef, index.num_threads, index.get_max_elements()) == (31, 3, 77)


def test_distances_are_squared_l2_and_one_minus_products(hnswlib):
    one, other = np.array([1, 2, 3], np.float32), np.array([4, 6, 8], np.float32)
    expected = {
        "l2": ((one - other) ** 2).sum(),
        "ip": 1 - one @ other,
        "cosine": 1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other),
    }
    for space, distance in expected.items():
        for kind in (hnswlib.Index, hnswlib.BFIndex):
            if hnswlib is not drop_in and (space, kind) == ("cosine", hnswlib.BFIndex):
                continue  # hnswlib 0.8 says -9.69
            index = kind(space=space, dim=3)
            index.init_index(max_elements=4)
            index.add_items(one[None], [5])
            labels, distances = index.knn_query(other, k=1)
            assert labels.tolist() == [[5]]
            assert distances[0, 0] == pytest.approx(distance, rel=1e-5, abs=1e-6)


def test_labels_vectors_and_lists_come_back(hnswlib, data):
    index = hnswlib.Index(space="l2", dim=DIM)
    index.init_index(max_elements=N)
    labels = np.arange(N) * 7 + 3
    index.add_items(data, labels)
    assert sorted(index.get_ids_list()) == labels.tolist()
    assert np.array_equal(index.get_items(labels[:5]), data[:5])
    assert index.get_items(labels[:2], return_type="list") == data[:2].tolist()
    with pytest.raises(RuntimeError):
        index.get_items([1])
    with pytest.raises(ValueError, match="return_type"):
        index.get_items(labels[:1], return_type="tuple")


def test_under_cosine_vectors_come_back_at_length_one(hnswlib, data):
    index = filled(hnswlib, data, "cosine")
    assert np.allclose(np.linalg.norm(index.get_items(range(20)), axis=1), 1, atol=1e-5)


def test_a_label_that_is_there_gets_another_vector(hnswlib, data):
    index = filled(hnswlib, data)
    index.add_items(data[:10] + 5, np.arange(10))
    assert index.get_current_count() == N
    assert np.array_equal(index.get_items([3])[0], data[3] + 5)
    assert index.knn_query(data[3] + 5, k=1)[0][0, 0] == 3


def test_more_than_there_is_room_for_is_refused_until_the_index_is_resized(hnswlib, data):
    index = filled(hnswlib, data)
    with pytest.raises(RuntimeError):
        index.add_items(data[:1], [N])
    index.resize_index(N + 1)
    index.add_items(data[:1] + 9, [N])
    assert index.knn_query(data[:1] + 9, k=1)[0][0, 0] == N
    with pytest.raises(RuntimeError):
        index.resize_index(N)


def test_wrong_shapes_spaces_and_second_beginnings_are_refused(hnswlib, data):
    index = filled(hnswlib, data)
    for wrong in (lambda: index.add_items(data[:2, :3], [1, 2]), lambda: index.add_items(data[:2], [1]),
                  lambda: index.init_index(5)):  # fmt: skip
        with pytest.raises(RuntimeError):
            wrong()
    with pytest.raises(RuntimeError):
        hnswlib.Index(space="manhattan", dim=4)
    with pytest.raises(RuntimeError):
        hnswlib.Index(space="l2", dim=DIM).load_index("/there/is/no/such/file")


def test_what_is_marked_as_deleted_is_not_found_until_it_is_unmarked(hnswlib, data):
    index = filled(hnswlib, data)
    nearest = np.unique(index.knn_query(data[:50], k=1)[0])
    for label in nearest:
        index.mark_deleted(int(label))
    assert not np.isin(index.knn_query(data[:50], k=5)[0], nearest).any()
    assert index.get_current_count() == N
    with pytest.raises(RuntimeError):
        index.mark_deleted(int(nearest[0]))
    with pytest.raises(RuntimeError):
        index.mark_deleted(N + 5)
    for label in nearest:
        index.unmark_deleted(int(label))
    with pytest.raises(RuntimeError):
        index.unmark_deleted(int(nearest[0]))
    assert own_share(index, data, np.arange(N)) > 0.99


def test_deleted_elements_survive_a_file_and_can_be_unmarked(hnswlib, data, tmp_path):
    index = filled(hnswlib, data)
    for label in range(0, N, 2):
        index.mark_deleted(label)
    index.save_index(str(tmp_path / "index.bin"))
    again = hnswlib.Index(space="l2", dim=DIM)
    again.load_index(str(tmp_path / "index.bin"))
    again.set_ef(100)
    assert (again.knn_query(data, k=1)[0] % 2 == 1).all()
    for label in range(0, N, 2):
        again.unmark_deleted(label)
    assert own_share(again, data, np.arange(N)) > 0.99


def test_deleted_elements_give_way_to_new_ones(hnswlib, data):
    index = filled(hnswlib, data, allow_replace_deleted=True)
    for label in range(100):
        index.mark_deleted(label)
    with pytest.raises(RuntimeError):
        index.add_items(data[:10] + 3, np.arange(10) + N)  # no room without
    index.add_items(data[:100] + 3, np.arange(100) + N, replace_deleted=True)
    assert index.get_current_count() == N
    assert own_share(index, data[:100] + 3, np.arange(100) + N) > 0.97
    assert (index.knn_query(data[:100], k=1)[0] >= 100).all()
    with pytest.raises(RuntimeError):
        filled(hnswlib, data).add_items(data[:1], [0], replace_deleted=True)  # never allowed


def test_threads_delete_and_replace_side_by_side(hnswlib, data):
    index = filled(hnswlib, data, allow_replace_deleted=True)

    def replace(first):
        for label in range(first, first + 100):
            index.mark_deleted(label)
            index.add_items(data[label] + 4, [label + N], num_threads=1, replace_deleted=True)

    workers = [threading.Thread(target=replace, args=(first,)) for first in range(0, 400, 100)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert index.get_current_count() == N
    assert own_share(index, data[:400] + 4, np.arange(400) + N) > 0.98


def test_a_filter_says_which_labels_may_be_found(hnswlib, data):
    index = filled(hnswlib, data)
    exact = hnswlib.BFIndex(space="l2", dim=DIM)
    exact.init_index(max_elements=N)
    exact.add_items(data)
    for one in (index, exact):
        labels, _ = one.knn_query(data[:100], k=1, num_threads=1, filter=lambda label: label % 2 == 0)
        assert (labels % 2 == 0).all()
        assert (labels.ravel()[::2] == np.arange(0, 100, 2)).mean() > 0.97


def test_an_exact_index_finds_deletes_and_is_kept(hnswlib, data, tmp_path):
    exact = hnswlib.BFIndex(space="l2", dim=DIM)
    exact.init_index(max_elements=N)
    exact.add_items(data)
    assert (exact.knn_query(data, k=1)[0].ravel() == np.arange(N)).all()
    exact.delete_vector(17)
    assert exact.knn_query(data[17], k=1)[0][0, 0] != 17
    exact.save_index(str(tmp_path / "exact.bin"))
    again = hnswlib.BFIndex(space="l2", dim=DIM)
    again.load_index(str(tmp_path / "exact.bin"), max_elements=N)
    assert np.array_equal(again.knn_query(data, k=3)[0], exact.knn_query(data, k=3)[0])


@pytest.mark.parametrize("space", ["l2", "ip", "cosine"])
def test_a_pickled_index_answers_as_it_did(hnswlib, data, space):
    index = filled(hnswlib, data, space)
    index.mark_deleted(4)
    again = pickle.loads(pickle.dumps(index))
    assert (again.space, again.dim, again.M, again.ef, again.get_current_count()) == (space, DIM, 16, 50, N)
    again.set_num_threads(1)
    assert np.array_equal(again.knn_query(data, k=3)[0], index.knn_query(data, k=3)[0])


def test_the_size_of_the_file_is_known_before(hnswlib, data, tmp_path):
    index = filled(hnswlib, data)
    index.save_index(str(tmp_path / "index.bin"))
    assert index.index_file_size() == (tmp_path / "index.bin").stat().st_size


def test_a_beam_that_is_set_first_is_kept(hnswlib):
    index = hnswlib.Index(space="l2", dim=DIM)
    index.set_ef(33)
    index.init_index(max_elements=10)
    assert index.ef == 33


def test_construction_is_at_least_as_wide_as_a_row_of_links(hnswlib):
    index = hnswlib.Index(space="l2", dim=DIM)
    index.init_index(max_elements=10, M=20, ef_construction=5)
    assert index.ef_construction == 20


def test_room_that_is_too_little_for_a_file_is_left_aside(hnswlib, data, tmp_path):
    index = hnswlib.Index(space="l2", dim=DIM)
    index.init_index(max_elements=40)
    index.add_items(data[:20])
    index.save_index(str(tmp_path / "twenty.bin"))
    for asked, there in ((0, 40), (5, 40), (20, 20), (30, 30), (90, 90)):
        index = hnswlib.Index(space="l2", dim=DIM)
        index.load_index(str(tmp_path / "twenty.bin"), max_elements=asked)
        assert index.max_elements == there


def test_one_label_is_no_list_of_labels(hnswlib, data):
    with pytest.raises(ValueError, match="list of indices"):
        filled(hnswlib, data).get_items(3)


def test_space_and_dim_cannot_be_set(hnswlib, data):
    index = filled(hnswlib, data)
    for name in ("space", "dim", "M", "ef_construction", "max_elements", "element_count"):
        with pytest.raises(AttributeError):
            setattr(index, name, getattr(index, name))


def test_an_index_is_copied_by_its_constructor(hnswlib, data):
    index = filled(hnswlib, data)
    index.mark_deleted(0)
    state = index.__getstate__()
    params = state[0] if isinstance(state, tuple) else state
    for copy in (hnswlib.Index(index), hnswlib.Index(index=index), hnswlib.Index(params=params)):
        copy.set_num_threads(1)
        assert (copy.space, copy.dim, copy.ef, copy.element_count) == ("l2", DIM, 50, N)
        assert np.array_equal(copy.knn_query(data, k=2)[0], index.knn_query(data, k=2)[0])
        copy.mark_deleted(1)
        copy.unmark_deleted(0)
    assert index.knn_query(data[1], k=1)[0].tolist() == [[1]]
    with pytest.raises(RuntimeError):
        index.mark_deleted(0)  # it is still deleted here
    for wrong in ((), ("l2",), ("l2", "16"), (None, DIM)):
        with pytest.raises(TypeError):
            hnswlib.Index(*wrong)


def test_a_deleted_label_may_be_added_again_where_replacing_is_allowed(hnswlib, data):
    index = filled(hnswlib, data, allow_replace_deleted=True)
    index.mark_deleted(3)
    with pytest.raises(RuntimeError):
        index.add_items(data[:1] + 7, [3])
    index.add_items(data[:1] + 7, [3], replace_deleted=True)
    assert index.element_count == N
    assert index.knn_query(data[:1] + 7, k=1)[0].tolist() == [[3]]


# -- what only one of them does


def test_recall_is_no_lower_than_that_of_hnswlib():
    theirs_module = pytest.importorskip("hnswlib")
    rng = np.random.default_rng(1)
    centers = rng.standard_normal((30, DIM))
    base = (centers[rng.integers(0, 30, 6000)] + 0.7 * rng.standard_normal((6000, DIM))).astype(np.float32)
    queries = base[:300] + 0.3 * rng.standard_normal((300, DIM)).astype(np.float32)
    truth = vicinal.measure.ground_truth(base, queries, 10)[0]
    for ef in (10, 20, 40):
        share = {}
        for module in (drop_in, theirs_module):
            index = module.Index("l2", DIM)
            index.init_index(6000, M=8, ef_construction=60)
            index.add_items(base)
            index.set_ef(ef)
            labels = index.knn_query(queries, 10)[0].astype(np.int64)
            share[module] = vicinal.measure.recall(labels, truth).value
        assert share[drop_in] >= share[theirs_module] - 0.002


def test_short_rows_are_padded_unless_strict(data):
    index = filled(drop_in, data)
    labels, distances = index.knn_query(data[0], k=4, filter=lambda label: label < 2)
    assert labels.tolist()[0][2:] == [2**64 - 1] * 2
    assert np.isinf(distances[0, 2:]).all()
    with pytest.raises(RuntimeError, match="contiguous 2D array"):
        index.knn_query(data[0], k=4, filter=lambda label: label < 2, strict=True)
    exact = drop_in.BFIndex("l2", DIM)
    exact.init_index(2)
    exact.add_items(data[:2])
    assert exact.knn_query(data[0], k=3)[0].tolist()[0][2] == 2**64 - 1


def test_labels_that_come_back_leave_the_room_of_other_deleted_ones_to_new_ones(data):
    index = filled(drop_in, data, allow_replace_deleted=True)
    for label in (3, 5, 6):
        index.mark_deleted(label)
    index.add_items(data[:2] + 7, [3, N], replace_deleted=True)
    assert index.element_count == N
    assert sorted(index.get_ids_list()) == [0, 1, 2, 3, 4, *range(6, N + 1)]
    with pytest.raises(RuntimeError, match="exceeds"):
        index.add_items(data[:3] + 9, [6, N + 1, N + 2], replace_deleted=True)
    with pytest.raises(RuntimeError, match="already deleted"):
        index.mark_deleted(6)


def test_queries_of_another_dimension_are_refused(data):
    for kind in (drop_in.Index, drop_in.BFIndex):
        index = kind("l2", DIM)
        index.init_index(10)
        index.add_items(data[:8])
        with pytest.raises(RuntimeError, match="dimensionality"):
            index.knn_query(data[:2, :3])


def test_a_refused_call_adds_nothing(data):
    index = drop_in.Index("l2", DIM)
    index.init_index(10)
    index.add_items(data[:8])
    with pytest.raises(RuntimeError, match="exceeds"):
        index.add_items(data[:4])
    with pytest.raises(vicinal.InvalidVectorError):
        index.add_items(np.full((1, DIM), np.nan, np.float32))
    assert index.get_current_count() == 8
    index.add_items(data[8:10])
    assert sorted(index.get_ids_list()) == list(range(10))


def test_of_a_label_that_comes_twice_in_a_call_the_last_row_counts(data):
    for index in (drop_in.Index("l2", DIM), drop_in.BFIndex("l2", DIM)):
        index.init_index(10)
        index.add_items(data[:3], [1, 2, 1])
        assert index.get_current_count() == 2
        labels, distances = index.knn_query(data[2], k=1)
        assert (labels[0, 0], distances[0, 0]) == (1, 0)


def test_files_of_ours_are_loaded_too_and_others_refused(data, tmp_path):
    index = filled(drop_in, data)
    index.save_index(tmp_path / "ours.vic", format="vicinal")
    again = drop_in.Index("l2", DIM)
    again.load_index(tmp_path / "ours.vic")
    assert np.array_equal(again.knn_query(data, 2)[0], index.knn_query(data, 2)[0])
    with pytest.raises(vicinal.MismatchError):
        drop_in.Index("ip", DIM).load_index(tmp_path / "ours.vic")
    (tmp_path / "damaged").write_bytes(b"\x00" * 500)
    with pytest.raises(vicinal.CorruptIndexError):
        drop_in.Index("l2", DIM).load_index(tmp_path / "damaged")
    with pytest.raises(ValueError, match="format is 'json'"):
        index.save_index(tmp_path / "x", format="json")


def test_before_it_is_made_an_index_says_what_to_call():
    with pytest.raises(RuntimeError, match="init_index"):
        drop_in.Index("l2", 4).knn_query(np.zeros(4))
    with pytest.raises(RuntimeError, match="init_index"):
        drop_in.BFIndex("l2", 4).add_items(np.zeros(4))


def test_a_deleted_element_whose_label_is_there_again_is_damage(data, tmp_path):
    index = drop_in.Index("l2", DIM)
    index.init_index(20)
    index.add_items(data[:20])
    index.mark_deleted(7)
    index.save_index(tmp_path / "index.bin")
    damaged = bytearray((tmp_path / "index.bin").read_bytes())
    elements = np.frombuffer(damaged, record_type(32, DIM), 20, HEADER_BYTES)
    elements["label"][elements["removed"] == 1] = 3
    (tmp_path / "index.bin").write_bytes(damaged)
    with pytest.raises(vicinal.CorruptIndexError, match="twice"):
        drop_in.Index("l2", DIM).load_index(tmp_path / "index.bin")

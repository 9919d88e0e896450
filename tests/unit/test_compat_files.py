"""Files of hnswlib, faiss and USearch become indexes, and ours files of hnswlib."""

import numpy as np
import pytest

import vicinal
from vicinal.compat import read_faiss, read_hnswlib, read_usearch, write_hnswlib
from vicinal.measure import ground_truth, load_dataset, recall

N, DIM, K = 4_000, 24, 10
EFFORTS = (10, 20, 40)


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(3)
    centers = rng.standard_normal((40, DIM))
    return (centers[rng.integers(0, 40, N)] + 0.6 * rng.standard_normal((N, DIM))).astype(np.float32)


@pytest.fixture(scope="module")
def queries(vectors):
    rng = np.random.default_rng(4)
    return (vectors[rng.integers(0, N, 3000)] + 0.3 * rng.standard_normal((3000, DIM))).astype(np.float32)


def found_share(ids, vectors, queries, metric):
    return recall(ids, ground_truth(vectors, queries, K, metric)[0]).value


def check_no_worse(ours, theirs, vectors, queries, metric, row_of=lambda ids: ids):
    """Recall at an equal beam is the original's, but for two in a thousand."""
    for ef in EFFORTS:
        mine = row_of(ours.search(queries, K, ef=ef).ids)
        assert found_share(mine, vectors, queries, metric) >= found_share(theirs(ef), vectors, queries, metric) - 0.002


# -- hnswlib


@pytest.fixture(scope="module", params=["l2", "ip", "cosine"])
def theirs(request, vectors):
    hnswlib = pytest.importorskip("hnswlib")
    index = hnswlib.Index(request.param, DIM)
    index.init_index(N + 100, M=12, ef_construction=80)
    index.add_items(vectors, np.arange(N) * 3 + 7, num_threads=1)
    return index


def test_an_index_of_hnswlib_keeps_labels_settings_and_recall(theirs, vectors, queries, tmp_path):
    theirs.save_index(str(tmp_path / "theirs.bin"))
    ours = read_hnswlib(tmp_path / "theirs.bin", theirs.space, DIM)

    assert (len(ours), ours.M, ours.ef_construction, ours.metric) == (N, 12, 80, theirs.space)
    assert ours.ids.tolist() == (np.arange(N) * 3 + 7).tolist()

    def their_rows(ef):
        theirs.set_ef(ef)
        return (theirs.knn_query(queries, K)[0].astype(np.int64) - 7) // 3

    check_no_worse(ours, their_rows, vectors, queries, theirs.space, lambda ids: (ids - 7) // 3)


def test_distances_of_an_adopted_index_are_those_of_hnswlib(theirs, queries, tmp_path):
    theirs.save_index(str(tmp_path / "theirs.bin"))
    ours = read_hnswlib(tmp_path / "theirs.bin", theirs.space)
    theirs.set_ef(200)
    labels, distances = theirs.knn_query(queries, K)
    result = ours.search(queries, K, ef=200)
    same = result.ids == labels
    assert same.mean() > 0.99
    np.testing.assert_allclose(result.distances[same], distances[same], rtol=1e-4, atol=1e-5)


def test_what_hnswlib_marked_as_deleted_is_removed_and_its_links_still_lead_on(vectors, queries, tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    index = hnswlib.Index("l2", DIM)
    index.init_index(N, M=8)
    index.add_items(vectors, num_threads=1)
    for label in range(0, N, 3):
        index.mark_deleted(label)
    index.save_index(str(tmp_path / "theirs.bin"))

    ours = read_hnswlib(tmp_path / "theirs.bin", "l2", DIM)
    left = np.setdiff1d(np.arange(N), np.arange(0, N, 3))
    assert ours.ids.tolist() == left.tolist()
    found = ours.search(queries, K, ef=100).ids
    truth = left[ground_truth(vectors[left], queries, K, "l2")[0]]
    assert recall(found, truth).value > 0.97
    ours.add(vectors[:10] + 1, ids=np.arange(10) + N)
    ours.compact()
    assert ours.stats()["graph"]["removed"] == 0
    assert ours.check().ok


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_hnswlib_reads_what_we_write(metric, vectors, queries, tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    ours = vicinal.Index(DIM, metric, M=10, ef_construction=60)
    ours.add(vectors, ids=np.arange(N) + 5)
    ours.remove(np.arange(5, 205))
    write_hnswlib(ours, tmp_path / "ours.bin", max_elements=2 * N)

    index = hnswlib.Index(metric, DIM)
    index.load_index(str(tmp_path / "ours.bin"))
    assert (index.element_count, index.max_elements, index.M, index.ef_construction) == (N - 200, 2 * N, 10, 60)
    index.set_ef(80)
    labels, _ = index.knn_query(queries, K)
    truth = ground_truth(vectors[200:], queries, K, metric)[0] + 205
    assert recall(labels.astype(np.int64), truth).value > 0.97
    index.add_items(vectors[:10], np.arange(10) + 10 * N)  # it goes on from there
    assert index.knn_query(vectors[:1], 1)[0][0, 0] == 10 * N or metric == "ip"


def test_an_index_goes_to_hnswlib_and_back_as_it_was(vectors, tmp_path):
    ours = vicinal.Index(DIM)
    ours.add(vectors)
    write_hnswlib(ours, tmp_path / "there.bin")
    back = read_hnswlib(tmp_path / "there.bin", "l2")
    assert back.digest() == ours.digest()
    for part in ("levels", "links", "upper_links", "entry"):
        assert np.array_equal(back._arrays()[part], ours._arrays()[part])


def test_every_copy_of_a_vector_is_found_by_hnswlib(tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    once = np.random.default_rng(0).standard_normal((300, DIM)).astype(np.float32)
    ours = vicinal.Index(DIM, M=8)
    ours.add(np.repeat(once, 5, axis=0))
    write_hnswlib(ours, tmp_path / "ours.bin")
    index = hnswlib.Index("l2", DIM)
    index.load_index(str(tmp_path / "ours.bin"))
    index.set_ef(100)
    labels, distances = index.knn_query(once, 5)
    assert (np.sort(labels, axis=1) == np.arange(1500).reshape(300, 5)).mean() > 0.99
    assert (distances[:, 4] == 0).mean() > 0.99


def test_vectors_that_are_nodes_twice_may_be_added_to_and_removed(tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    once = np.random.default_rng(0).standard_normal((300, DIM)).astype(np.float32)
    index = hnswlib.Index("l2", DIM)
    index.init_index(900)
    index.add_items(np.tile(once, (3, 1)), num_threads=1)
    index.save_index(str(tmp_path / "theirs.bin"))
    ours = read_hnswlib(tmp_path / "theirs.bin", "l2")
    ours.add(once, ids=np.arange(300) + 900)
    ours.remove(np.arange(0, 300))
    found = ours.search(once, 3, ef=100)
    assert (np.sort(found.ids, axis=1) == np.arange(300, 1200).reshape(3, 300).T).mean() > 0.99
    ours.compact()
    assert ours.check().unreachable == 0


def test_an_empty_index_goes_both_ways(tmp_path):
    write_hnswlib(vicinal.Index(4), tmp_path / "empty.bin")
    ours = read_hnswlib(tmp_path / "empty.bin", "l2", 4)
    assert len(ours) == 0
    ours.add(np.eye(4, dtype=np.float32))
    assert ours.search(np.eye(4, dtype=np.float32)[1], 1).ids.tolist() == [1]


def test_another_dimension_space_or_label_is_refused_by_name(vectors, tmp_path):
    path = tmp_path / "ours.bin"
    ours = vicinal.Index(DIM)
    ours.add(vectors[:10])
    write_hnswlib(ours, path)
    with pytest.raises(vicinal.MismatchError, match="24 dimensions, expected 25"):
        read_hnswlib(path, "l2", 25)
    with pytest.raises(ValueError, match="space is 'euclid'"):
        read_hnswlib(path, "euclid")
    with pytest.raises(ValueError, match="no metric 'hamming'"):
        write_hnswlib(vicinal.Index(8, "hamming"), path)
    data = bytearray(path.read_bytes())
    data[96 + 4 + 32 * 4 + 4 * DIM : 96 + 4 + 32 * 4 + 4 * DIM + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(vicinal.CorruptIndexError, match="id of row 0 is 18446744073709551615"):
        read_hnswlib(path, "l2")
    path.write_bytes(b"")
    with pytest.raises(vicinal.CorruptIndexError, match="the header"):
        read_hnswlib(path, "l2")
    with pytest.raises(FileNotFoundError):
        read_hnswlib(tmp_path / "nothing", "l2")


# -- faiss


@pytest.mark.parametrize("metric", ["l2", "ip"])
def test_a_flat_hnsw_index_of_faiss_keeps_its_recall(metric, vectors, queries, tmp_path):
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexHNSWFlat(DIM, 12, faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 80
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "theirs.faiss"))
    ours = read_faiss(tmp_path / "theirs.faiss")

    assert (len(ours), ours.M, ours.ef_construction, ours.metric) == (N, 12, 80, metric)

    def their_rows(ef):
        index.hnsw.efSearch = ef
        return index.search(queries, K)[1]

    check_no_worse(ours, their_rows, vectors, queries, metric)
    D, I = index.search(queries, 1)  # noqa: E741
    result = ours.search(queries, 1, ef=40)
    same = result.ids == I
    assert same.mean() > 0.98
    np.testing.assert_allclose(result.faiss()[0][same], D[same], rtol=1e-4, atol=1e-4)


def test_ids_of_an_idmap_are_kept(vectors):
    faiss = pytest.importorskip("faiss")
    for kind in (faiss.IndexIDMap, faiss.IndexIDMap2):
        index = kind(faiss.IndexHNSWFlat(DIM, 8))
        index.add_with_ids(vectors[:500], np.arange(500) * 11)
        ours = read_faiss(index)
        assert ours.search(vectors[:20], 1).ids[:, 0].tolist() == (np.arange(20) * 11).tolist()


@pytest.mark.parametrize(
    ("quantizer", "dtype"),
    [("QT_8bit", "f32"), ("QT_8bit_uniform", "f32"), ("QT_fp16", "f16"), ("QT_bf16", "bf16"), ("QT_8bit_direct", "u8"),
     ("QT_8bit_direct_signed", "i8")],
)  # fmt: skip
def test_scalar_quantizers_of_faiss_are_decoded_as_faiss_decodes_them(quantizer, dtype):
    faiss = pytest.importorskip("faiss")
    vectors = np.random.default_rng(1).integers(0, 100, (800, DIM)).astype(np.float32)
    index = faiss.IndexHNSWSQ(DIM, getattr(faiss.ScalarQuantizer, quantizer), 8)
    index.train(vectors)
    index.add(vectors)
    ours = read_faiss(index)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours.get(np.arange(800)), index.storage.reconstruct_n(0, 800), rtol=1e-6, atol=1e-5)
    assert (ours.search(vectors[:50], 1).ids[:, 0] == np.arange(50)).all()


def test_other_kinds_of_faiss_index_are_named(tmp_path):
    faiss = pytest.importorskip("faiss")
    with pytest.raises(vicinal.NotAnIndexError, match="IxF2"):
        read_faiss(faiss.IndexFlatL2(8))
    four_bits = faiss.IndexHNSWSQ(8, faiss.ScalarQuantizer.QT_4bit, 8)
    four_bits.train(np.random.default_rng(0).random((50, 8), dtype=np.float32))
    with pytest.raises(vicinal.NotAnIndexError, match="quantizer type 1"):
        read_faiss(four_bits)
    (tmp_path / "no").write_bytes(b"no index")
    with pytest.raises(vicinal.NotAnIndexError):
        read_faiss(tmp_path / "no")


# -- USearch


@pytest.mark.parametrize(
    ("metric", "dtype"),
    [("l2sq", "f32"), ("ip", "f32"), ("cos", "f32"), ("cos", "f16"), ("l2sq", "bf16"), ("cos", "i8")],
)
def test_an_index_of_usearch_keeps_keys_and_recall(metric, dtype, vectors, queries, tmp_path):
    usearch = pytest.importorskip("usearch.index")
    index = usearch.Index(ndim=DIM, metric=metric, dtype=dtype, connectivity=12, expansion_add=80)
    index.add(np.arange(N) * 2, vectors, threads=1)
    index.save(tmp_path / "theirs.usearch")
    ours = read_usearch(tmp_path / "theirs.usearch")

    ours_metric = {"l2sq": "l2", "cos": "cosine", "ip": "ip"}[metric]
    assert (len(ours), ours.M, ours.metric, ours.dtype) == (N, 12, ours_metric, dtype)

    def their_rows(ef):
        index.expansion_search = ef
        return index.search(queries, K).keys.astype(np.int64) // 2

    asked = queries
    if dtype == "i8":  # as USearch rounds them
        asked = np.clip(queries / np.linalg.norm(queries, axis=1, keepdims=True) * 127, -127, 127).round()
    for ef in EFFORTS:
        mine = ours.search(asked.astype(np.int8) if dtype == "i8" else asked, K, ef=ef).ids // 2
        here, there = (found_share(ids, vectors, queries, ours_metric) for ids in (mine, their_rows(ef)))
        assert here >= there - (0.02 if dtype == "i8" else 0.002)


def test_what_usearch_removed_is_removed(vectors, tmp_path):
    usearch = pytest.importorskip("usearch.index")
    index = usearch.Index(ndim=DIM, metric="l2sq", dtype="f32")
    index.add(np.arange(1000), vectors[:1000], threads=1)
    index.remove(np.arange(0, 1000, 4))
    index.save(tmp_path / "theirs.usearch")
    ours = read_usearch(tmp_path / "theirs.usearch")
    left = np.setdiff1d(np.arange(1000), np.arange(0, 1000, 4))
    assert ours.ids.tolist() == left.tolist()
    assert (ours.search(vectors[left], 1, ef=60).ids[:, 0] == left).mean() > 0.99


def test_packed_bits_of_usearch_are_read(tmp_path):
    usearch = pytest.importorskip("usearch.index")
    bits = np.random.default_rng(0).integers(0, 256, (500, 16), dtype=np.uint8)
    index = usearch.Index(ndim=128, metric="hamming", dtype="b1")
    index.add(np.arange(500), bits, threads=1)
    index.save(tmp_path / "theirs.usearch")
    ours = read_usearch(tmp_path / "theirs.usearch")
    assert ours.metric == "hamming"
    assert (ours.search(bits, 1).ids[:, 0] == np.arange(500)).all()


def test_what_usearch_has_and_we_do_not_is_named(vectors, tmp_path):
    usearch = pytest.importorskip("usearch.index")
    index = usearch.Index(ndim=DIM, metric="l2sq", dtype="f32", multi=True)
    index.add([1, 1], vectors[:2])
    index.save(tmp_path / "multi")
    with pytest.raises(vicinal.NotAnIndexError, match="several vectors a key"):
        read_usearch(tmp_path / "multi")
    (tmp_path / "no").write_bytes(b"no index at all")
    with pytest.raises(vicinal.NotAnIndexError, match="no index of USearch"):
        read_usearch(tmp_path / "no")


def test_an_adopted_index_of_real_vectors_finds_what_hnswlib_finds(tmp_path):
    hnswlib = pytest.importorskip("hnswlib")
    data = load_dataset("sift-20k")
    base, asked = np.asarray(data.base[:10_000], np.float32), np.asarray(data.query[:300], np.float32)
    index = hnswlib.Index("l2", 128)
    index.init_index(len(base), M=16, ef_construction=100)
    index.add_items(base, num_threads=1)
    index.save_index(str(tmp_path / "theirs.bin"))
    ours = read_hnswlib(tmp_path / "theirs.bin", "l2", 128)

    def their_rows(ef):
        index.set_ef(ef)
        return index.knn_query(asked, K)[0].astype(np.int64)

    check_no_worse(ours, their_rows, base, asked, "l2")

"""Documents of many vectors: exact scores, encodings, candidates, and what is refused."""

import pickle
import threading

import numpy as np
import pytest

import vicinal
from vicinal.multivector import FDE, MultiVectorIndex, maxsim, pool_tokens
from vicinal.multivector.index import DOCUMENTS

DIM = 24


def reference(query, document):
    """MaxSim as it is defined, in double precision."""
    return (np.asarray(query, np.float64) @ np.asarray(document, np.float64).T).max(axis=1).sum()


def documents_of(n, seed=0, least=1, most=30):
    """Sets around topics: a document's vectors are alike."""
    rng = np.random.default_rng(seed)
    topics = rng.standard_normal((max(1, n // 6), DIM))
    return [
        (topics[rng.integers(len(topics))] + rng.standard_normal((rng.integers(least, most), DIM))).astype(np.float32)
        for _ in range(n)
    ]


@pytest.fixture(scope="module")
def documents():
    return documents_of(300)


@pytest.fixture(scope="module")
def queries(documents):
    rng = np.random.default_rng(9)
    return [
        documents[i][:4] + 0.4 * rng.standard_normal((len(documents[i][:4]), DIM)).astype(np.float32)
        for i in rng.permutation(len(documents))[:40]
    ]


# -- exact scores


@pytest.mark.parametrize("element", [np.float32, np.float16])
@pytest.mark.parametrize("tokens", [1, 3, 16, 17, 33, 70])
def test_maxsim_is_the_sum_of_the_largest_products(element, tokens):
    rng = np.random.default_rng(tokens)
    sets = [rng.standard_normal((n, DIM)).astype(element) for n in (1, 2, 5, 6, 7, 8, 9, 40)]
    query = rng.standard_normal((tokens, DIM)).astype(np.float32)
    expected = [reference(query, one) for one in sets]
    np.testing.assert_allclose(maxsim(query, sets), expected, rtol=1e-5)
    flat, offsets = np.concatenate(sets), np.cumsum([0, *map(len, sets)])
    assert np.array_equal(maxsim(query, flat, offsets), maxsim(query, sets))
    assert np.array_equal(maxsim(query, flat, offsets, subset=[3, 3, 0]), maxsim(query, sets)[[3, 3, 0]])


def test_negative_maxima_count_too():
    query, document = np.ones((2, DIM), np.float32), -np.ones((3, DIM), np.float32)
    assert maxsim(query, [document]).tolist() == [-2.0 * DIM]


def test_scores_are_the_same_on_any_number_of_threads(documents, queries):
    for query in queries[:5]:
        assert np.array_equal(maxsim(query, documents, threads=1), maxsim(query, documents, threads=4))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: maxsim(np.ones((1, 3)), [np.ones((2, 3)), np.ones((0, 3))]), ValueError, r"vectors\[1\] is an empty"),
        (lambda: maxsim(np.ones((0, 3)), [np.ones((2, 3))]), ValueError, "query is an empty set"),
        (lambda: maxsim(np.ones((1, 3)), np.ones((4, 3)), [0, 2, 2, 4]), ValueError, r"vectors\[1\] is an empty set"),
        (lambda: maxsim(np.ones((1, 3)), np.ones((4, 3)), [0, 3]), ValueError, "expected 0 to 4"),
        (lambda: maxsim(np.ones((1, 3)), np.ones((4, 3)), [1, 4]), ValueError, "go from 1 to 4"),
        (lambda: maxsim(np.ones((1, 2)), [np.ones((2, 3))]), vicinal.DimensionError, "expected 3"),
        (lambda: maxsim(np.ones(3), [np.ones((2, 3))]), vicinal.DimensionError, r"shape \(3,\)"),
        (lambda: maxsim(np.ones((1, 3)), [np.ones((2, 3)), [[np.nan] * 3]]), vicinal.InvalidVectorError, r"\[1\]"),
        (lambda: maxsim(np.ones((1, 3)), [np.ones((2, 3))], subset=[1]), ValueError, "names document 1"),
    ],
)  # fmt: skip
def test_sets_that_do_not_fit_are_refused_by_their_place(call, error, says):
    with pytest.raises(error, match=says):
        call()


# -- encodings


def fde_reference(fde, rows, query):
    """The encoding as the paper describes it, one vector at a time."""
    out = np.zeros((fde.reps, 2**fde.ksim, fde.dproj))
    counts = np.zeros((fde.reps, 2**fde.ksim))
    planes = fde._planes.reshape(fde.reps, -1, DIM)
    for row in fde._turning(np.asarray(rows)):
        for r in range(fde.reps):
            if fde.partition == "kmeans":
                cell = int(np.argmin(((planes[r] - row) ** 2).sum(axis=1)))
            else:
                bits = planes[r] @ (row - fde._origin) > 0
                cell = int((bits << np.arange(fde.ksim)).sum())
            np.add.at(out[r, cell], fde._places[r], fde._signs[r] * row)
            counts[r, cell] += 1
    return (out if query else out / np.maximum(counts, 1)[..., None]).ravel()


@pytest.mark.parametrize("partition", ["simhash", "centered", "kmeans"])
def test_an_encoding_has_sums_for_queries_and_means_for_documents(documents, partition):
    fde = FDE(DIM, reps=3, ksim=3, dproj=5, fill=False, partition=partition, seed=4).fit(documents)
    for one in documents[:10]:
        np.testing.assert_allclose(fde.documents([one])[0], fde_reference(fde, one, False), atol=1e-4)
        np.testing.assert_allclose(fde.queries([one])[0], fde_reference(fde, one, True), atol=1e-4)


def test_a_filled_cell_takes_the_vector_whose_cell_is_nearest(documents):
    bare = FDE(DIM, reps=2, ksim=4, dproj=6, partition="simhash", fill=False)
    filled = FDE(DIM, reps=2, ksim=4, dproj=6, partition="simhash", fill=True)
    one = documents[0][:1]
    blocks = filled.documents([one]).reshape(2, 16, 6)
    assert (blocks == blocks[:, :1]).all()  # a single vector fills every cell
    assert (bare.documents([one]).reshape(2, 16, 6).any(axis=2).sum(axis=1) == 1).all()
    for sets in (bare.queries([one]), filled.queries([one])):
        assert (sets.reshape(2, 16, 6).any(axis=2).sum(axis=1) == 1).all()


def test_products_of_encodings_go_as_maxsim_does_and_of_other_seeds_do_not(documents, queries):
    from scipy.stats import spearmanr

    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in documents]
    exact = np.concatenate([maxsim(query, unit) for query in queries])
    fde, other = (FDE(DIM, reps=40, ksim=4, dproj=8, seed=seed).fit(unit) for seed in (0, 1))
    near = (fde.queries(queries) @ fde.documents(unit).T).ravel()
    far = (other.queries(queries) @ fde.documents(unit).T).ravel()
    assert spearmanr(near, exact).statistic > 0.8
    assert abs(spearmanr(far, exact).statistic) < 0.3


def test_an_encoding_is_the_same_on_any_number_of_threads_and_from_the_same_seed(documents):
    once = FDE(DIM, seed=3).fit(documents).documents(documents, threads=1)
    assert np.array_equal(once, FDE(DIM, seed=3).fit(documents).documents(documents, threads=4))
    assert not np.array_equal(once, FDE(DIM, seed=4).fit(documents).documents(documents))


def test_an_encoding_that_is_too_long_or_not_fitted_is_refused():
    with pytest.raises(ValueError, match="2097152 dimensions"):
        FDE(64, reps=32, ksim=10, dproj=64)
    with pytest.raises(vicinal.NotTunedError, match="fit"):
        FDE(DIM).documents([np.ones((1, DIM))])
    with pytest.raises(ValueError, match="partition"):
        FDE(DIM, partition="voronoi")


# -- the index


def exact_ids(documents, query, k):
    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in documents]
    scores = maxsim(query / np.linalg.norm(query, axis=1, keepdims=True), unit)
    return np.argsort(-scores, kind="stable")[:k]


@pytest.mark.parametrize("candidates", ["mean", "fde", "token", "centroid", "auto"])
def test_what_scores_highest_is_found(documents, queries, candidates):
    index = MultiVectorIndex(DIM, candidates, dtype="f32")
    assert index.add(documents).tolist() == list(range(300))
    exact = index.search(queries, 5, exact=True)
    assert exact.ids.shape == exact.scores.shape == (40, 5)
    for query, ids in zip(queries, exact.ids, strict=True):
        assert ids.tolist() == exact_ids(documents, query, 5).tolist()
    found = index.search(queries, 5, n_candidates=100)
    assert (found.scored == 100).all() or candidates == "token"  # which may meet fewer
    shared = np.mean([len(np.intersect1d(a, b)) / 5 for a, b in zip(found.ids, exact.ids, strict=True)])
    assert shared > (0.85 if candidates == "fde" else 0.95)
    assert np.array_equal(found.distances, -found.scores)


def test_one_query_gives_results_of_one_dimension(documents):
    index = MultiVectorIndex(DIM)
    index.add(documents)
    ids, scores = index.search(documents[3], 4)
    assert (ids.shape, scores.shape, int(ids[0])) == ((4,), (4,), 3)
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("candidates", ["mean", "fde", "token", "centroid"])
def test_removed_documents_are_not_found_and_their_ids_may_come_back(documents, candidates):
    index = MultiVectorIndex(DIM, candidates)
    index.add(documents[:100], ids=np.arange(100) * 2)
    index.remove([6, 8])
    assert 6 not in index
    assert len(index) == 98
    assert 6 not in index.search(documents[3], 10).ids
    index.add([documents[3]], ids=[6])
    assert index.search(documents[3], 1).ids.tolist() == [6]
    assert index.ids.tolist() == sorted({*range(0, 200, 2)} - {8})
    np.testing.assert_allclose(index.get(6).astype(np.float32), index.get(6), rtol=0)


@pytest.mark.parametrize("candidates", ["mean", "fde", "token", "centroid"])
def test_a_filter_admits_what_it_names(documents, candidates):
    index = MultiVectorIndex(DIM, candidates)
    index.add(documents)
    result = index.search(documents[:10], 3, filter=np.arange(0, 300, 7), n_candidates=10)
    assert (result.ids % 7 == 0).all()
    few = index.search(documents[0], 4, filter=[5, 9, 10**6])
    assert few.ids.tolist()[2:] == [-1, -1]
    assert np.isneginf(few.scores[2:]).all()


@pytest.mark.parametrize("candidates", ["mean", "fde", "token", "centroid", "auto"])
def test_an_index_is_kept_in_a_file(documents, queries, candidates, tmp_path):
    index = MultiVectorIndex(DIM, candidates, seed=5)
    index.add(documents, ids=np.arange(300) + 50)
    index.remove([60, 61])
    if candidates == "auto":
        index.calibrate(queries, 5)
    index.save(tmp_path / "documents.mv")
    again = MultiVectorIndex.load(tmp_path / "documents.mv")
    assert again.ids.tolist() == index.ids.tolist()
    assert again.candidates == index.candidates
    here, there = index.search(queries, 5, exact=True), again.search(queries, 5, exact=True)
    assert np.array_equal(here.ids, there.ids)
    assert np.array_equal(here.scores, there.scores)
    found = again.search(queries, 5, n_candidates=60)
    assert np.mean(found.ids == there.ids) > 0.7
    assert (again.calibration is None) == (index.calibration is None)
    assert again.add([documents[0]]).tolist() == [350]


def test_damaged_files_are_refused(documents, tmp_path):
    index = MultiVectorIndex(DIM)
    index.add(documents[:20])
    path = tmp_path / "documents.mv"
    index.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(damaged))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged[: rng.choice([len(damaged), rng.integers(len(damaged))])]))
        with pytest.raises((vicinal.CorruptIndexError, vicinal.NotAnIndexError)):
            MultiVectorIndex.load(path)
    path.write_bytes(b"something else")
    with pytest.raises(vicinal.NotAnIndexError):
        MultiVectorIndex.load(path)


@pytest.mark.parametrize(
    "lie",
    [
        lambda about, _: about.update(dim=DIM + 1),
        lambda about, _: about.update(dtype="f32"),
        lambda about, _: about.update(name="token"),
        lambda about, _: about.update(name="fde"),
        lambda about, _: about.update(name="best"),
        lambda about, _: about.update(next=3),
        lambda about, _: about.update(calibration={"k": "x"}),
        lambda about, _: about.pop("seed"),
        lambda _, parts: parts.update(ids=parts["ids"][:-1]),
        lambda _, parts: parts.update(ids=parts["ids"] * 0),
        lambda _, parts: parts.update(offsets=parts["offsets"][::-1].copy()),
        lambda _, parts: parts.update(candidates=parts["candidates"][:-9]),
        lambda _, parts: parts.pop("rows"),
    ],
)
def test_a_file_that_lies_about_itself_is_refused(documents, tmp_path, lie):
    index = MultiVectorIndex(DIM)
    index.add(documents[:20])
    index.save(tmp_path / "documents.mv")
    about, parts = DOCUMENTS.read(tmp_path / "documents.mv")
    lie(about, parts)
    DOCUMENTS.write(tmp_path / "documents.mv", about, parts)
    with pytest.raises(vicinal.CorruptIndexError):
        MultiVectorIndex.load(tmp_path / "documents.mv")


@pytest.mark.parametrize("candidates", ["mean", "token", "centroid"])
def test_searches_run_beside_a_writer(documents, candidates):
    index = MultiVectorIndex(DIM, candidates)
    index.add(documents[:50])
    failed = []

    def ask():
        try:
            for _ in range(60):
                ids = index.search(documents[7], 3, n_candidates=20).ids
                assert ids[0] == 7
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for first in range(50, 290, 12):
        index.add(documents[first : first + 12])
        index.remove([first, first + 1])
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.parametrize("candidates", ["mean", "fde", "token"])
def test_an_add_that_is_ended_has_added_nothing(documents, candidates, monkeypatch):
    index = MultiVectorIndex(DIM, candidates)
    index.add(documents[:10])
    whole_add = vicinal.Index.add

    def ended(self, vectors, ids):
        whole_add(self, vectors[:3], ids=ids[:3])
        raise vicinal.Interrupted(ids[:3])

    with monkeypatch.context() as patched:
        patched.setattr(vicinal.Index, "add", ended)
        with pytest.raises(vicinal.Interrupted) as interrupted:
            index.add(documents[10:20])
    assert interrupted.value.added.tolist() == []
    assert index.add(documents[10:20]).tolist() == list(range(10, 20))
    assert index.search(documents[12], 1).ids.tolist() == [12]


def test_an_add_that_ends_while_centroids_are_found_anew_has_added_nothing(documents, monkeypatch):
    index = MultiVectorIndex(DIM, "centroid")
    index.add(documents[:10])

    def ended(*_):
        raise vicinal.Interrupted(np.empty(0, np.int64))

    with monkeypatch.context() as patched:
        patched.setattr("vicinal.multivector.centroids.find_centroids", ended)
        with pytest.raises(vicinal.Interrupted):
            index.add(documents[10:100])  # so many that centroids have to be found anew
    assert len(index) == 10
    assert 12 not in index.search(documents[12], 10, n_candidates=9).ids
    assert index.add(documents[10:100]).tolist() == list(range(10, 100))
    assert index.search(documents[12], 1, n_candidates=20).ids.tolist() == [12]


def test_calibration_measures_every_generator_and_takes_the_cheapest(documents, queries):
    index = MultiVectorIndex(DIM)
    index.add(documents)
    found = index.calibrate(queries, 5, recall=0.98)
    assert set(found.curves) == {"mean", "fde", "token", "centroid"}
    for curve in found.curves.values():
        values = [curve[n] for n in sorted(curve)]
        assert values == sorted(values)
    assert found.curves[found.chosen][min(found.n_candidates, max(found.curves[found.chosen]))] >= 0.98 or (
        found.n_candidates == len(index)
    )
    needed = [min([n for n in curve if curve[n] >= 0.98], default=len(index)) for curve in found.curves.values()]
    assert found.n_candidates == min(needed) == needed[list(found.curves).index(found.chosen)]
    assert len(set(needed)) > 1
    assert index.candidates == found.chosen
    assert found.chosen in str(found)
    assert (index.search(queries, 5).scored <= found.n_candidates).all()


def test_documents_that_score_the_same_come_in_the_order_of_ids(documents):
    index = MultiVectorIndex(DIM)
    index.add([documents[0]] * 5, ids=[7, 3, 9, 1, 5])
    assert index.search(documents[0], 4).ids.tolist() == [1, 3, 5, 7]


def test_what_a_generator_names_too_early_or_too_late_is_left_out(documents):
    """A search may meet documents that are added or removed while it runs."""
    index = MultiVectorIndex(DIM)
    index.add(documents[:6])
    index.remove([2])
    assert index._held.of_live(np.array([[5, 2, -1, 6, 0]])).tolist() == [[5, -1, -1, -1, 0]]


def test_a_refused_call_changes_nothing(documents):
    index = MultiVectorIndex(DIM)
    index.add(documents[:10])
    wrong = [
        (lambda: index.add(documents[:2], ids=[3, 11]), vicinal.DuplicateIdError),
        (lambda: index.add(documents[:2], ids=[11, 11]), vicinal.DuplicateIdError),
        (lambda: index.add(documents[:2], ids=[11]), ValueError),
        (lambda: index.add([np.ones((1, DIM)), np.zeros((1, DIM))]), vicinal.InvalidVectorError),
        (lambda: index.add([np.ones((1, DIM + 1))]), vicinal.DimensionError),
        (lambda: index.add([np.ones((0, DIM))]), ValueError),
        (lambda: index.remove([3, 99]), vicinal.UnknownIdError),
        (lambda: index.search(documents[:1], 0), ValueError),
        (lambda: index.calibrate([], 3), ValueError),
        (lambda: MultiVectorIndex(DIM, "best"), ValueError),
    ]
    for call, error in wrong:
        with pytest.raises(error):
            call()
        assert len(index) == 10
    assert index.search(documents[4], 1).ids.tolist() == [4]


def test_an_empty_index_finds_nothing():
    index = MultiVectorIndex(DIM)
    assert index.search(np.ones((2, DIM)), 3).ids.tolist() == [-1, -1, -1]
    assert index.add([]).tolist() == []


def test_pooled_vectors_are_fewer_and_score_alike(documents, queries):
    flat, offsets = np.concatenate(documents), np.cumsum([0, *map(len, documents)])
    rows, starts = pool_tokens(flat, offsets, factor=2)
    assert len(starts) == len(offsets)
    assert len(rows) == sum(-(-len(one) // 2) for one in documents)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-4)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    for query in queries[:5]:
        before, after = maxsim(query, unit, offsets), maxsim(query, rows, starts)
        assert np.corrcoef(before, after)[0, 1] > 0.9


def test_as_many_documents_are_found_as_there_are():
    """Where all that a query's vector finds is of one document, the others are scored too."""
    rng = np.random.default_rng(0)
    many = np.ones((300, 8)) + 0.01 * rng.standard_normal((300, 8))
    index = MultiVectorIndex(8, "token")
    index.add([many, *rng.standard_normal((200, 3, 8))])
    found = index.search(np.ones((1, 8)), 10, n_candidates=12)
    assert (found.ids >= 0).all()
    assert found.ids.tolist() == index.search(np.ones((1, 8)), 10, exact=True).ids.tolist()


def test_an_id_is_never_used_again_not_even_after_a_file(documents, tmp_path):
    index = MultiVectorIndex(DIM)
    index.add(documents[:5])
    index.remove([4])
    index.save(tmp_path / "documents.mv")
    assert MultiVectorIndex.load(tmp_path / "documents.mv").add([documents[5]]).tolist() == [5]


def test_what_get_returns_is_the_callers(documents):
    index = MultiVectorIndex(DIM, dtype="f32", normalize=False)
    index.add(documents[:3])
    index.get(0)[:] = 0
    assert np.array_equal(index.get(0), documents[0])


@pytest.mark.parametrize(
    ("sets", "error", "says"),
    [
        (np.ones((2, DIM), bool), TypeError, "bool"),
        ([[["1"] * DIM]], TypeError, "expected numbers"),
        (np.ones((2, DIM), complex), TypeError, "complex"),
        (np.ma.masked_array(np.ones((2, DIM)), mask=True), TypeError, "masked"),
        (np.full((2, DIM), 1e300), vicinal.InvalidVectorError, "float32"),
        (np.full((2, DIM), 1e5), vicinal.InvalidVectorError, r"vectors\[0\].*float16"),
    ],
)
def test_what_are_no_vectors_is_refused(sets, error, says):
    with pytest.raises(error, match=says):
        MultiVectorIndex(DIM, normalize=False).add(sets)
    with pytest.raises(TypeError, match="expected integers"):
        maxsim(np.ones((1, 3)), np.ones((4, 3)), [0, 2.5, 4])


def test_pooling_takes_whole_numbers_and_no_sets():
    with pytest.raises(ValueError, match="factor"):
        pool_tokens(np.ones((2, 3)), [0, 2], factor=1.5)
    assert pool_tokens(np.ones((0, 3)), [0])[1].tolist() == [0]


def test_an_index_is_pickled_and_keeps_no_memory_of_the_callers(documents):
    rows = np.array(documents[0])
    index = MultiVectorIndex(DIM, dtype="f32", normalize=False)
    index.add([rows, documents[1]], ids=[3, 2**63 - 1])
    rows[:] = 0
    again = pickle.loads(pickle.dumps(index))
    assert np.array_equal(again.get(3), documents[0])
    assert again.search(documents[1], 1).ids.tolist() == [2**63 - 1]
    with pytest.raises(OverflowError, match="no 1 ids"):
        again.add([documents[2]])


def test_there_must_be_something_to_fit_to():
    with pytest.raises(ValueError, match="no sets"):
        FDE(DIM).fit([])

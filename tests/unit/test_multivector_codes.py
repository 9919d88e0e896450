"""Documents in four bits an element, candidates by centroids, and memory that is given back."""

import numpy as np
import pytest

import vicinal
from vicinal import _core
from vicinal.multivector import FDE, MultiVectorIndex, maxsim
from vicinal.multivector.clusters import find_centroids, nearest_centroids
from vicinal.multivector.index import DOCUMENTS
from vicinal.multivector.sets import VectorSets
from vicinal.multivector.turning import Turning

DIM = 24


def documents_of(n, seed=0):
    """Sets around topics: a document's vectors are alike."""
    rng = np.random.default_rng(seed)
    topics = rng.standard_normal((max(1, n // 6), DIM))
    rows = [topics[rng.integers(len(topics))] + rng.standard_normal((rng.integers(1, 30), DIM)) for _ in range(n)]
    return [(one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32) for one in rows]


@pytest.fixture(scope="module")
def documents():
    return documents_of(300)


@pytest.fixture(scope="module")
def queries(documents):
    rng = np.random.default_rng(9)
    return [documents[i][:4] + 0.1 * rng.standard_normal((len(documents[i][:4]), DIM)) for i in range(0, 300, 8)]


# -- a rotation


@pytest.mark.parametrize("dim", [1, 2, 3, 24, 96, 128])
def test_turning_keeps_products_and_is_undone(dim):
    rows = np.random.default_rng(dim).standard_normal((50, dim)).astype(np.float32)
    turned = Turning(dim, 7)(rows)
    np.testing.assert_allclose(turned @ turned.T, rows @ rows.T, atol=1e-4)
    np.testing.assert_allclose(Turning(dim, 7).back(turned), rows, atol=1e-5)
    assert dim < 3 or not np.allclose(turned, Turning(dim, 8)(rows))


def test_elements_of_a_turned_vector_are_alike_in_size():
    turned = Turning(96, 0)(np.eye(96, dtype=np.float32))
    assert np.abs(turned).max() < 0.6
    assert (np.abs(turned) > 0.01).mean() > 0.7


# -- four bits an element


def test_documents_in_four_bits_score_as_the_vectors_they_stand_for(documents, queries):
    index = MultiVectorIndex(DIM, dtype="b4")
    index.add(documents)
    found = index.search(queries, 10, exact=True)
    stood_for = index._held.sets.floats()
    for query, ids, scores in zip(queries, found.ids, found.scores, strict=True):
        turned = index._checked([query], None, "queries").rows
        assert np.array_equal(scores, maxsim(turned, stood_for.rows, stood_for.offsets, subset=ids))
    for i in (0, 17, 299):
        np.testing.assert_allclose(index.get(i), documents[i], atol=0.12)
    exact = MultiVectorIndex(DIM, dtype="f32")
    exact.add(documents)
    truth = exact.search(queries, 10, exact=True).ids
    assert np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found.ids, truth, strict=True)]) > 0.9


def test_four_bits_take_an_eighth_of_float32_and_a_factor(documents):
    index = MultiVectorIndex(DIM, dtype="b4")
    index.add(documents)
    rows = index._held.sets.rows
    assert rows.nbytes == len(rows) * (DIM * 4 // 8 + 2)


def test_numbers_that_four_bits_do_not_hold_are_refused():
    index = MultiVectorIndex(DIM, dtype="b4", normalize=False)
    with pytest.raises(vicinal.InvalidVectorError, match=r"vectors\[1\].*four bits"):
        index.add([np.ones((1, DIM)), np.full((2, DIM), 1e7)])
    assert len(index) == 0
    assert index.add([np.full((2, DIM), 1e5)]).tolist() == [0]


@pytest.mark.parametrize("candidates", ["mean", "fde", "token", "centroid"])
def test_an_index_in_four_bits_lives_as_others_do(documents, queries, candidates, tmp_path):
    index = MultiVectorIndex(DIM, candidates, dtype="b4", seed=3)
    index.add(documents[:200])
    index.remove([4, 5])
    index.add(documents[200:], ids=np.arange(500, 600))
    index.save(tmp_path / "documents.mv")
    again = MultiVectorIndex.load(tmp_path / "documents.mv")
    assert np.array_equal(again.ids, index.ids)
    assert np.array_equal(again.get(510), index.get(510))
    here, there = index.search(queries, 5, exact=True), again.search(queries, 5, exact=True)
    assert np.array_equal(here.scores, there.scores)
    assert np.mean(again.search(queries, 5, n_candidates=60).ids == there.ids) > 0.8


# -- centroids


@pytest.fixture
def few_survivors(monkeypatch):
    """Let lists decide, though there are so few documents that all could be scored by codes."""
    monkeypatch.setattr("vicinal.multivector.centroids.LEAST", 100)


def test_a_vector_is_its_centroid_and_what_is_left(documents):
    index = MultiVectorIndex(DIM, "centroid")
    index.add(documents)
    tables = index._generator._tables
    whole = tables.centroids[tables.centroid_of] + _core.decoded_rows(tables.left, DIM)
    np.testing.assert_allclose(index._generator._turning.back(whole), np.concatenate(documents), atol=0.12)


def test_centroids_are_the_same_on_any_number_of_threads_and_nearest_is_nearest():
    rows = np.random.default_rng(0).standard_normal((3000, DIM)).astype(np.float32)
    centroids = find_centroids(rows, 64, 5, threads=1)
    assert np.array_equal(centroids, find_centroids(rows, 64, 5, threads=4))
    assert not np.array_equal(centroids, find_centroids(rows, 64, 6))
    away = np.linalg.norm(rows[:, None] - centroids, axis=2)
    assert (away[np.arange(3000), nearest_centroids(rows, centroids)] <= away.min(axis=1) + 1e-5).all()
    begun = rows[np.sort(np.random.default_rng(1).choice(3000, 64, replace=False))]
    assert away.min(axis=1).mean() < np.linalg.norm(rows[:, None] - begun, axis=2).min(axis=1).mean()


@pytest.mark.usefixtures("few_survivors")
def test_candidates_by_centroids_are_the_same_on_any_number_of_threads(documents, queries):
    files = []
    for threads in (1, 4):
        index = MultiVectorIndex(DIM, "centroid", seed=2)
        index.add(documents)
        files.append((index.search(queries, 5, n_candidates=12, threads=threads).ids, index._generator.parts()))
    assert np.array_equal(files[0][0], files[1][0])
    assert all(np.array_equal(files[0][1][name], files[1][1][name]) for name in files[0][1])


@pytest.mark.usefixtures("few_survivors")
def test_codes_rank_nearly_as_maxsim_does(documents, queries):
    index = MultiVectorIndex(DIM, "centroid")
    index.add(documents)
    truth = index.search(queries, 5, exact=True).ids
    found = index.search(queries, 5, n_candidates=10)
    assert (found.scored == 10).all()
    assert np.mean([len(np.intersect1d(a, b)) / 5 for a, b in zip(found.ids, truth, strict=True)]) > 0.95


@pytest.mark.usefixtures("few_survivors")
def test_documents_that_came_after_the_lists_are_found_too(documents):
    index = MultiVectorIndex(DIM, "centroid")
    index.add(documents[:100])
    index._generator._tables = index._generator._tables.with_lists()
    for first in range(100, 300, 50):
        index.add(documents[first : first + 50])
    assert index._generator._tables.unlisted_from == 100
    assert all(index.search(documents[i], 1, n_candidates=5).ids[0] == i for i in range(0, 300, 20))


@pytest.mark.parametrize(
    "lie",
    [
        lambda parts: parts.pop("left"),
        lambda parts: parts.update(left=parts["left"][:-1]),
        lambda parts: parts.update(left=np.full_like(parts["left"], 0x7C)),
        lambda parts: parts.update(centroids=parts["centroids"][:, 1:].copy()),
        lambda parts: parts.update(centroids=parts["centroids"] * np.float32(np.nan)),
        lambda parts: parts.update(centroid_of=parts["centroid_of"] + np.uint32(10**6)),
        lambda parts: parts.update(centroid_of=parts["centroid_of"].astype(np.int64)),
    ],
)
def test_a_file_that_lies_about_centroids_is_refused(documents, tmp_path, lie):
    index = MultiVectorIndex(DIM, "centroid")
    index.add(documents[:30])
    index.save(tmp_path / "documents.mv")
    about, parts = DOCUMENTS.read(tmp_path / "documents.mv")
    lie(parts)
    DOCUMENTS.write(tmp_path / "documents.mv", about, parts)
    with pytest.raises(vicinal.CorruptIndexError):
        MultiVectorIndex.load(tmp_path / "documents.mv")


# -- encodings


def test_cells_around_centers_rank_closer_to_maxsim_than_hyperplanes_do(documents, queries):
    from scipy.stats import spearmanr

    exact = np.concatenate([maxsim(query, documents) for query in queries])
    near = {}
    for partition in ("kmeans", "simhash"):
        fde = FDE(DIM, reps=12, ksim=4, dproj=8, partition=partition).fit(documents)
        near[partition] = spearmanr((fde.queries(queries) @ fde.documents(documents).T).ravel(), exact).statistic
    assert near["kmeans"] > 0.85
    assert near["kmeans"] > near["simhash"]


def test_over_the_repetitions_the_whole_product_is_counted():
    """Where a query and a document are one vector each, and every cell is filled."""
    rng = np.random.default_rng(0)
    query, document = rng.standard_normal((2, 1, DIM))
    fde = FDE(DIM, reps=7, ksim=2, dproj=8).fit(rng.standard_normal((100, DIM)))
    product = (fde.queries([query]) @ fde.documents([document]).T).item()
    assert product == pytest.approx(7 * (query @ document.T).item(), rel=1e-3, abs=1e-3)


# -- memory


@pytest.mark.parametrize("candidates", ["mean", "centroid"])
def test_vectors_of_removed_documents_are_given_back(documents, candidates):
    index = MultiVectorIndex(DIM, candidates)
    index.add(documents[:20])
    for _ in range(5):
        added = index.add(documents[20:120])
        index.remove(added)
    assert len(index._held.sets.rows) < 2 * sum(map(len, documents[:20]))
    assert candidates == "mean" or len(index._generator._tables.left) < 2 * sum(map(len, documents[:20]))
    assert [int(index.search(documents[i], 1, n_candidates=4).ids[0]) for i in range(20)] == list(range(20))
    assert np.array_equal(index.get(7), documents[7].astype(np.float16))
    added = index.add(documents[20:120])
    index.remove([*range(20), *added[:71]])
    assert len(index._held.sets.rows) < 2 * sum(map(len, documents[91:120]))
    for i in range(91, 120):  # where they lie now is not where they came
        assert index.search(documents[i], 1, n_candidates=4).ids.tolist() == [added[i - 20]]
        assert np.array_equal(index.get(added[i - 20]), documents[i].astype(np.float16))


def test_scores_come_in_blocks_of_pairs_and_are_the_same(documents, queries, monkeypatch):
    index = MultiVectorIndex(DIM)
    index.add(documents)
    whole = index.search(queries, 5, exact=True)
    most = []
    score = _core.maxsim
    monkeypatch.setattr("vicinal.multivector.best.PAIRS", 700)
    monkeypatch.setattr(_core, "maxsim", lambda *given: (most.append(len(given[5])), score(*given))[1])
    blocks = index.search(queries, 5, exact=True)
    assert max(most) <= 700
    assert np.array_equal(whole.ids, blocks.ids)
    assert np.array_equal(whole.scores, blocks.scores)


def test_sets_are_taken_in_the_order_they_are_asked_for(documents):
    flat, offsets = np.concatenate(documents), np.cumsum([0, *map(len, documents)])
    some = VectorSets(flat, offsets).take(np.array([9, 2, 2]))
    assert np.array_equal(some.rows, np.concatenate([documents[9], documents[2], documents[2]]))
    assert some.counts.tolist() == [len(documents[9]), len(documents[2]), len(documents[2])]

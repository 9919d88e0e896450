"""Searching: shapes, order, effort, the short way and the general one."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal

DIM = 16


@pytest.fixture
def vectors(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal((2000, DIM)).astype(np.float32)


@pytest.fixture
def index(vectors: NDArray[np.float32]) -> vicinal.Index:
    index = vicinal.Index(DIM)
    index.add(vectors)
    return index


def true_distances(metric: str, vectors: NDArray[Any], query: NDArray[Any]) -> NDArray[np.float64]:
    rows, asked = vectors.astype(np.float64), query.astype(np.float64)
    if metric == "l2":
        return np.asarray(((rows - asked) ** 2).sum(axis=1))
    if metric == "ip":
        return np.asarray(1 - rows @ asked)
    if metric == "cosine":
        return np.asarray(1 - rows @ asked / np.linalg.norm(rows, axis=1) / np.linalg.norm(asked))
    bits, others = np.unpackbits(vectors, axis=1).astype(bool), np.unpackbits(query).astype(bool)
    differing = (bits ^ others).sum(axis=1)
    if metric == "hamming":
        return np.asarray(differing.astype(np.float64))
    return np.asarray(differing / np.maximum((bits | others).sum(axis=1), 1))


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "i8", "u8"])
def test_exact_search_finds_the_true_neighbors(metric: str, dtype: str, rng: np.random.Generator) -> None:
    vectors = rng.integers(1 if dtype == "u8" else -9, 10, (400, DIM))
    vectors[:, 0] = 1  # no zero vector
    index = vicinal.Index(DIM, metric, dtype=dtype)
    index.add(vectors)

    ids, distances = index.search(vectors[:20], 7, exact=True)

    for query in range(20):
        truth = true_distances(metric, vectors, vectors[query])
        nearest = np.lexsort((np.arange(400), np.round(truth, 9)))[:7]
        np.testing.assert_allclose(distances[query], truth[nearest], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(truth[ids[query]], distances[query], rtol=1e-5, atol=1e-5)
        if metric != "cosine":  # whole numbers are exact, and ties go by id
            assert ids[query].tolist() == nearest.tolist()


@pytest.mark.parametrize("metric", ["hamming", "jaccard"])
def test_exact_search_finds_the_true_neighbors_of_bits(metric: str, rng: np.random.Generator) -> None:
    vectors = rng.integers(0, 256, (400, 4), dtype=np.uint8)
    vectors[5] = vectors[6] = 0  # empty sets: 0 apart
    index = vicinal.Index(32, metric)
    index.add(vectors)

    ids, distances = index.search(vectors[:20], 9, exact=True)

    for query in range(20):
        truth = true_distances(metric, vectors, vectors[query])
        nearest = np.lexsort((np.arange(400), np.round(truth, 9)))[:9]
        assert ids[query].tolist() == nearest.tolist()
        np.testing.assert_allclose(distances[query], truth[nearest], rtol=1e-6)


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_the_graph_finds_nearly_all_true_neighbors(metric: str, vectors: NDArray[np.float32]) -> None:
    index = vicinal.Index(DIM, metric)
    index.add(vectors)
    queries = vectors[:200] + 0.1

    truth = index.search(queries, 10, exact=True).ids
    found = index.search(queries, 10, ef=200).ids

    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth.tolist(), found.tolist(), strict=True)])
    assert recall > 0.99


@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
@pytest.mark.parametrize(
    ("metric", "traversal"),
    [*itertools.product(["l2", "ip", "cosine"], ["exact", "sq8", "auto"]), ("l2", "u8"), ("ip", "u8")],
)
def test_distances_are_those_of_the_stored_vectors_whatever_is_walked(
    metric: str, dtype: str, traversal: str, rng: np.random.Generator
) -> None:
    vectors = rng.integers(0, 256, (1500, 48)).astype(np.float32)
    vectors += 0 if traversal == "u8" else rng.random(vectors.shape, dtype=np.float32)
    index = vicinal.Index(48, metric, dtype=dtype, traversal=traversal)
    index.add(vectors)

    truth, found = index.search(vectors[:100], 10, exact=True), index.search(vectors[:100], 10, ef=150)

    stored = index.get(np.arange(1500))
    for query in range(100):
        distances = true_distances(metric, stored[found.ids[query]], vectors[query])
        np.testing.assert_allclose(found.distances[query], distances, rtol=1e-4, atol=1e-4 * abs(distances).max())
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth.ids.tolist(), found.ids.tolist(), strict=True)])
    assert recall > 0.9


def test_hits_are_in_the_order_of_distance_and_id(rng: np.random.Generator) -> None:
    vectors = rng.integers(0, 3, (1000, 4))  # many at one distance, many alike
    numbers = rng.permutation(1000)
    index = vicinal.Index(4)
    index.add(vectors, ids=numbers)

    for exact in (True, False):
        ids, distances = index.search(vectors[:50], 30, ef=400, exact=exact)
        pairs = [list(zip(d, i, strict=True)) for d, i in zip(distances.tolist(), ids.tolist(), strict=True)]
        assert all(row == sorted(row) for row in pairs)
        assert all(len(set(row)) == 30 for row in ids.tolist())


def test_a_single_query_has_results_of_one_dimension(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    for query in (vectors[3], vectors[3].tolist(), vectors[3].astype(np.float64)):
        result = index.search(query, 4)
        assert result.ids.shape == (4,)
        assert result.distances.shape == (4,)
        assert result.ids[0] == 3
    assert index.search(vectors[3:4], 4).ids.shape == (1, 4)


WAYS: dict[str, Any] = {
    "k by name": {"k": 5},
    "k and ef": {"k": 5, "ef": 80},
    "ef only": {"ef": 11},
    "ef None": {"k": 5, "ef": None},
    "nothing": {},
}


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16"])
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
def test_the_short_way_gives_what_the_general_way_gives(
    options: dict[str, Any], dtype: str, metric: str, vectors: NDArray[np.float32]
) -> None:
    index = vicinal.Index(DIM, metric, dtype=dtype)
    index.add(vectors)

    for query in vectors[:10]:
        short, general = index.search(query, **options), index.search(query.tolist(), **options, threads=1)
        assert type(short) is type(general) is vicinal.SearchResult
        assert np.array_equal(short.ids, general.ids)
        assert np.array_equal(short.distances, general.distances)
        assert (short.ids.dtype, short.distances.dtype) == (np.int64, np.float32)
        assert np.array_equal(short.counts, general.counts)
        assert (short.metric, short.stats) == (general.metric, None)


def test_a_single_query_may_have_any_layout(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    query = vectors[5]
    wide = np.repeat(query, 2)
    unaligned = np.frombuffer(b"\0" + query.tobytes(), dtype=np.uint8)[1:].view(np.float32)
    still = query.copy()
    still.flags.writeable = False

    for same in (wide[::2], query[::-1].copy()[::-1], query.astype(">f4"), unaligned, still, vectors.T[:, 5]):
        assert np.array_equal(index.search(same, 10).ids, index.search(query, 10).ids)
        assert np.array_equal(index.search(same, 10).distances, index.search(query, 10).distances)


def test_k_may_be_positional_and_named_once(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    assert index.search(vectors[0], 3).ids.shape == (3,)
    assert index.search(queries=vectors[0], k=3).ids.shape == (3,)
    with pytest.raises(TypeError, match="k"):
        index.search(vectors[0], 3, k=3)  # type: ignore[misc]
    with pytest.raises(TypeError):
        index.search(vectors[0], 3, 50)  # type: ignore[misc]
    with pytest.raises(TypeError, match="effort"):
        index.search(vectors[0], effort=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        index.search()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="arguments"):
        index.search(*([vectors[0]] * 40))


@pytest.mark.parametrize(("alias", "name"), [("count", "k"), ("expansion_search", "ef"), ("num_threads", "threads")])
def test_options_go_by_the_names_of_other_libraries(
    index: vicinal.Index, vectors: NDArray[np.float32], alias: str, name: str
) -> None:
    short, general = index.search(vectors[0], **{alias: 2}), index.search(vectors[0], **{name: 2})  # type: ignore[arg-type]

    assert np.array_equal(short.ids, general.ids)
    with pytest.raises(TypeError, match=f"both {name} and {alias}"):
        index.search(vectors[0], **{alias: 2, name: 2})  # type: ignore[arg-type]


def test_results_do_not_depend_on_threads_or_on_the_batch(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    whole = index.search(vectors[:300], 10, threads=1)

    for threads in (0, 2, 3, 7):
        other = index.search(vectors[:300], 10, threads=threads)
        assert np.array_equal(whole.ids, other.ids)
        assert np.array_equal(whole.distances, other.distances)
    for query in (0, 17, 299):
        assert np.array_equal(index.search(vectors[query], 10).ids, whole.ids[query])


def test_a_wider_beam_finds_no_less(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    queries = vectors[:300] + 0.2
    truth = index.search(queries, 10, exact=True).ids

    def recall(ef: int) -> float:
        found = index.search(queries, 10, ef=ef).ids
        return float(np.mean([len(set(a) & set(b)) for a, b in zip(truth.tolist(), found.tolist(), strict=True)]))

    assert recall(10) <= recall(40) <= recall(300)
    assert recall(10) < recall(300)


def test_an_ef_below_k_is_raised_to_k(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    low, equal = index.search(vectors[:9], 50, ef=1, stats=True), index.search(vectors[:9], 50, ef=50)

    assert np.array_equal(low.ids, equal.ids)
    assert low.stats is not None
    assert low.stats["effort"].tolist() == [50] * 9


def test_the_effort_is_at_least_64_and_twice_k_when_nothing_is_said(
    index: vicinal.Index, vectors: NDArray[np.float32]
) -> None:
    for k, effort in [(10, 64), (100, 200)]:
        stats = index.search(vectors[:2], k, stats=True).stats
        assert stats is not None
        assert stats["effort"].tolist() == [effort] * 2


def test_statistics_count_the_work(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    walked = index.search(vectors[:5], 10, ef=40, stats=True).stats
    scanned = index.search(vectors[:5], 10, exact=True, stats=True).stats

    assert walked is not None
    assert scanned is not None
    assert set(walked) == {"distances", "estimates", "hops", "bytes", "reranked", "effort", "strategy"}
    for name in set(walked) - {"strategy"}:
        assert walked[name].shape == (5,)
        assert walked[name].dtype == np.int64
    assert walked["strategy"] == ["graph"] * 5
    assert scanned["strategy"] == ["exact"] * 5
    assert (walked["hops"] >= 40).all()
    assert (walked["distances"] < 2000).all()
    assert scanned["distances"].tolist() == [2000] * 5
    assert index.search(vectors[0], 10, stats=True).stats is not None
    assert index.search(vectors[:5]).stats is None


def test_strict_raises_where_a_row_is_short(index: vicinal.Index, vectors: NDArray[np.float32]) -> None:
    assert index.search(vectors[:3], 10, strict=True).counts.tolist() == [10] * 3
    with pytest.raises(vicinal.RecallError, match="queries row 0 has 2000 neighbors, expected k=2001"):
        index.search(vectors[:3], 2001, exact=True, strict=True)


@pytest.mark.parametrize("option", ["exact", "stats", "strict"])
def test_a_switch_takes_a_bool(index: vicinal.Index, vectors: NDArray[np.float32], option: str) -> None:
    with pytest.raises(TypeError, match=option):
        index.search(vectors[:1], 1, **{option: 1})  # type: ignore[arg-type]


def test_integer_and_bit_queries_of_one_dimension(rng: np.random.Generator) -> None:
    for dtype, metric, dim in [("u8", "l2", 4), ("i8", "ip", 4), ("b1", "hamming", 32)]:
        rows = rng.integers(0, 100, (50, 4)).astype(np.uint8 if dtype != "i8" else np.int8)
        index = vicinal.Index(dim, metric, dtype=dtype)
        index.add(rows)
        assert index.search(rows[7], 3, exact=True).ids.shape == (3,)
        assert np.array_equal(index.search(rows[7], 3).ids, index.search(rows[7:8], 3).ids[0])
        if dtype != "b1":
            floats = rows[7].astype(np.float32)
            assert np.array_equal(index.search(floats, 3).ids, index.search(rows[7], 3).ids)


def test_a_progress_callback_that_saves_is_refused_instead_of_waiting_for_itself() -> None:
    index = vicinal.Index(4)

    with pytest.raises(RuntimeError, match="already changing the index"):
        index.add(np.ones((20_000, 4), dtype=np.float32), progress=lambda *_: index.to_bytes())


# Vectors that differ in signs alone are equally far from zero, by their codes too: where such a run is longer than what
# is re-ranked, the beam knows only slots.
def test_of_more_ties_than_are_re_ranked_the_smallest_ids_are_reported(rng: np.random.Generator) -> None:
    signs = np.sign(rng.standard_normal((4000, 48)))
    vectors = (signs * np.where(np.arange(4000) % 40 == 0, 1, rng.uniform(2, 3, 4000))[:, None]).astype(np.float32)
    ids = rng.permutation(4000)
    index = vicinal.Index(48, traversal="sq8")
    index.add(vectors, ids)
    zero = np.zeros(48, dtype=np.float32)

    exact = index.search(zero, 10, exact=True)
    found = index.search(zero, 10, ef=1000)

    assert exact.ids.tolist() == np.sort(ids[::40])[:10].tolist()
    assert found.ids.tolist() == exact.ids.tolist()
    assert found.distances.tolist() == [48.0] * 10


def test_the_work_of_scans_and_walks_is_told_as_it_was(rng: np.random.Generator) -> None:
    index = vicinal.Index(48, traversal="sq8")
    vectors = rng.random((2000, 48), dtype=np.float32)
    index.add(vectors)

    exact = index.search(vectors[:3], 5, exact=True, stats=True).stats
    as_wide = index.search(vectors[:3], 5, ef=1000, stats=True).stats
    walked = index.search(vectors[:3], 5, ef=50, stats=True).stats

    assert exact is not None
    assert as_wide is not None
    assert walked is not None
    assert exact["effort"].tolist() == exact["distances"].tolist() == [2000] * 3
    for scanned in (exact, as_wide):
        assert scanned["bytes"].tolist() == [2000 * 48 * 4] * 3
        assert scanned["strategy"] == ["exact"] * 3
    # A code of 48 bytes in a line of 64, with two factors; two lines of links; the stored vectors that were re-ranked.
    assert (walked["bytes"] == walked["distances"] * 72 + walked["hops"] * 128 + walked["reranked"] * 192).all()

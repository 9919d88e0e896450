"""An index of buckets: what it finds, what it refuses, and what comes back from its file."""

from __future__ import annotations

import copy
import pickle
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import lsh

DIM = 24
Made = tuple[lsh.LSHIndex, Any, Any]


def vectors(n: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((n // 4, DIM)).repeat(4, axis=0) + 0.2 * rng.standard_normal((n, DIM))).astype("f4")


def sets(n: int, seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [[f"{group}.{word}" for word in rng.permutation(12)[:10]] for group in np.arange(n) // 4]


MAKERS: dict[str, Callable[[], Made]] = {
    "simhash": lambda: (lsh.LSHIndex(lsh.SimHash(DIM, 64), bands=8, rows=8), vectors(200), vectors(200)),
    "simhash-centered": lambda: (
        lsh.LSHIndex(lsh.SimHash(DIM, 64, center=np.full(DIM, 0.1)), bands=8, rows=8),
        vectors(200),
        vectors(200),
    ),
    "simhash-along-axes": lambda: (
        lsh.LSHIndex(lsh.SimHash(DIM, 64, axes=lsh.principal_axes(vectors(200), 12)), bands=8, rows=8),
        vectors(200),
        vectors(200),
    ),
    "pstable": lambda: (lsh.LSHIndex(lsh.PStable(DIM, 48, width=5.0), bands=8, rows=6), vectors(200), vectors(200)),
    "crosspolytope": lambda: (lsh.LSHIndex(lsh.CrossPolytope(DIM, 8), bands=8, rows=1), vectors(200), vectors(200)),
    "bitsample": lambda: (
        lsh.LSHIndex(lsh.BitSample(DIM, 64), bands=8, rows=8),
        np.packbits(vectors(200) > 0, axis=1),
        np.packbits(vectors(200) > 0, axis=1),
    ),
    "minhash": lambda: (lsh.LSHIndex(lsh.MinHash(64), bands=16, rows=4), sets(200), sets(200)),
    "minhash-signatures": lambda: (
        lsh.LSHIndex(lsh.MinHash(64), bands=16, rows=4, keep=False),
        sets(200),
        sets(200),
    ),
    "minhash-weighted": lambda: (
        lsh.LSHIndex(lsh.MinHash(64, weighted=True), bands=16, rows=4),
        [dict.fromkeys(item, 2.0) for item in sets(200)],
        [dict.fromkeys(item, 2.0) for item in sets(200)],
    ),
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest) -> Made:
    index, items, queries = MAKERS[request.param]()
    index.add(items, ids=np.arange(200) * 3)
    return index, items, queries


def test_every_item_is_found_at_distance_zero_under_its_own_id(made: Made) -> None:
    index, items, _ = made

    ids, distances = index.search(items, 4)

    assert ids.shape == distances.shape == (200, 4)
    assert ids.dtype == np.int64
    assert distances.dtype == np.float32
    np.testing.assert_allclose(distances[:, 0], 0, atol=1e-5)
    assert ((ids == (np.arange(200) * 3)[:, None]) & (distances < 1e-5)).any(axis=1).all()
    assert (np.diff(distances[ids[:, -1] >= 0], axis=1) >= 0).all()


def test_distances_are_those_of_an_exact_index() -> None:
    for name in ("simhash", "pstable", "bitsample"):
        index, items, queries = MAKERS[name]()
        index.add(items)
        exact = vicinal.Index(DIM, index.metric)
        exact.add(items)
        ids, distances = index.search(queries, 3)
        every, truth = exact.search(queries, 200, exact=True)
        for row in range(200):
            known = dict(zip(every[row].tolist(), truth[row].tolist(), strict=True))
            found = [known[i] for i in ids[row].tolist() if i >= 0]
            np.testing.assert_allclose(distances[row][: len(found)], found, rtol=1e-5, atol=1e-6)


def test_jaccard_distances_are_exact_when_sets_are_kept_and_near_when_not() -> None:
    one, other = ["a", "b", "c", "d", "e", "f", "g", "h", "i"], ["a", "b", "c", "d", "e", "f", "g", "h", "x"]
    for keep, slack in ((True, 1e-6), (False, 0.15)):
        index = lsh.LSHIndex(lsh.MinHash(256), bands=64, rows=2, keep=keep)
        index.add([one])
        assert abs(float(index.search([other], 1).distances[0, 0]) - 0.2) <= slack


def test_results_do_not_depend_on_threads_or_on_the_other_queries(made: Made) -> None:
    index, _, queries = made

    alone = index.search(queries, 5, threads=1)
    together = index.search(queries, 5, threads=4)
    few = index.search(queries[10:13], 5)

    np.testing.assert_array_equal(alone.ids, together.ids)
    np.testing.assert_array_equal(alone.distances, together.distances)
    np.testing.assert_array_equal(alone.ids[10:13], few.ids)


def test_candidates_are_what_a_search_compares(made: Made) -> None:
    index, _, queries = made

    lims, ids = index.candidates(queries)
    found = index.search(queries, 5, stats=True)

    assert found.stats is not None
    np.testing.assert_array_equal(np.diff(lims), found.stats["candidates"])
    np.testing.assert_array_equal(found.stats["distances"], found.stats["candidates"])
    for row in range(200):
        own = ids[lims[row] : lims[row + 1]]
        assert (np.diff(own) > 0).all()
        assert set(found.ids[row].tolist()) - {-1} <= set(own.tolist())


@pytest.mark.parametrize("name", ["simhash", "pstable"])
def test_more_probes_look_into_more_buckets_and_keep_what_was_found(name: str) -> None:
    index, items, queries = MAKERS[name]()
    index.add(items)
    far = queries + np.float32(0.4) * np.random.default_rng(1).standard_normal(queries.shape).astype("f4")

    met, recall = [], []
    for probes in (1, 4, 16):
        found = index.search(far, 1, probes=probes, stats=True)
        assert found.stats is not None
        assert (found.stats["buckets"] == 8 * probes).all()
        met.append(found.stats["candidates"])
        recall.append((found.ids[:, 0] // 4 == np.arange(200) // 4).mean())

    assert (met[0] <= met[1]).all()
    assert (met[1] <= met[2]).all()
    assert recall[0] < recall[1] <= recall[2]
    assert recall[2] > 0.95


def test_a_file_comes_back_as_the_same_index(made: Made, tmp_path: Path) -> None:
    index, _, queries = made
    index.remove([3, 6])
    index.save(tmp_path / "one")

    loaded = lsh.LSHIndex.load(tmp_path / "one")
    loaded.save(tmp_path / "two")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert repr(loaded) == repr(index)
    assert type(loaded.family) is type(index.family)
    np.testing.assert_array_equal(loaded.ids, index.ids)
    np.testing.assert_array_equal(loaded.search(queries, 5).ids, index.search(queries, 5).ids)
    added = loaded.add(queries[:1])
    assert added.tolist() == [598]


def test_texts_are_cut_after_loading_as_before(tmp_path: Path) -> None:
    index = lsh.LSHIndex(lsh.MinHash(64, shingle=3), bands=32, rows=2)
    index.add(["the quick brown fox", "something else entirely"])
    index.save(tmp_path / "texts")

    loaded = lsh.LSHIndex.load(tmp_path / "texts")

    assert loaded.search("the quick brown fix", 1).ids.tolist() == [0]
    np.testing.assert_array_equal(
        loaded.search("the quick brown fix", 1).distances, index.search("the quick brown fix", 1).distances
    )


def test_files_of_one_kind_are_not_read_as_the_other(tmp_path: Path) -> None:
    graph = vicinal.Index(2)
    graph.add([[1.0, 2.0]])
    graph.save(tmp_path / "graph")
    index, items, _ = MAKERS["minhash"]()
    index.add(items)
    index.save(tmp_path / "buckets")

    with pytest.raises(vicinal.errors.NotAnIndexError, match="with a graph, expected one with buckets"):
        lsh.LSHIndex.load(tmp_path / "graph")
    with pytest.raises(vicinal.errors.CorruptIndexError):
        vicinal.Index.load(tmp_path / "buckets")
    (tmp_path / "cut").write_bytes((tmp_path / "buckets").read_bytes()[:-9])
    with pytest.raises(vicinal.errors.CorruptIndexError):
        lsh.LSHIndex.load(tmp_path / "cut")
    (tmp_path / "text").write_text("hello " * 2000)
    with pytest.raises(vicinal.errors.NotAnIndexError):
        lsh.LSHIndex.load(tmp_path / "text")


def test_removed_items_are_not_reported_and_their_ids_are_free(made: Made) -> None:
    index, items, queries = made
    index.remove(np.arange(0, 600, 6))

    assert len(index) == 100
    assert 0 not in index
    assert 3 in index
    assert index.search(queries, 5).ids.max() > 0
    assert (index.search(queries, 5).ids % 2 != 0).all()  # odd multiples of 3, and -1
    index.remove(np.arange(3, 300, 6))
    index.add(items[:1], ids=[0])
    assert index.search(items[:1], 1).ids.tolist() == [[0]]
    with pytest.raises(vicinal.errors.UnknownIdError, match="id 6 is not in the index"):
        index.remove([0, 6])
    with pytest.raises(vicinal.errors.DuplicateIdError):
        index.remove([0, 0])
    assert 0 in index


def test_short_rows_are_padded_and_strict_refuses_them() -> None:
    index, _, queries = MAKERS["simhash"]()
    assert index.search(queries, 3).ids.tolist() == [[-1] * 3] * 200
    assert np.isinf(index.search(queries[0], 3).distances).all()
    assert index.search(queries[:0], 3).ids.shape == (0, 3)
    with pytest.raises(vicinal.errors.RecallError, match="queries row 0 has 0 candidates, expected k=3"):
        index.search(queries, 3, strict=True)


def test_a_full_bucket_warns_with_a_bound_on_lost_pairs() -> None:
    index = lsh.LSHIndex(lsh.MinHash(8), bands=2, rows=4, bucket_cap=5)

    with pytest.warns(vicinal.errors.DataWarning, match=r"2 buckets hold more than bucket_cap, the largest 8 items.*"):
        index.add([["a", "b"]] * 8)

    assert index.stats()["overflow"] == {
        "full_buckets": 2,
        "largest_bucket": 8,
        "hidden": 6,
        "lost_at_most": 6,
    }
    assert index.search([["a", "b"]], 8).ids.tolist() == [[0, 1, 2, 3, 4, -1, -1, -1]]
    index.remove([1, 3])
    assert index.search([["a", "b"]], 8).ids.tolist() == [[0, 2, 4, 5, 6, -1, -1, -1]]


def test_an_empty_set_warns_and_is_near_nothing() -> None:
    index = lsh.LSHIndex(lsh.MinHash(8), bands=4, rows=2)
    with pytest.warns(vicinal.errors.DataWarning, match="items row 1 has no tokens"):
        index.add(["a b", "..."])
    with pytest.warns(vicinal.errors.DataWarning, match="queries row 0 has no tokens"):
        assert index.search("", 2).ids.tolist() == [-1, -1]


def test_memory_is_counted_by_part_and_by_item() -> None:
    index, items, _ = MAKERS["simhash"]()
    index.add(items)
    stats = index.stats()

    assert stats["items"] == 200
    assert stats["memory"]["resident"] == sum(v for part, v in stats["memory"].items() if part != "resident")
    assert stats["per_item"]["items"] == 128 + 4  # 24 floats on whole lines, and an inverse norm
    assert stats["per_item"]["sketches"] == 8
    assert stats["per_item"]["buckets"] >= 8 * 4
    assert stats["buckets"]["count"] == sum(stats["buckets"]["by_size"])


WRONG: dict[str, tuple[Callable[[lsh.LSHIndex, Any], object], type[Exception], str]] = {
    "k": (lambda ix, x: ix.search(x, 0), ValueError, "k is 0"),
    "probes": (lambda ix, x: ix.search(x, probes=0), ValueError, "probes is 0"),
    "rerank": (lambda ix, x: ix.search(x, rerank=0), ValueError, "rerank is 0"),
    "most": (lambda ix, x: ix.search(x, max_candidates=1.5), ValueError, "max_candidates is 1.5"),  # type: ignore[arg-type]
    "threads": (lambda ix, x: ix.search(x, threads=-1), ValueError, "threads is -1"),
    "shape": (lambda ix, x: ix.search(x[:, :5]), vicinal.errors.DimensionError, r"\(200, 5\)"),
    "row": (lambda ix, x: ix.add(x[0]), vicinal.errors.DimensionError, r"\(24,\)"),
    "nan": (lambda ix, x: ix.add(x * np.nan), vicinal.errors.InvalidVectorError, "vectors row 0 holds NaN"),
    "zero": (lambda ix, x: ix.search(x * 0), vicinal.errors.InvalidVectorError, "queries row 0 is all zeros"),
    "ids": (lambda ix, x: ix.add(x, ids=[1]), vicinal.errors.DimensionError, r"expected \(200,\)"),
    "twice": (lambda ix, x: ix.add(x[:2], ids=[900, 900]), vicinal.errors.DuplicateIdError, "given twice"),
    "taken": (lambda ix, x: ix.add(x[:2], ids=[900, 3]), vicinal.errors.DuplicateIdError, "id 3 is in the index"),
    "negative": (lambda ix, x: ix.add(x[:1], ids=[-1]), OverflowError, "-1"),
    "float": (lambda ix, x: ix.add(x[:1], ids=[1.5]), TypeError, "float"),
    "strings": (lambda ix, x: ix.add(["a"] * len(x)), (TypeError, ValueError), "strings"),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_and_changes_nothing(case: str, tmp_path: Path) -> None:
    call, error, words = WRONG[case]
    index, items, _ = MAKERS["simhash"]()
    index.add(items)
    index.save(tmp_path / "before")

    with pytest.raises(error, match=words):
        call(index, items)

    index.save(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bands \* rows is 5 \* 4 = 20, expected at most the 16 hashes"):
        lsh.LSHIndex(lsh.MinHash(16), bands=5, rows=4)
    with pytest.raises(ValueError, match="bands is 0"):
        lsh.LSHIndex(lsh.MinHash(16), bands=0, rows=4)
    with pytest.raises(ValueError, match="bucket_cap is 0"):
        lsh.LSHIndex(lsh.MinHash(16), bands=4, rows=4, bucket_cap=0)
    with pytest.raises(ValueError, match="keep is false, expected true"):
        lsh.LSHIndex(lsh.SimHash(8, 16), bands=4, rows=4, keep=False)
    with pytest.raises(ValueError, match=r"dim \* hashes is 4096 \* 65536"):
        lsh.LSHIndex(lsh.BitSample(4096, 65_536), bands=4, rows=4)
    with pytest.raises(TypeError, match="family is 'minhash', expected a family"):
        lsh.LSHIndex("minhash", bands=4, rows=4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only simhash and pstable know"):
        lsh.LSHIndex(lsh.MinHash(16), bands=4, rows=4).search("a", probes=2)


def test_progress_is_told_and_what_it_raises_leaves_the_index_as_it_was(made: Made) -> None:
    index, items, _ = made
    told: list[tuple[int, int]] = []

    index.add(items, progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (200, 200)
    with pytest.raises(RuntimeError, match="already changing the index"):
        index.add(items, progress=lambda *_: index.add(items))

    def press(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(vicinal.errors.Interrupted) as interrupted:
        index.add(items, progress=press)
    assert interrupted.value.added.tolist() == []
    assert len(index) == 400


def test_searches_go_on_beside_a_writer() -> None:
    index, items, queries = MAKERS["pstable"]()
    index.add(items)
    expected = index.search(queries, 1).distances
    done = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not done.is_set():
            found = index.search(queries, 1, threads=1)
            if not (found.distances <= expected).all():
                wrong.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    for seed in range(20):
        index.remove(index.add(vectors(100, seed + 5)))
    done.set()
    reader.join()
    assert wrong == []
    assert len(index) == 200


def test_a_pickled_or_copied_index_is_the_same_index(made: Made) -> None:
    index, _, queries = made
    for again in (pickle.loads(pickle.dumps(index)), copy.deepcopy(index)):
        assert again.to_bytes() == index.to_bytes()
        for found, known in zip(again.search(queries, 5), index.search(queries, 5), strict=True):
            assert np.array_equal(found, known)


@pytest.mark.parametrize(
    ("items", "weighted", "error", "message"),
    [
        ([["a"], [2**70]], False, ValueError, "items row 1 holds 1180591620717411303424, expected a number of 64 bits"),
        ([["a"], ["\ud800"]], False, ValueError, "items row 1 holds '\\ud800', which has half a character"),
        (["a", "\ud800"], False, ValueError, "items row 1 has half a character"),
        ([{"a": 1}, {None: 1}], True, TypeError, "items row 1 holds None, expected tokens"),
        ([{1.5: 1}], True, TypeError, "items row 0 holds a float, expected tokens"),
        ([{2**70: 1}], True, ValueError, "expected a number of 64 bits"),
        ([{"a": "1"}], True, TypeError, "items row 0 gives 'a' a str as weight, expected a number above 0"),
    ],
)
def test_tokens_and_weights_that_cannot_be_hashed_are_refused_by_row(
    items: Any, weighted: bool, error: type[Exception], message: str
) -> None:
    index = lsh.LSHIndex(lsh.MinHash(8, weighted=weighted), bands=2, rows=4)

    with pytest.raises(error, match=re.escape(message)):
        index.add(items)

    assert len(index) == 0


def test_functions_along_axes_see_nothing_else_and_come_back_from_a_file(rng: np.random.Generator) -> None:
    given = rng.standard_normal((200, 6)).astype(np.float32)
    axes = np.eye(6, dtype=np.float32)[:2]
    for make in (lambda **known: lsh.SimHash(6, 64, **known), lambda **known: lsh.PStable(6, 64, width=2.0, **known)):
        along, within = make(axes=axes), make()
        elsewhere = given + np.array([0, 0, 5, -5, 5, 5], dtype=np.float32)
        assert np.array_equal(along.hash(given), along.hash(elsewhere))
        assert not np.array_equal(within.hash(given), within.hash(elsewhere))

        index = lsh.LSHIndex(along, bands=4, rows=8)
        index.add(given)
        again = lsh.LSHIndex.from_bytes(index.to_bytes())
        assert np.array_equal(again.family.hash(given), along.hash(given))
        assert np.array_equal(again.search(elsewhere, 3, probes=4).ids, index.search(elsewhere, 3, probes=4).ids)


@pytest.mark.parametrize(
    ("axes", "error"),
    [
        (np.empty((0, 3)), ValueError),
        (np.ones((4, 3)), ValueError),
        (np.ones((1, 2)), vicinal.DimensionError),
        ([[np.nan, 0, 0]], vicinal.InvalidVectorError),
    ],
)
def test_axes_that_span_nothing_known_are_refused(axes: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="axes"):
        lsh.SimHash(3, 8, axes=axes)


def test_along_principal_axes_more_is_found_among_fewer_candidates(rng: np.random.Generator) -> None:
    spread = np.concatenate([np.full(8, 2.0), np.full(56, 0.5)])
    given = (rng.standard_normal((4000, 64)) * spread).astype(np.float32)
    queries = (given[:200] + rng.standard_normal((200, 64)) * 0.4).astype(np.float32)
    recall, candidates = [], []
    for axes, probes in ((None, 4), (lsh.principal_axes(given, 8), 1)):
        index = lsh.LSHIndex(lsh.SimHash(64, 80, axes=axes), bands=4, rows=10)
        index.add(given)
        found = index.search(queries, 1, probes=probes, stats=True)
        assert found.stats is not None
        recall.append((found.ids.ravel() == np.arange(200)).mean())
        candidates.append(found.stats["candidates"].mean())

    assert recall[1] > recall[0]
    assert candidates[1] < candidates[0]

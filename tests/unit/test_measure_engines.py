"""Every engine that is installed answers through the same face."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.measure import ground_truth, recall
from vicinal.measure.engines import ENGINE_NAMES, Engine, make_engine

# faiss's SWIG wrapper is older than Python's rule that every type names its module.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type .wig")

# The kernels of "vicinal-avx2" are chosen for a process: it has a test of its own.
EVERY_ENGINE = pytest.mark.parametrize("name", [name for name in ENGINE_NAMES if name != "vicinal-avx2"])
WITHOUT_COUNTERS = {"hnswlib", "symphonyqg", "glass", "scann", "svs", "svs-lvq"}
WITHOUT_ACCOUNT_OF_MEMORY = {"symphonyqg", "glass", "scann", "svs", "svs-lvq"}
NEEDS_MORE_ROWS = {
    "hnswlib": "raises an error of its own when there are fewer rows than k",
    "symphonyqg": "needs more rows than links",
    "faiss-ivfpq": "needs rows to train on",
    "scann": "needs rows to train on",
    "svs": "fills up with row 0",
    "svs-lvq": "fills up with row 0",
}
METRICS = pytest.mark.parametrize("metric", ["l2", "ip", "cosine", "hamming", "jaccard"])


def ready(name: str, metric: str, base: Any, threads: int = 1) -> Engine:
    engine = make_engine(name, M=8, ef_construction=60)
    why = engine.why_missing(metric)
    if why:
        pytest.skip(f"{name}: {why}")
    engine.build(base, metric, threads=threads)
    engine.set_threads(threads)
    engine.set_effort(100)
    return engine


def rows_for(metric: str, rng: np.random.Generator, count: int) -> Any:
    if metric in ("hamming", "jaccard"):
        return rng.integers(0, 256, size=(count, 8), dtype=np.uint8)
    rows = rng.normal(size=(count, 16))
    # Rows of different lengths, so that no metric has another one's neighbors.
    rows *= rng.uniform(0.6, 1.4, size=(count, 1))
    # Turned into 64 dimensions, as rabitqlib takes no fewer; distances stay as they are.
    turned = np.linalg.qr(np.random.default_rng(7).normal(size=(64, 16)))[0]
    return np.ascontiguousarray(rows @ turned.T, dtype=np.float32)


@EVERY_ENGINE
@METRICS
def test_an_engine_finds_the_true_neighbors_under_its_metric(name: str, metric: str, rng: np.random.Generator) -> None:
    base, queries = rows_for(metric, rng, 500), rows_for(metric, rng, 30)
    engine = ready(name, metric, base)

    ids = engine.search(engine.prepare(queries), 10)

    true_ids, true_distances = ground_truth(base, queries, k=10, metric=metric)
    from vicinal.measure.truth import exact_distances

    reached = recall(
        ids, true_ids, found_distances=exact_distances(base, queries, np.asarray(ids), metric),
        truth_distances=true_distances, tolerance=1e-4,
    )  # fmt: skip
    assert ids.shape == (30, 10)
    assert reached.value > (0.9 if name == "faiss-sq" else 0.97)


@EVERY_ENGINE
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_one_query_at_a_time_gives_what_a_batch_gives(name: str, metric: str, rng: np.random.Generator) -> None:
    base, queries = rows_for(metric, rng, 300), rows_for(metric, rng, 20)
    engine = ready(name, metric, base)
    prepared = engine.prepare(queries)
    ask = engine.one_query(5)

    batch = np.asarray(engine.search(prepared, 5))
    single = [np.array(ids_of(ask(query)), dtype=np.int64) for query in prepared]

    np.testing.assert_array_equal(np.sort(batch, axis=1), np.sort(np.array(single), axis=1))


def ids_of(answer: Any) -> Any:
    """Find the ids in a library's own answer: the array of integers."""
    arrays = [np.asarray(part).reshape(-1) for part in answer]
    (ids,) = (array for array in arrays if array.dtype.kind in "iu")
    return ids


@EVERY_ENGINE
def test_more_effort_computes_more_distances_where_they_are_counted(name: str, rng: np.random.Generator) -> None:
    base, queries = rows_for("l2", rng, 2000), rows_for("l2", rng, 20)
    engine = ready(name, "l2", base)
    counted = []
    for effort in (2, 200) if name == "faiss-ivfpq" else (10, 200):  # whose lists are all read at 10 of 2000 rows
        engine.set_effort(effort)
        counted.append(engine.count(engine.prepare(queries), 10))

    if not counted[0]:
        assert name in WITHOUT_COUNTERS
        return
    assert 0 < counted[0]["distances"] < counted[1]["distances"] <= 2000
    assert 0 < counted[0]["hops"] < counted[1]["hops"]


@EVERY_ENGINE
def test_memory_covers_at_least_what_the_vectors_take(name: str, rng: np.random.Generator) -> None:
    base = rows_for("l2", rng, 1000)
    engine = ready(name, "l2", base)
    stored = base.size * {"faiss-sq": 1, "usearch-f16": 2}.get(name, 4)

    held = engine.memory()

    assert (held is None) == (name in WITHOUT_ACCOUNT_OF_MEMORY)
    if held is None:
        return
    # Links of M = 8: 16 of 4 bytes at the lowest level. Without a graph: 4-bit codes of two dimensions each, and ids.
    beside = 64 // 4 + 8 if name == "faiss-ivfpq" else 16 * 4
    assert stored + 1000 * beside <= held < 20 * base.nbytes + 20_000_000


@EVERY_ENGINE
def test_more_neighbors_than_rows_are_padded(name: str, rng: np.random.Generator) -> None:
    if name in NEEDS_MORE_ROWS:
        pytest.skip(f"{name} {NEEDS_MORE_ROWS[name]}")
    base = rows_for("l2", rng, 6)
    engine = ready(name, "l2", base)
    ids = np.asarray(engine.search(engine.prepare(base[:2]), 8))

    assert [sorted(row) for row in ids.tolist()] == [[-1, -1, 0, 1, 2, 3, 4, 5]] * 2


@EVERY_ENGINE
def test_a_build_on_two_threads_serves_too(name: str, rng: np.random.Generator) -> None:
    base = rows_for("l2", rng, 800)
    engine = ready(name, "l2", base, threads=2)

    own = np.asarray(engine.search(engine.prepare(base), 1))[:, 0]

    assert (own == np.arange(800)).mean() > 0.95


@EVERY_ENGINE
def test_settings_and_version_are_told(name: str) -> None:
    engine = make_engine(name, M=24, ef_construction=77)

    assert engine.name == name
    assert engine.version()
    told = engine.settings()
    assert name in ("faiss-ivfpq", "scann") or {24, 48, 64} & set(told.values())  # M, or the degree made of it
    assert name in ("faiss-ivfpq", "scann") or 77 in told.values()
    assert told


def test_a_name_may_say_the_links_and_the_beam_of_the_build() -> None:
    named, plain = make_engine("faiss-sq-refine-m32-c300", M=8), make_engine("faiss-sq-refine-c300", M=8)

    assert type(named) is type(plain) is type(make_engine("faiss-sq-refine"))
    assert (named.name, named.M, named.ef_construction) == ("faiss-sq-refine-m32-c300", 32, 300)
    assert (plain.name, plain.M, plain.ef_construction) == ("faiss-sq-refine-c300", 8, 300)


@pytest.mark.parametrize("metric", ["l2", "cosine"])
@pytest.mark.parametrize("name", [name for name in ENGINE_NAMES if make_engine(name).can_be_kept])
def test_a_restored_index_answers_as_the_stored_one(
    name: str, metric: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    base, queries = rows_for(metric, rng, 400), rows_for(metric, rng, 20)
    stored, restored = ready(name, metric, base), make_engine(name, M=8, ef_construction=60)

    stored.store(tmp_path)
    restored.restore(tmp_path, base, metric)
    restored.set_threads(1)
    restored.set_effort(100)

    answers = [np.asarray(engine.search(engine.prepare(queries), 5)) for engine in (stored, restored)]
    np.testing.assert_array_equal(*answers)
    if stored.memory() is not None:
        assert restored.memory() == pytest.approx(stored.memory(), rel=0.01)


def test_kernels_other_than_the_promised_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine("vicinal-avx2")
    monkeypatch.setattr(type(engine), "kernels", "no such kernels")

    assert engine.environment() == {"VICINAL_KERNELS": "no such kernels"}
    with pytest.raises(RuntimeError, match="expected no such kernels"):
        engine.build(np.ones((3, 2), dtype=np.float32), "l2", threads=1)


def test_an_engine_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine("hnswlib")
    monkeypatch.setattr(type(engine), "module", "no_such_library")

    assert engine.why_missing("l2") == "not installed: pip install hnswlib"


def test_an_engine_says_which_metric_it_does_not_serve() -> None:
    pytest.importorskip("hnswlib")

    assert make_engine("hnswlib").why_missing("jaccard") == "does not serve jaccard"


def test_an_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'annoy'; known: vicinal, vicinal-exact, .*faiss"):
        make_engine("annoy")

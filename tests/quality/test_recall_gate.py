"""Recall on real data beside faiss and hnswlib at equal M and ef, and what of it must not change with threads or codes.

The rivals' curves were measured by bench/recall_gate.py and are kept in bench/results; where the libraries are
installed, they are measured again beside ours.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recall_gate as gate

import vicinal
from vicinal.measure import Dataset, ground_truth, load_dataset, recall
from vicinal.measure.engines.engine import of_length_one

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 3

# faiss's SWIG wrapper is older than Python's rule that every type names its module.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type .wig")


@cache
def bundled_set(name: str) -> Dataset:
    return load_dataset(ROOT / "bench" / "data" / f"{name}.npz")


@cache
def pinned(name: str, engine: str) -> Any:
    """A rival's mean curve as it was measured, of the full number of seeds."""
    entry = gate.pinned()["sets"][name]["engines"][engine]
    assert len(entry["seeds"]) == SEEDS
    return entry["mean"]


@cache
def built(name: str, ours: str, seed: int) -> tuple[Any, Any]:
    """An index of a bundled set, and its curve."""
    engine = gate.make_seeded(ours, seed)
    return engine, gate.measure(engine, bundled_set(name))


def our_curve(name: str, ours: str) -> Any:
    return gate.mean_curve([built(name, ours, seed)[1] for seed in range(SEEDS)])


def assert_no_worse(ours: Any, rival: Any) -> None:
    margins = gate.margins(ours, rival)
    assert min(margins) >= gate.LEAST_MARGIN, dict(zip(gate.GATE_EFFORTS, margins, strict=True))


def assert_no_dearer(ours: Any, rival: Any, targets: tuple[float, ...]) -> None:
    ratios = gate.distance_ratios(ours, rival)
    judged = {target: ratio for target, ratio in ratios.items() if target in targets}
    assert judged
    assert max(judged.values()) <= gate.MOST_DISTANCES, ratios


@pytest.mark.parametrize("rival", ["faiss", "hnswlib"])
@pytest.mark.parametrize("ours", ["vicinal-exact", "vicinal-auto"])
@pytest.mark.parametrize("name", ["sift-20k", "minilm-5k"])
def test_recall_on_a_bundled_set_reaches_that_of_a_rival(name: str, ours: str, rival: str) -> None:
    assert_no_worse(our_curve(name, ours), pinned(name, rival))


@pytest.mark.parametrize("name", ["sift-20k", "minilm-5k"])
def test_distances_on_a_bundled_set_are_no_more_than_those_of_faiss(name: str) -> None:
    # 500 queries say little about the last percent.
    assert_no_dearer(our_curve(name, "vicinal-exact"), pinned(name, "faiss"), (0.90, 0.95))


@pytest.mark.parametrize("rival", ["faiss", "hnswlib"])
@pytest.mark.parametrize("name", ["sift-20k", "minilm-5k"])
def test_recall_reaches_that_of_a_rival_measured_now(name: str, rival: str) -> None:
    engine = gate.make_seeded(rival, 0)
    why = engine.why_missing(bundled_set(name).metric)
    if why:
        pytest.skip(f"{rival} beside us: {why} (the comparison with its pinned curve has run)")

    # On one thread, because their builds on several differ from run to run.
    theirs = gate.measure(engine, bundled_set(name), gate.GATE_EFFORTS, threads=1)

    for ours in ("vicinal-exact", "vicinal-auto"):
        assert_no_worse(our_curve(name, ours), theirs)
    drift = np.abs(gate.margins(theirs, pinned(name, rival)))
    assert drift.max() < 0.01, "the pinned curve is no longer the rival's: run bench/recall_gate.py --rivals"


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "ours", "walked"),
    [
        ("sift-100k", "vicinal-auto", "u8"),  # and so "exact" as well: see the test of u8 below
        ("mnist784", "vicinal-auto", "sq4"),
        ("mnist784", "vicinal-exact", "exact"),
        ("minilm-debian", "vicinal-auto", "sq4"),
        ("minilm-debian", "vicinal-exact", "exact"),
    ],
)
def test_recall_and_distances_on_a_larger_set_are_those_of_the_rivals_or_better(
    name: str, ours: str, walked: str, larger_set: Callable[[str], dict[str, Any]]
) -> None:
    whole = larger_set(name)
    dataset = Dataset(name, whole["base"], whole["query"], whole["metric"], whole["gt"].astype(np.int64))
    engine = gate.make_seeded(ours, 0)

    curve = gate.measure(engine, dataset)

    assert engine._index.stats()["graph"]["walked"] == walked
    assert_no_worse(curve, pinned(name, "faiss"))
    assert_no_worse(curve, pinned(name, "hnswlib"))
    if walked != "sq4":  # which compares more, and reads less
        assert_no_dearer(curve, pinned(name, "faiss"), gate.TARGETS)


@pytest.mark.parametrize("ours", ["vicinal-exact", "vicinal-auto"])
def test_recall_by_inner_product_of_rows_of_length_one_is_that_of_cosine(ours: str) -> None:
    text = bundled_set("minilm-5k")
    as_ip = Dataset("ip", of_length_one(text.base), of_length_one(text.query), "ip", text.truth)

    curve = gate.mean_curve(
        [gate.measure(gate.make_seeded(ours, seed), as_ip, gate.GATE_EFFORTS) for seed in range(SEEDS)]
    )

    assert_no_worse(curve, pinned("minilm-5k", "faiss"))
    assert_no_worse(curve, pinned("minilm-5k", "hnswlib"))


@pytest.mark.parametrize("sigma", [0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("lift", ["auto", "off"])
@pytest.mark.parametrize("traversal", ["exact", "auto"])
def test_recall_by_inner_product_holds_when_lengths_differ(
    traversal: str, lift: str, sigma: float, rng: np.random.Generator
) -> None:
    text = bundled_set("minilm-5k")
    lengths = rng.lognormal(sigma=sigma, size=(len(text.base), 1)).astype(np.float32)
    base, queries = of_length_one(text.base) * lengths, of_length_one(text.query)
    truth, _ = ground_truth(base, queries, k=10, metric="ip")

    index = vicinal.Index(base.shape[1], "ip", traversal=traversal, lift=lift)
    index.add(base)

    assert float(recall(index.search(queries, 10, ef=100).ids, truth, 10)) >= 0.98


@pytest.mark.parametrize(("name", "traversal"), [("sift-20k", "auto"), ("minilm-5k", "auto"), ("minilm-5k", "exact")])
def test_an_index_of_real_data_is_the_same_bytes_for_any_number_of_threads(name: str, traversal: str) -> None:
    rows = bundled_set(name).base[:5000]

    def build(threads: int) -> bytes:
        index = vicinal.Index(rows.shape[1], bundled_set(name).metric, traversal=traversal)
        index.add(rows, threads=threads)
        return index.to_bytes()

    alone = build(1)
    assert build(2) == alone
    assert build(3) == alone


def test_whole_numbers_walked_as_u8_give_the_answers_of_the_exact_walk() -> None:
    queries = bundled_set("sift-20k").query
    by_codes = built("sift-20k", "vicinal-auto", 0)[0]._index
    exactly = built("sift-20k", "vicinal-exact", 0)[0]._index
    assert by_codes.stats()["graph"]["walked"] == "u8"
    assert exactly.stats()["graph"]["walked"] == "exact"

    for ef in (10, 40, 160):
        one, other = (index.search(queries, 10, ef=ef, stats=True) for index in (by_codes, exactly))
        assert (one.ids == other.ids).all()
        assert (one.distances == other.distances).all()
        assert (one.stats["distances"] == other.stats["distances"]).all()
        assert (one.stats["hops"] == other.stats["hops"]).all()


@pytest.mark.parametrize("metric", ["l2", "cosine"])
@pytest.mark.parametrize("spread", [0.003, 0.01, 0.1])
def test_near_copies_that_codes_cannot_tell_apart_are_found_by_the_stored_vectors(metric: str, spread: float) -> None:
    # Twenty times nearly one vector, `spread` of a code's step apart: most have the same code.
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((6_000, 48)).astype(np.float32)
    step = np.abs(rows).max(axis=1).mean() / 127
    queries = rng.standard_normal((60, 48)).astype(np.float32)
    near = rng.standard_normal((60, 20, 48)).astype(np.float32) * np.float32(step * spread)
    rows[:1_200] = (queries[:, np.newaxis] + near).reshape(-1, 48)
    index = vicinal.Index(48, metric, traversal="sq8")
    index.add(rng.permutation(rows))

    found = index.search(queries, 10, ef=64).ids

    assert float(recall(found, index.search(queries, 10, exact=True).ids, 10)) >= 0.99


def test_zero_vectors_under_inner_product_do_not_hide_the_others() -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((5_000, 24)).astype(np.float32)
    rows[:2_500] = 0
    queries = rng.standard_normal((100, 24)).astype(np.float32)
    index = vicinal.Index(24, "ip", traversal="exact", M=12, ef_construction=60)
    index.add(rows)

    found = index.search(queries, 10, ef=200).ids

    assert float(recall(found, index.search(queries, 10, exact=True).ids, 10)) >= 0.95

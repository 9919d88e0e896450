"""Tuning: which effort reaches which recall, and what a search makes of it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal import DataWarning, NotTunedError
from vicinal.estimate import Recall
from vicinal.index.calibrate import calibrated
from vicinal.index.trials import Effort, Outcome

Bundled = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def sift(bundled: Bundled) -> dict[str, Any]:
    """An index of real rows, queries to tune with and others to test with."""
    arrays = bundled("sift-20k")
    base, query = arrays["base"].astype(np.float32), arrays["query"].astype(np.float32)
    index = vicinal.Index(base.shape[1])
    index.add(base[:8000])
    return {"base": base[:8000], "bytes": index.to_bytes(), "tuning": query[:500], "testing": query[500:]}


@pytest.fixture
def index(sift: dict[str, Any]) -> vicinal.Index:
    return vicinal.Index.from_bytes(sift["bytes"])


@pytest.fixture(scope="module")
def tuned_bytes(sift: dict[str, Any]) -> bytes:
    index = vicinal.Index.from_bytes(sift["bytes"])
    index.tune(sift["tuning"])
    return index.to_bytes()


@pytest.fixture
def tuned(tuned_bytes: bytes) -> vicinal.Index:
    return vicinal.Index.from_bytes(tuned_bytes)


def recall_of(found: vicinal.SearchResult, truth: NDArray[np.int64]) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.ids, truth, strict=True)]))


@pytest.mark.parametrize("target", [0.9, 0.95, 0.99])
def test_a_target_is_met_on_queries_the_index_was_not_tuned_with(
    tuned: vicinal.Index, sift: dict[str, Any], target: float
) -> None:
    truth = tuned.search(sift["testing"], 10, exact=True).ids

    found = tuned.search(sift["testing"], 10, recall=target, stats=True)

    assert recall_of(found, truth) >= target - 0.01


def test_a_higher_target_takes_more_effort_and_each_query_its_own(tuned: vicinal.Index, sift: dict[str, Any]) -> None:
    work = [tuned.search(sift["testing"], 10, recall=target, stats=True).stats for target in (0.9, 0.95, 0.99)]

    spent = [stats["effort"].mean() for stats in work if stats is not None]
    assert spent[0] < spent[1] < spent[2]
    highest = work[2]
    assert highest is not None
    assert len(set(highest["effort"].tolist())) > 10
    assert highest["effort"].min() >= 1


def test_per_query_effort_compares_fewer_vectors_than_the_beam_that_reaches_the_same(tuned: vicinal.Index) -> None:
    tuning = tuned.stats()["tuned"]

    assert tuning["queries"] == 500
    by_rule = [effort for effort in tuning["efforts"] if effort["anchor"]]
    assert {(effort["k"], effort["recall"]) for effort in by_rule} >= {(10, 0.95), (10, 0.99), (100, 0.99)}
    for effort in by_rule:
        assert effort["low"] >= effort["recall"]
        assert effort["width"] >= effort["ef"]


def test_a_search_that_asks_for_nothing_takes_the_effort_for_95_percent(
    tuned: vicinal.Index, sift: dict[str, Any]
) -> None:
    asked = tuned.search(sift["testing"], 10, recall=0.95, stats=True)
    plain = tuned.search(sift["testing"], 10, stats=True)

    assert asked.stats is not None
    assert plain.stats is not None
    assert plain.ids.tolist() == asked.ids.tolist()
    assert plain.stats["effort"].tolist() == asked.stats["effort"].tolist()
    for row in range(5):  # the shortest way through, for one float32 query
        assert tuned.search(sift["testing"][row], 10).ids.tolist() == plain.ids[row].tolist()


def test_k_between_calibrated_ones_takes_the_next_larger(tuned: vicinal.Index, sift: dict[str, Any]) -> None:
    truth = tuned.search(sift["testing"], 30, exact=True).ids

    assert recall_of(tuned.search(sift["testing"], 30, recall=0.95), truth) >= 0.94
    with pytest.raises(NotTunedError, match=r"tune\(queries, k=101, recall=0.9\)"):
        tuned.search(sift["testing"], 101, recall=0.9)


def test_a_calibration_is_saved_and_comes_back(tuned: vicinal.Index, sift: dict[str, Any], tmp_path: Path) -> None:
    tuned.save(tmp_path / "tuned.vicinal")
    loaded = vicinal.Index.load(tmp_path / "tuned.vicinal")

    assert loaded.stats()["tuned"] == tuned.stats()["tuned"]
    found, expected = (one.search(sift["testing"], 10, recall=0.99) for one in (loaded, tuned))
    assert found.ids.tolist() == expected.ids.tolist()


def test_tuning_is_the_same_for_any_number_of_threads(index: vicinal.Index, sift: dict[str, Any]) -> None:
    with pytest.warns(DataWarning):
        one, two = (index.tune(sift["tuning"][:90], 5, recall=0.8, threads=threads) for threads in (1, 2))

    assert one == two


def test_tuning_again_replaces_what_was_known(tuned: vicinal.Index, sift: dict[str, Any]) -> None:
    tuned.tune(sift["testing"][:200], 20, recall=0.8)

    tuning = tuned.stats()["tuned"]
    assert tuning["queries"] == 200
    assert {effort["k"] for effort in tuning["efforts"]} == {1, 10, 20, 100}
    assert {effort["recall"] for effort in tuning["efforts"]} == {0.8, 0.9, 0.95, 0.99}


def test_a_recall_without_a_calibration_says_how_to_tune(index: vicinal.Index, sift: dict[str, Any]) -> None:
    with pytest.raises(NotTunedError, match=r"not tuned: call tune\(queries, k=7, recall=0.9\)"):
        index.search(sift["testing"], 7, recall=0.9)
    with pytest.raises(NotTunedError, match="not tuned"):
        index.search(sift["testing"][0], recall=0.9)
    assert index.stats()["tuned"] is None


@pytest.mark.parametrize("recall", [0, 0.0, -0.1, 1.01, 95, float("nan"), float("inf"), True, "0.9"])
def test_a_recall_out_of_range_is_refused_by_all_that_take_one(
    index: vicinal.Index, sift: dict[str, Any], recall: Any
) -> None:
    with pytest.raises(ValueError, match=r"recall is .*expected a number above 0, at most 1"):
        index.search(sift["testing"], recall=recall)
    with pytest.raises(ValueError, match=r"recall is .*expected a number above 0, at most 1"):
        index.tune(sift["tuning"], recall=recall)
    with pytest.raises(ValueError, match=r"recall is .*expected a number above 0, at most 1"):
        index.recall_estimate(sift["tuning"], recall=recall)


def test_ef_and_recall_together_are_refused(tuned: vicinal.Index, sift: dict[str, Any]) -> None:
    for query in (sift["testing"], sift["testing"][0]):
        with pytest.raises(ValueError, match=r"ef=50 and recall=0\.9 are both given"):
            tuned.search(query, ef=50, recall=0.9)


def test_a_size_that_changed_by_more_than_a_fifth_is_warned_of(tuned: vicinal.Index, sift: dict[str, Any]) -> None:
    tuned.remove(np.arange(1600))
    tuned.search(sift["testing"], recall=0.9)
    assert tuned.stats()["tuned"]["changed"] == pytest.approx(0.2)

    tuned.remove([1600])

    with pytest.warns(DataWarning, match="tuned with 8000 vectors and has 6399 now") as caught:
        tuned.search(sift["testing"], recall=0.9)
    assert [warning.filename for warning in caught] == [__file__]
    tuned.search(sift["testing"])  # asks for no promise, so nobody is warned


def test_queries_that_are_stored_are_refused_or_left_out(index: vicinal.Index, sift: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="200 of 200 queries are stored in the index"):
        index.tune(sift["base"][:200])
    assert index.stats()["tuned"] is None

    mixed = np.concatenate([sift["tuning"][:150], sift["base"][:50]])
    with pytest.warns(DataWarning, match="50 of 200 queries are stored in the index, the first in row 150"):
        tuning = index.tune(mixed)

    assert tuning["queries"] == 150
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tuning == index.tune(sift["tuning"][:150])


@pytest.mark.parametrize(
    ("metric", "dtype"),
    [
        ("ip", "f32"),
        ("cosine", "f32"),
        ("cosine", "f16"),
        ("l2", "bf16"),
        ("l2", "i8"),
        ("ip", "u8"),
        ("hamming", "b1"),
    ],
)
def test_stored_queries_are_seen_under_every_metric_and_type(rng: np.random.Generator, metric: str, dtype: str) -> None:
    index = vicinal.Index(32, metric, dtype=dtype)
    if dtype == "b1":
        rows = rng.integers(0, 256, (300, 4)).astype(np.uint8)
    elif dtype in ("i8", "u8"):
        rows = rng.integers(0, 100, (300, 32)).astype(dtype.replace("i", "int").replace("u8", "uint8"))
    else:
        rows = rng.standard_normal((300, 32)).astype(np.float32)
    index.add(rows)

    with pytest.raises(ValueError, match="queries are stored in the index"):
        index.tune(rows[:120])


@pytest.mark.parametrize("metric", ["ip", "cosine", "hamming", "jaccard"])
def test_every_metric_can_be_tuned(rng: np.random.Generator, metric: str) -> None:
    index = vicinal.Index(64, metric)
    if index.dtype == "b1":
        rows = rng.integers(0, 256, (3300, 8)).astype(np.uint8)
    else:
        rows = rng.standard_normal((3300, 64)).astype(np.float32)
    index.add(rows[:3000])

    index.tune(rows[3000:], 10, recall=0.8)

    assert float(index.recall_estimate(rows[3000:], 10, recall=0.8)) >= 0.8


def test_few_queries_are_warned_of_with_the_width_of_the_interval(index: vicinal.Index, sift: dict[str, Any]) -> None:
    with pytest.warns(DataWarning, match=r"60 queries are few: recall=0.8 at k=10 was measured as 0\.\d+.* wide"):
        index.tune(sift["tuning"][:60], recall=0.8)

    assert index.stats()["tuned"]["queries"] == 60


def test_a_target_that_cannot_be_reached_is_told_with_what_would_help(
    index: vicinal.Index, sift: dict[str, Any]
) -> None:
    with pytest.warns(DataWarning, match=r"recall=1.0 at k=10 was not reached.*more queries") as caught:
        index.tune(sift["tuning"][:150], recall=1.0)

    assert len(caught) == 1
    with pytest.raises(NotTunedError, match=r"recall 1.0 at k=10 was not reached when the index was tuned"):
        index.search(sift["testing"], recall=1.0)
    index.search(sift["testing"], recall=0.9)


def test_an_empty_index_or_no_queries_cannot_be_tuned(index: vicinal.Index) -> None:
    with pytest.raises(ValueError, match="the index is empty"):
        vicinal.Index(4).tune(np.eye(4))
    with pytest.raises(ValueError, match="queries has no rows"):
        index.tune(np.empty((0, 128)))
    for k in (0, -1, 10_001, True, 2.5):
        with pytest.raises(ValueError, match="k is"):
            index.tune(np.zeros((5, 128)), k)  # type: ignore[arg-type]


def test_an_index_smaller_than_k_is_tuned_by_what_there_is() -> None:
    index = vicinal.Index(2)
    index.add(np.eye(2))

    with pytest.warns(DataWarning, match="queries are few"):
        tuning = index.tune(np.full((50, 2), 0.4, dtype=np.float32) + np.arange(50)[:, None], 5, recall=0.5)

    assert [effort["reached"] for effort in tuning["efforts"] if effort["recall"] == 0.5] == [True] * 2


class Made:
    """Trials whose outcome is a formula: recall rises with the width, and with the stretch."""

    k = 10

    def __init__(self, rule_saves: float) -> None:
        self.rule_saves = rule_saves
        self.tried: list[Effort] = []

    def __call__(self, effort: Effort) -> Outcome:
        self.tried.append(effort)
        reach = effort.stretch * 20 if effort.anchor else effort.width
        value = 1 - 1 / (1 + min(reach, 3 * effort.width))
        distances = 10 * reach * (self.rule_saves if effort.anchor else 1)
        return Outcome(Recall(value, value - 0.01, value + 0.01, 10, 1, 1), distances)


def test_the_narrowest_beam_whose_lower_bound_meets_the_target_is_found() -> None:
    made = Made(rule_saves=2)

    found = list(calibrated(made, made, [0.9, 0.95], rules=True))  # type: ignore[arg-type]

    assert [(ef, effort) for _, ef, effort, _ in found] == [(11, Effort(11)), (24, Effort(24))]
    assert all(outcome.recall.low >= target for target, _, _, outcome in found)


def test_a_rule_is_chosen_where_it_saves_and_only_there() -> None:
    saves, costs = Made(rule_saves=0.7), Made(rule_saves=0.99)

    (_, ef, effort, outcome), *_ = calibrated(saves, saves, [0.95], rules=True)  # type: ignore[arg-type]
    assert (ef, effort.width) == (24, 72)
    assert effort.anchor > 0
    assert effort.stretch == pytest.approx(24 / 20, abs=0.05)
    assert outcome.recall.low >= 0.95
    for made, rules in ((costs, True), (saves, False)):
        (_, _, effort, _), *_ = calibrated(made, made, [0.95], rules=rules)  # type: ignore[arg-type]
        assert effort == Effort(24)

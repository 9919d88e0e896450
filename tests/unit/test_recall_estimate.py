"""Recall estimated on a sample, and watched while a service runs."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal.estimate import recall_of_queries, wilson_interval
from vicinal.index import monitor as monitors


@pytest.fixture(scope="module")
def index() -> vicinal.Index:
    """Hard enough that a narrow beam misses some."""
    index = vicinal.Index(24, M=6, ef_construction=30)
    index.add(np.random.default_rng(1).standard_normal((6000, 24)).astype(np.float32))
    return index


@pytest.fixture(scope="module")
def queries() -> Any:
    return np.random.default_rng(2).standard_normal((400, 24)).astype(np.float32)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock of our own: every look at it takes as long as was said last."""
    state = {"now": 0.0, "step": 1.0}

    def look() -> float:
        state["now"] += state["step"]
        return state["now"]

    monkeypatch.setattr(monitors.time, "perf_counter", look)
    return lambda step: state.update(step=step)


def test_an_estimate_of_all_queries_is_their_recall(index: vicinal.Index, queries: Any) -> None:
    truth, found = index.search(queries, 10, exact=True).ids, index.search(queries, 10, ef=12).ids

    estimate = index.recall_estimate(queries, 10, ef=12)

    expected = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
    assert float(estimate) == pytest.approx(expected)
    assert 0.5 < estimate.low < estimate.value < estimate.high < 1
    assert (estimate.k, estimate.trials) == (10, 4000)


def test_a_sample_is_the_same_on_every_call_and_its_interval_is_wider(index: vicinal.Index, queries: Any) -> None:
    everything = index.recall_estimate(queries, 10, ef=12)
    sample = index.recall_estimate(queries, 10, sample=80, ef=12)

    assert sample == index.recall_estimate(queries, 10, sample=80, ef=12, threads=1)
    assert sample.trials == 800
    assert sample.high - sample.low > everything.high - everything.low
    assert sample.low <= everything.value <= sample.high


@pytest.mark.parametrize("sample", [0, -1, 401, 2.5, True])
def test_a_sample_out_of_range_is_refused(index: vicinal.Index, queries: Any, sample: Any) -> None:
    with pytest.raises(ValueError, match="sample is"):
        index.recall_estimate(queries, sample=sample)


def test_an_estimate_of_nothing_is_no_number(index: vicinal.Index) -> None:
    for estimate in (index.recall_estimate(np.empty((0, 24))), vicinal.Index(2).recall_estimate(np.eye(2), 3)):
        assert np.isnan(estimate.value)
        assert (estimate.low, estimate.high) == (0.0, 1.0)


def test_the_interval_covers_as_often_as_it_says_when_queries_differ(rng: np.random.Generator) -> None:
    """Queries are easy or hard, so that the neighbors of one are found or missed together."""
    covered = naive = 0
    for _ in range(1000):
        chance = np.where(rng.random(200) < 0.8, 0.99, 0.6)
        hits = rng.binomial(10, chance)
        estimate = recall_of_queries(hits, np.full(200, 10), 10)
        covered += estimate.low <= 0.8 * 0.99 + 0.2 * 0.6 <= estimate.high
        low, high = wilson_interval(int(hits.sum()), 2000)
        naive += low <= 0.8 * 0.99 + 0.2 * 0.6 <= high

    assert 925 <= covered <= 975
    assert naive < 900


def test_a_perfect_sample_is_worth_as_many_trials_as_it_has_queries() -> None:
    few, many = (recall_of_queries(np.full(n, 10), np.full(n, 10), 10) for n in (20, 2000))

    assert few.value == many.value == 1
    assert few.low == pytest.approx(0.8389, abs=1e-4)  # Wilson's for 20 of 20
    assert many.low > 0.998


def test_a_monitor_searches_as_the_index_does(index: vicinal.Index, queries: Any) -> None:
    monitor = index.monitor(rate=0.5)

    for asked in (queries, queries[0], queries[:0]):
        found, expected = monitor.search(asked, 7, ef=20), index.search(asked, 7, ef=20)
        assert found.ids.tolist() == expected.ids.tolist()
        assert found.distances.tolist() == expected.distances.tolist()
    assert monitor.searched == 401


def test_a_monitor_checks_about_its_rate_of_queries_and_the_same_each_time(index: vicinal.Index, queries: Any) -> None:
    def watch(calls: int) -> tuple[vicinal.Monitor, vicinal.Recall]:
        monitor = index.monitor(rate=0.1, budget=1e-9, seed=3)
        for part in np.array_split(queries, calls):
            monitor.search(part, 10, ef=12)
        return monitor, monitor.check()

    (few, one), (_, other) = watch(2), watch(400)

    assert one == other
    assert 20 <= few.checked <= 60
    assert few.checked * 10 == one.trials
    assert one.low <= index.recall_estimate(queries, 10, ef=12).value <= one.high


def test_before_the_first_check_nothing_is_known(index: vicinal.Index) -> None:
    estimate = index.monitor().estimate()

    assert np.isnan(estimate.value)
    assert (estimate.low, estimate.high, estimate.trials) == (0.0, 1.0, 0)


def test_checks_wait_until_their_share_of_the_time_is_there(
    index: vicinal.Index, queries: Any, clock: Callable[[float], None]
) -> None:
    monitor = index.monitor(rate=1.0, budget=0.25)

    for query in queries[:20]:
        monitor.search(query, 10)  # a second each, by our clock, and so does a check

    # A check is done while all before it have taken less than a quarter of the time that searches took.
    assert monitor.checked == 5
    assert monitor.waiting == 15
    clock(0.0)
    monitor.check(seconds=10)
    assert (monitor.checked, monitor.waiting) == (20, 0)


def test_answers_within_limits_are_compared_with_what_was_within_them(index: vicinal.Index, queries: Any) -> None:
    radius = float(np.median(index.search(queries[:50], 10, exact=True).distances))
    odd, first = np.arange(1, 6000, 2), np.arange(200)
    for limits in ({"filter": odd}, {"filter": [odd, first] * 25}, {"radius": radius}):
        monitor = index.monitor(rate=1.0, budget=1e-9)
        found = monitor.search(queries[:50], 10, ef=1000, **limits)
        assert len(set(found.ids.ravel().tolist()) - {-1}) > 20

        estimate = monitor.check()

        assert estimate.value > 0.999, limits
        assert estimate.trials == np.count_nonzero(found.ids >= 0)


def test_a_monitor_takes_the_names_of_other_libraries(index: vicinal.Index, queries: Any) -> None:
    monitor = index.monitor(rate=1.0)

    assert monitor.search(queries[:3], count=4, expansion_search=20).ids.shape == (3, 4)


def test_what_waits_is_bounded(index: vicinal.Index, queries: Any) -> None:
    monitor = index.monitor(rate=1.0, budget=1e-9)

    monitor.search(queries, 10)

    assert monitor.waiting <= 64


def test_many_threads_may_search_through_one_monitor(index: vicinal.Index, queries: Any) -> None:
    monitor = index.monitor(rate=0.2, budget=1.0)

    def serve() -> None:
        for query in queries[:100]:
            monitor.search(query, 5)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    estimate = monitor.check()

    assert monitor.searched == 400
    assert monitor.waiting == 0
    assert estimate.trials == 5 * monitor.checked > 100


@pytest.mark.parametrize("number", [0, -0.1, 1.5, True, "1"])
def test_a_rate_or_budget_out_of_range_is_refused(index: vicinal.Index, number: Any) -> None:
    with pytest.raises(ValueError, match="rate is"):
        index.monitor(number)
    with pytest.raises(ValueError, match="budget is"):
        index.monitor(budget=number)

"""Recall counts what it should: ties, repeats, padding; and says how sure it is."""

import math

import numpy as np
import pytest

from vicinal.errors import DimensionError
from vicinal.measure import recall, wilson_interval


def test_recall_is_the_share_of_true_neighbors_found_in_any_order() -> None:
    assert recall([[3, 1, 2]], [[1, 2, 3]], k=3).value == 1.0
    assert recall([[3, 9, 2]], [[1, 2, 3]], k=3).value == pytest.approx(2 / 3)
    assert recall([[7, 8, 9]], [[1, 2, 3]], k=3).value == 0.0


def test_only_the_first_k_of_both_sides_count() -> None:
    found, truth = [[5, 1, 2]], [[1, 2, 5]]

    assert recall(found, truth, k=2).value == 0.5
    assert recall(found, truth, k=3).value == 1.0


def test_an_id_returned_twice_counts_once() -> None:
    once = recall([[4, 4, 4]], [[4, 5, 6]], k=3)

    assert (once.hits, once.trials) == (1, 3)


def test_a_repeated_id_counts_once_among_ties_too() -> None:
    tied = recall([[4, 4, 9]], [[4, 5, 6]], k=3, found_distances=[[1.0, 1.0, 1.0]], truth_distances=[[1.0, 1.0, 1.0]])

    assert tied.hits == 2


def test_padding_never_counts_whatever_its_distance() -> None:
    padded = recall([[4, -1, -1]], [[4, -1, -1]], k=3)
    near = recall([[4, -1]], [[4, 5]], k=2, found_distances=[[1.0, 0.0]], truth_distances=[[1.0, 2.0]])

    assert (padded.hits, padded.trials) == (1, 1)
    assert near.hits == 1


def test_unsigned_padding_never_counts() -> None:
    found = np.array([[4, 2**64 - 1]], dtype=np.uint64)

    assert recall(found, [[4, -1]], k=2).hits == 1


def test_an_answer_as_near_as_the_last_true_neighbor_counts_when_distances_are_given() -> None:
    found, truth = [[1, 9]], [[1, 2]]

    assert recall(found, truth, k=2).value == 0.5
    assert recall(found, truth, k=2, found_distances=[[1.0, 3.0]], truth_distances=[[1.0, 3.0]]).value == 1.0


@pytest.mark.parametrize(("distance", "hits"), [(3.0 * (1 + 0.9e-3), 2), (3.0 * (1 + 1.1e-3), 1)])
def test_the_tolerance_is_relative_to_the_last_true_distance(distance: float, hits: int) -> None:
    tied = recall(
        [[1, 9]], [[1, 2]], k=2, found_distances=[[1.0, distance]], truth_distances=[[1.0, 3.0]], tolerance=1e-3
    )

    assert tied.hits == hits


def test_a_negative_last_distance_widens_upward_not_downward() -> None:
    tied = recall([[9]], [[2]], k=1, found_distances=[[-3.0]], truth_distances=[[-3.0]], tolerance=1e-3)

    assert tied.hits == 1


def test_more_near_answers_than_neighbors_never_exceed_one() -> None:
    tied = recall([[5, 6]], [[1, -1]], k=2, found_distances=[[1.0, 1.0]], truth_distances=[[1.0, math.inf]])

    assert (tied.hits, tied.trials) == (1, 1)


def test_an_answer_with_fewer_columns_costs_recall() -> None:
    assert recall([[1]], [[1, 2]], k=2).value == 0.5


def test_recall_of_no_queries_is_not_a_number_and_knows_nothing() -> None:
    nothing = recall(np.empty((0, 2), dtype=int), np.empty((0, 2), dtype=int), k=2)

    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_match_newcombes_published_values(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(hits, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("hits", "trials"), [(5, 10), (95, 100), (9500, 10_000), (9999, 10_000)])
def test_a_wilson_bound_lies_where_the_score_test_just_rejects(hits: int, trials: int) -> None:
    for bound in wilson_interval(hits, trials, confidence=0.95):
        score = abs(hits / trials - bound) / math.sqrt(bound * (1 - bound) / trials)

        assert score == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize("trials", [1, 7, 10_000])
def test_a_wilson_interval_never_leaves_its_share_outside(trials: int) -> None:
    for hits in {0, 1, trials // 2, trials - 1, trials}:
        low, high = wilson_interval(hits, trials)

        assert 0.0 <= low <= hits / trials <= high <= 1.0


def test_a_wilson_interval_covers_as_often_as_it_says(rng: np.random.Generator) -> None:
    share, trials = 0.95, 400
    hits = rng.binomial(trials, share, size=4000)

    covered = [low <= share <= high for low, high in (wilson_interval(int(h), trials) for h in hits)]

    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_the_interval_surrounds_the_share_and_is_printed_with_it() -> None:
    half = recall([[1, 9]], [[1, 2]], k=2)

    assert half.low < float(half) < half.high
    assert str(half) == "recall@2 0.5000 [0.0945, 0.9055]"


@pytest.mark.parametrize(
    ("found", "truth", "k", "error", "complaint"),
    [
        ([[1]], [[1], [2]], 1, DimensionError, "found has 1 rows and truth 2"),
        ([1], [[1]], 1, DimensionError, r"found has shape \(1,\)"),
        ([[1]], [[1]], 2, ValueError, "between 1 and the 1 columns"),
        ([[1]], [[1]], 0, ValueError, "between 1 and the 1 columns"),
        ([[1.0]], [[1]], 1, TypeError, "integer ids, found float64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    found: object, truth: object, k: int, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        recall(found, truth, k=k)  # type: ignore[arg-type]


def test_ties_need_the_distances_of_both_sides() -> None:
    with pytest.raises(ValueError, match="need both"):
        recall([[1]], [[1]], k=1, found_distances=[[1.0]])

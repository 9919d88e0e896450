"""Readings between measured points, and ratios of paired rounds."""

import math

import pytest

from vicinal.measure import Curve, Point, Recall, paired_ratio
from vicinal.measure.curve import higher_at, lower_at


def known_speed(recall: float) -> float:
    """A curve whose logarithm is linear in recall: what interpolation must get exactly."""
    return 10 ** (9 - 5 * recall)


def test_a_speed_between_points_is_read_exactly_off_a_log_linear_curve() -> None:
    recalls = [0.80, 0.88, 0.93, 0.97, 0.995]
    speeds = [known_speed(recall) for recall in recalls]

    for target in (0.85, 0.90, 0.95, 0.99):
        assert higher_at(recalls, speeds, target) == pytest.approx(known_speed(target), rel=1e-12)


def test_the_order_of_the_points_does_not_matter() -> None:
    assert higher_at([0.99, 0.8, 0.9], [100, 10_000, 1_000], 0.95) == higher_at(
        [0.8, 0.9, 0.99], [10_000, 1_000, 100], 0.95
    )


def test_a_point_beaten_in_both_respects_changes_nothing() -> None:
    clean = higher_at([0.90, 0.99], [1_000, 100], 0.95)

    assert higher_at([0.90, 0.94, 0.99], [1_000, 50, 100], 0.95) == clean


def test_a_target_out_of_reach_has_no_reading() -> None:
    assert higher_at([0.8, 0.9], [2, 1], 0.95) is None
    assert higher_at([], [], 0.95) is None


def test_a_curve_above_the_target_answers_with_its_fastest_point() -> None:
    assert higher_at([0.97, 0.99], [500, 100], 0.95) == 500


def test_a_reading_on_a_point_is_that_point() -> None:
    assert higher_at([0.90, 0.95, 0.99], [900, 500, 100], 0.95) == pytest.approx(500)


def test_costs_are_read_from_below() -> None:
    assert lower_at([0.8, 1.0], [100, 10_000], 0.9) == pytest.approx(1_000)
    assert lower_at([0.97, 0.99], [300, 700], 0.95) == pytest.approx(300)


def point(effort: int, share: float, *speeds: float, distances: float | None = None) -> Point:
    found = Recall(share, share, share, 10, round(1000 * share), 1000)
    micro = 1e6 / speeds[0]
    return Point(effort, found, speeds, tuple(2 * s for s in speeds), micro, 3 * micro, distances)


def test_a_curve_reads_each_round_by_itself_and_takes_the_median() -> None:
    curve = Curve((point(10, 0.90, 100, 1_000, 10_000), point(40, 0.99, 10, 100, 1_000)))

    speeds = curve.speeds_at(0.945)

    assert speeds == pytest.approx([10**1.5, 10**2.5, 10**3.5])
    assert curve.speed_at(0.945) == pytest.approx(10**2.5)
    assert curve.speed_at(0.945, batch=True) == pytest.approx(2 * 10**2.5)
    assert curve.speed_at(0.999) is None
    assert curve.highest_recall == 0.99


def test_latencies_and_distances_are_read_where_they_are_known() -> None:
    counted = Curve((point(10, 0.90, 1_000, distances=200.0), point(40, 0.99, 100, distances=800.0)))
    silent = Curve((point(10, 0.90, 1_000), point(40, 0.99, 100)))

    assert counted.distances_at(0.945) == pytest.approx(400)
    assert silent.distances_at(0.945) is None
    assert silent.latency_at(0.945) == pytest.approx((10**3.5, 3 * 10**3.5))


def test_an_empty_curve_has_no_readings() -> None:
    empty = Curve(())

    assert (empty.speed_at(0.9), empty.latency_at(0.9), empty.rounds, empty.highest_recall) == (None, None, 0, 0.0)


def test_a_ratio_pairs_rounds_so_that_shared_noise_cancels() -> None:
    drift = [1.0, 0.4, 2.5, 0.7, 1.3]

    ratio = paired_ratio([150 * d for d in drift], [100 * d for d in drift])

    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.5, 1.5, 1.5))


def test_the_interval_is_the_tightest_pair_of_order_statistics_that_covers_enough() -> None:
    five = paired_ratio([1, 2, 3, 4, 5], [1] * 5)
    ten = paired_ratio(range(1, 11), [1] * 10)

    assert five is not None
    assert ten is not None
    assert (five.low, five.value, five.high, five.rounds) == (1, 3, 5, 5)
    assert five.coverage == pytest.approx(1 - 2 / 32)
    # Of ten, the second and the ninth: 1 - 2 * (1 + 10) / 1024.
    assert (ten.low, ten.high) == (2, 9)
    assert ten.coverage == pytest.approx(1 - 22 / 1024)


def test_a_single_round_covers_nothing_and_none_gives_nothing() -> None:
    single = paired_ratio([3.0], [2.0])

    assert single is not None
    assert (single.value, single.coverage) == (1.5, 0.0)
    assert paired_ratio([], []) is None


def test_rounds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        paired_ratio([1.0, 2.0], [1.0])


def test_a_median_of_an_even_number_of_rounds_lies_between_the_middle_two() -> None:
    ratio = paired_ratio([1, 3], [1, 1])

    assert ratio is not None
    assert math.isclose(ratio.value, 2)

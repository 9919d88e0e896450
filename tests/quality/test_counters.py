"""The work of searches of fixed indexes of real data is what it was, to the last distance."""

import counters
import pytest

RENEW = "if this is meant: python bench/counters.py --renew"


def test_searches_of_real_data_are_exactly_as_much_work_as_they_were() -> None:
    try:
        counted = counters.count_on_fixed_kernels()
    except counters.CannotCountError as error:
        pytest.skip(f"THE WORK OF SEARCHES IS NOT GUARDED: {error}")

    changed = counters.differences(counted, counters.baseline())

    assert not changed, "\n".join([*changed, RENEW])


def test_the_baseline_covers_every_traversal_and_counts_something() -> None:
    stored = counters.baseline()

    covered = {case.split()[1] for case in stored}
    assert covered == set(counters.TRAVERSALS), RENEW
    for totals in stored.values():
        assert totals["distances"] > totals["hops"] > 10 * counters.QUERIES
        assert totals["bytes"] > totals["distances"]


def test_a_difference_is_told_with_its_size() -> None:
    before = {"sift": {"hops": 200, "distances": 5}, "gone": {"hops": 1}}
    now = {"sift": {"hops": 201, "distances": 5}, "new": {"hops": 1}}

    told = counters.differences(now, before)

    assert told == ["gone: not counted any more", "new: not in the baseline", "sift: hops 200 -> 201 (+0.50%)"]

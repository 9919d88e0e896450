"""Memory: what plan() forecasts, what the index says it has, and what the process grows by."""

import sys
from typing import Any

import memory
import pytest

FORECAST_BAR = 0.05
PASSING = 16 * 2**20  # what an add may hold for a while: scratch of its threads, ids twice, a last huge page

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux writes it in /proc")


@pytest.mark.parametrize(
    "settings",
    [
        {"rows": 200_000, "dim": 256},
        {"rows": 300_000, "dim": 128, "whole": True},
        {"rows": 200_000, "dim": 256, "dtype": "f16", "metric": "cosine", "traversal": "exact"},
        {"rows": 100_000, "dim": 1024, "dtype": "u8"},
    ],
    ids=["floats", "whole numbers", "halves", "bytes"],
)
def test_an_index_takes_what_was_forecast_and_no_copy_of_its_input(settings: dict[str, Any]) -> None:
    case = memory.Case(**settings, M=8, ef_construction=8)

    taken = memory.measure(case)

    assert abs(taken.account - 1) <= FORECAST_BAR, taken
    assert abs(taken.growth - 1) <= FORECAST_BAR, taken
    assert taken.given > 6 * PASSING  # so that a copy of the input could not hide
    assert taken.peak <= (1 + FORECAST_BAR) * taken.forecast + PASSING, taken

"""The forecast of memory, against what an index then takes."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import vicinal


@pytest.mark.parametrize(
    ("metric", "dtype", "dim", "M"),
    [("l2", "f32", 128, 16), ("cosine", "f16", 96, 8), ("ip", "u8", 100, 32), ("hamming", "b1", 256, 16)],
)
def test_the_forecast_is_within_five_percent(metric: str, dtype: str, dim: int, M: int) -> None:
    rng = np.random.default_rng(1)
    n = 4000
    width = dim // 8 if dtype == "b1" else dim
    index = vicinal.Index(dim, metric, dtype=dtype, M=M, ef_construction=20)
    index.add(rng.integers(1, 200, (n, width)).astype(np.uint8))

    plan = vicinal.plan(n, dim, metric=metric, dtype=dtype, M=M)
    memory = index.stats()["memory"]

    assert plan.total == pytest.approx(memory["resident"], rel=0.05)
    assert plan.bytes["vectors"] == pytest.approx(memory["vectors"], rel=0.01)
    assert plan.bytes_per_vector == plan.total / n


def test_a_plan_is_frozen_and_reads_as_a_table() -> None:
    plan = vicinal.plan(1_000_000, 128, dtype="f16", M=24)

    assert isinstance(plan, vicinal.Plan)
    assert plan.bytes["vectors"] == 256_000_000
    assert plan.total == sum(plan.bytes.values())
    assert "1,000,000 vectors of 128 × f16, l2, M=24" in str(plan)
    assert "256.0 MB" in str(plan)
    assert "bytes a vector" in str(plan)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.n = 5  # type: ignore[misc]


def test_nothing_takes_no_room_by_the_vector() -> None:
    assert vicinal.plan(0, 8).bytes_per_vector == 0


def test_a_plan_defaults_to_bits_for_the_metrics_of_bits() -> None:
    assert vicinal.plan(1000, 64, metric="jaccard").dtype == "b1"


def test_huge_plans_are_arithmetic_only() -> None:
    assert vicinal.plan(2**31 - 1, 65_536, M=4096).total > 2**49


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": -1, "dim": 4}, "n is -1, expected a whole number from 0 to"),
        ({"n": 2**31, "dim": 4}, "to 2147483647"),
        ({"n": 1.5, "dim": 4}, "n is 1.5"),
        ({"n": 1, "dim": 0}, "dim is 0"),
        ({"n": 1, "dim": 4, "M": 1}, "M is 1"),
        ({"n": 1, "dim": 4, "metric": "hamming", "dtype": "f32"}, "does not go with"),
        ({"n": 1, "dim": 4, "traversal": "edge"}, "'auto', 'exact', 'u8', 'sq8', 'sq4'"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vicinal.plan(**options)

"""The forecast of memory, against what an index then takes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import forecast


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
        ({"n": 1, "dim": 4, "hosts": 0}, "hosts is 0"),
        ({"n": 1, "dim": 0}, "dim is 0"),
        ({"n": 1, "dim": 4, "M": 1}, "M is 1"),
        ({"n": 1, "dim": 4, "metric": "hamming", "dtype": "f32"}, "does not go with"),
        ({"n": 1, "dim": 4, "traversal": "edge"}, "'auto', 'exact', 'u8', 'sq8', 'sq4'"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vicinal.plan(**options)


@pytest.mark.parametrize(("name", "dim"), [("sift-100k", 128), ("texts", 384)])
def test_the_forecast_of_times_has_the_figures_that_were_measured(repository: Path, name: str, dim: int) -> None:
    measured = json.loads((repository / "bench" / "results" / "growth.json").read_text())[name]
    largest = measured["points"][-1]

    assert measured["dim"] == dim
    assert forecast.COMPARISON[dim] == pytest.approx(measured["law"]["us_per_comparison"], rel=0.01)
    assert forecast.BUILD[dim] == pytest.approx(measured["law"]["build_us"], rel=0.01)
    known = vicinal.plan(largest["vectors"], dim).spread
    assert 1e6 / known.queries_per_core == pytest.approx(largest["query_us"], rel=0.15)
    assert known.build_core_hours * 3.6e9 / largest["vectors"] == pytest.approx(largest["build_us"], rel=0.1)
    if name == "sift-100k":
        assert pytest.approx(measured["law"]["compared"], rel=0.01) == forecast.COMPARED


def test_hosts_share_vectors_shards_and_work() -> None:
    one, ten = vicinal.plan(10**9, 128, dtype="u8"), vicinal.plan(10**9, 128, dtype="u8", hosts=10)

    assert (one.spread.shards, ten.spread.shards) == (10, 10)
    assert one.spread.bytes_per_host == pytest.approx(one.total, rel=1e-6)
    assert ten.spread.bytes_per_host == pytest.approx(one.total / 10, rel=0.03)  # tables of ids grow in steps
    assert ten.total == pytest.approx(one.total, rel=0.03)
    assert ten.spread.queries_per_core == pytest.approx(10 * one.spread.queries_per_core)
    assert ten.spread.build_core_hours == one.spread.build_core_hours
    assert vicinal.plan(4 * 10**9, 128, hosts=7).spread.shards == 42
    assert vicinal.plan(1000, 8).spread.shards == 1
    assert "memory of a host" in str(ten)


def test_more_and_longer_vectors_never_cost_less() -> None:
    sizes = [1, 10, 1000, 10**5, 10**7, 10**9]
    costs = [
        [round(1e12 * vicinal.plan(n, dim).spread.build_core_hours / n) for n in sizes]
        for dim in (1, 64, 128, 384, 4096)
    ]

    assert all(row == sorted(row) for row in costs)
    assert all(list(column) == sorted(column) for column in zip(*costs, strict=True))

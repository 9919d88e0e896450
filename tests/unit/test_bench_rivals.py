"""How bench/rivals.py judges: the fastest configuration of each side, round by round, bounded from below."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vicinal.measure import Comparison, Curve, Dataset, EngineResult, Point, Recall
from vicinal.measure.engines import make_engine
from vicinal.measure.environment import describe_environment, usable_cores

BENCH = Path(__file__).resolve().parents[2] / "bench"


@cache
def script(name: str) -> ModuleType:
    """A script of bench/, which is no part of the package."""
    sys.path.insert(0, str(BENCH))
    try:
        spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCH))
    return module


def engine(name: str, low: tuple[float, ...], high: tuple[float, ...], kept: bool = False) -> EngineResult:
    """Speeds of each round at recall 0.9 and at recall 0.99."""

    def point(effort: int, share: float, speeds: tuple[float, ...]) -> Point:
        return Point(effort, Recall(share, share, share, 10, int(share * 1000), 1000), one_qps=speeds)

    curve = Curve((point(10, 0.9, low), point(40, 0.99, high)))
    return EngineResult(name, "1", {}, None, 3.0, 1000, 2000, curve, instructions="AVX2", kept=kept)


def compared(*engines: EngineResult) -> Comparison:
    return Comparison("set", 10, 2, 5, "l2", 10, 2, 1, 5, True, engines, describe_environment(), "true")


OURS = engine("vicinal", (30, 40, 50, 60, 70), (9, 8, 7, 6, 5))
FEW_LINKS = engine("hnswlib", (10, 20, 25, 30, 35), (1, 1, 1, 1, 1))
MANY_LINKS = engine("hnswlib-m32", (5, 5, 5, 5, 5), (3, 2, 2, 2, 1), kept=True)
OTHER = engine("symphonyqg", (20, 20, 20, 20, 20), (7, 7, 7, 7, 7))


def test_every_recall_takes_the_fastest_configuration_of_a_rival() -> None:
    rivals = script("rivals")

    at_low, at_high = (rivals.fastest([FEW_LINKS, MANY_LINKS], recall).name for recall in (0.9, 0.99))

    assert (at_low, at_high) == ("hnswlib", "hnswlib-m32")
    assert rivals.fastest([FEW_LINKS, MANY_LINKS], 0.999) is None


def test_ratios_are_those_of_one_round_and_bounded_from_below() -> None:
    judged = script("rivals").standings(compared(OURS, FEW_LINKS, MANY_LINKS, OTHER), ["vicinal"])

    best, _, high, out_of_reach = judged["the best of all"]
    assert (best.rival, best.ratio, best.at_least) == ("hnswlib", 2.0, 2.0)  # 3, 2, 2, 2, 2
    assert best.coverage == pytest.approx(1 - 1 / 32)
    assert (high.rival, high.ratio, high.at_least) == ("symphonyqg", 1.0, 5 / 7)
    assert out_of_reach is None
    assert [s and s.rival for s in judged["hnswlib"]] == ["hnswlib", "hnswlib", "hnswlib-m32", None]


def test_our_other_configurations_are_no_rivals_unless_they_are_ours() -> None:
    faster = engine("vicinal-m32", (90, 90, 90, 90, 90), (90, 90, 90, 90, 90))
    everybody = compared(OURS, faster, OTHER)

    alone = script("rivals").standings(everybody, ["vicinal"])["the best of all"][0]
    together = script("rivals").standings(everybody, ["vicinal", "vicinal-m32"])["the best of all"][0]

    assert (alone.ours, alone.rival) == ("vicinal", "symphonyqg")
    assert (together.ours, together.rival) == ("vicinal-m32", "symphonyqg")


def test_the_table_shows_intervals_memory_kept_builds_and_who_is_missing() -> None:
    absent = EngineResult("glass", missing="not installed: build it")

    printed = script("rivals").table(compared(OURS, MANY_LINKS, absent), ["vicinal"])

    assert "50 [30, 70]" in printed
    assert "glass: missing (not installed: build it)" in printed
    many_links = next(line.split() for line in printed.splitlines() if line.startswith("hnswlib-m32"))
    assert many_links[-3:] == ["3.0*", "200", "AVX2"]
    assert "10.00× (≥ 6.00) hnswlib-m32" in printed


def test_every_rival_of_the_default_run_has_a_name_that_engines_know() -> None:
    for name in script("rivals").RIVALS:
        assert make_engine(name).name == name


@pytest.mark.skipif(len(usable_cores()) < 2, reason="two threads want two cores")
def test_batches_are_timed_on_one_thread_and_on_two_beside_a_control(rng: np.random.Generator) -> None:
    rows = rng.normal(size=(400, 8)).astype("float32")

    (found,) = script("batch_threads").measure(make_engine("vicinal"), Dataset("noise", rows, rows[:50]), [10], 2)

    assert found.effort == 10
    assert len(found.one_thread) == len(found.two_threads) == found.gain.rounds == found.control_gain.rounds == 2
    assert min(found.one_thread + found.two_threads) > 0

"""Sweeps and comparisons, driven by an engine whose recall and cost are known beforehand."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.measure import Comparison, Curve, Dataset, compare, sweep
from vicinal.measure.engines import Engine
from vicinal.measure.rounds import effort_ladder
from vicinal.measure.session import EngineFailedError

ROWS = 400


class Scan(Engine):
    """Looks at the `effort` rows that lie first: its recall grows with effort in a way tests can foretell."""

    name = "scan"
    package = "numpy"
    module = "numpy"
    calls: "list[tuple[str, int]]"

    def __init__(self, name: str = "scan", log: "list[tuple[str, int]] | None" = None) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc]
        self.calls = [] if log is None else log

    def build(self, base: Any, metric: str, *, threads: int) -> None:
        assert metric == "l2"
        self.base, self.threads = base, threads

    def set_effort(self, effort: int) -> None:
        self.effort = effort

    def search(self, queries: Any, k: int) -> Any:
        self.calls.append((self.name, self.effort))
        seen = self.base[: self.effort]
        distances = ((queries[:, None, :] - seen[None]) ** 2).sum(axis=2)
        ids = np.argsort(distances, axis=1, kind="stable")[:, :k]
        return np.pad(ids, ((0, 0), (0, k - ids.shape[1])), constant_values=-1)

    def count(self, queries: Any, k: int) -> dict[str, float]:  # noqa: ARG002
        return {"distances": float(min(self.effort, len(self.base)))}

    def memory(self) -> int:
        return int(self.base.nbytes)


@pytest.fixture
def dataset(rng: np.random.Generator) -> Dataset:
    rows = rng.normal(size=(ROWS, 6)).astype(np.float32)
    return Dataset("noise", rows, rng.normal(size=(40, 6)).astype(np.float32)).with_truth(10)


def share_among_first(dataset: Dataset, effort: int) -> float:
    assert dataset.truth is not None
    return float((dataset.truth[:, :10] < effort).mean())


def local(dataset: Dataset, engines: "list[Engine | str]", **options: Any) -> Comparison:
    return compare(dataset, engines, isolate=False, **{"rounds": 2, **options})


def test_a_sweep_finds_the_recall_that_the_engine_has(dataset: Dataset) -> None:
    engine = Scan()
    engine.build(dataset.base, "l2", threads=1)

    curve = sweep(engine, dataset, efforts=[100, 200, 400], rounds=3)

    assert [point.effort for point in curve.points] == [100, 200, 400]
    for point in curve.points:
        assert point.recall.value == pytest.approx(share_among_first(dataset, point.effort))
        assert point.distances == point.effort
        assert len(point.one_qps) == len(point.batch_qps) == 3
        assert 0 < point.p50_us <= point.p99_us
        assert min(point.one_qps) > 0


def test_an_answer_as_near_as_the_truth_counts_under_another_id() -> None:
    twins = np.repeat(np.eye(3, dtype=np.float32), 2, axis=0)
    listed = Dataset("twins", twins, np.eye(3, dtype=np.float32), truth=np.array([[1], [3], [5]]))
    engine = Scan()
    engine.build(twins, "l2", threads=1)

    curve = sweep(engine, listed, k=1, efforts=[6], rounds=1)

    assert curve.points[0].recall.value == 1.0  # the scan finds rows 0, 2 and 4


def test_rounds_interleave_the_engines_effort_by_effort(dataset: Dataset) -> None:
    log: list[tuple[str, int]] = []

    local(dataset, [Scan("a", log), Scan("b", log)], efforts=[100, 400], rounds=2, batch=False)

    turns = [call for number, call in enumerate(log) if number == 0 or log[number - 1] != call]
    survey = [("a", 100), ("a", 400), ("b", 100), ("b", 400)]
    first_round = [("a", 100), ("b", 100), ("a", 400), ("b", 400)]
    second_round = [("b", 100), ("a", 100), ("b", 400), ("a", 400)]
    expected = survey + first_round + second_round
    assert turns == [call for number, call in enumerate(expected) if number == 0 or expected[number - 1] != call]


def test_a_ladder_stops_at_full_recall_and_leaves_out_what_lies_far_below(dataset: Dataset) -> None:
    curve = local(dataset, [Scan()])["scan"].curve

    recalls = [point.recall.value for point in curve.points]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1.0
    assert [share >= 0.8 for share in recalls] == [False] + [True] * (len(recalls) - 1)
    assert sum(share == 1.0 for share in recalls) == 1


def test_efforts_that_were_asked_for_are_all_kept(dataset: Dataset) -> None:
    curve = local(dataset, [Scan()], efforts=[400, 10, 399])["scan"].curve

    assert [point.effort for point in curve.points] == [10, 399, 400]


def test_the_ladder_starts_at_k_and_rises_steadily() -> None:
    ladder = effort_ladder(10, 2000)

    assert ladder[0] == 10
    assert all(1.1 < wide / narrow < 1.3 for narrow, wide in pairwise(ladder[2:]))
    assert effort_ladder(1, 4) == (1, 2, 3, 4)


def test_a_missing_rival_is_listed_as_missing_and_the_others_are_measured(dataset: Dataset) -> None:
    absent = Scan("absent")
    absent.module = "no_such_library"  # type: ignore[misc]

    result = local(dataset, [Scan(), absent], efforts=[400])

    assert result["scan"].curve.highest_recall == 1.0
    assert result["absent"].missing == "not installed: pip install numpy"
    assert "absent: missing (not installed: pip install numpy)" in result.table()


def test_a_comparison_survives_json(dataset: Dataset) -> None:
    result = local(dataset, [Scan("a"), Scan("b")], efforts=[100, 400])

    plain = json.loads(result.to_json())

    assert Comparison.from_json(result.to_json()) == result
    assert plain["engines"][0]["at_recall"]["0.95"]["qps"] == result["a"].curve.speed_at(0.95)
    assert plain["engines"][1]["at_recall"]["0.95"]["first_engine_ratio"]["rounds"] == 2
    with pytest.raises(ValueError, match="version 99"):
        Comparison.from_json(json.dumps({**plain, "version": 99}))


def test_the_table_has_a_row_per_engine_and_says_what_was_measured(dataset: Dataset) -> None:
    result = local(dataset, [Scan("a"), Scan("b")], efforts=[100, 400], build_threads=2)

    lines = result.table().splitlines()

    assert lines[0].startswith("noise: 400 × 6, l2, 40 queries, k=10, 2 rounds, search on one thread, build on 2")
    assert [line.split()[0] for line in lines[2:5]] == ["engine", "a", "b"]
    assert len({len(line) for line in lines[2:5]}) == 1


def test_progress_rises_to_its_total(dataset: Dataset) -> None:
    seen: list[tuple[int, int]] = []

    local(dataset, [Scan("a"), Scan("b")], progress=lambda done, total: seen.append((done, total)))

    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    assert len({total for _, total in seen}) == 1


@pytest.mark.parametrize(
    ("engines", "options", "complaint"),
    [
        ([], {}, "engines is empty"),
        (["annoy"], {}, "'annoy'"),
        ([Scan(), Scan()], {}, "differ in name"),
        ([Scan()], {"k": 0}, "k must be"),
        ([Scan()], {"k": ROWS + 1}, "has only 400 rows"),
        ([Scan()], {"rounds": 0}, "rounds must be"),
        ([Scan()], {"threads": 0}, "threads and build_threads"),
        ([Scan()], {"efforts": []}, "efforts must be"),
        ([Scan()], {"efforts": [0]}, "efforts must be"),
        ([Scan()], {"queries": 0}, "at least 1"),
    ],
)
def test_arguments_out_of_range_are_refused(
    engines: "list[Engine | str]", options: dict[str, Any], complaint: str, dataset: Dataset
) -> None:
    with pytest.raises(ValueError, match=complaint):
        local(dataset, engines, **options)


ENGINE_MODULE = '''
import os
import numpy as np
from vicinal.measure.engines import Engine


class Lonely(Engine):
    """Answers exactly; misbehaves as its name tells."""

    name = "lonely"
    package = module = "numpy"

    def build(self, base, metric, *, threads):
        if self.name == "refuses":
            raise MemoryError("no room for the graph")
        print("libraries like to talk")
        self.base, self.ballast = base, np.ones(10_000_000, dtype=np.uint8)
        self.cores = len(os.sched_getaffinity(0))

    def set_effort(self, effort):
        if self.name == "dies" and effort > 10:
            os.kill(os.getpid(), 9)

    def search(self, queries, k):
        return np.argsort(((queries[:, None, :] - self.base[None]) ** 2).sum(axis=2), axis=1)[:, :k]

    def memory(self):
        return os.getpid()
'''


@pytest.fixture
def lonely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module with an engine that a process of its own can import."""
    (tmp_path / "lonely_engine.py").write_text(ENGINE_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import lonely_engine  # type: ignore[import-not-found]

    def make(name: str) -> Engine:
        engine: Engine = lonely_engine.Lonely()
        engine.name = name  # type: ignore[misc]
        return engine

    return make


def test_each_engine_has_a_process_of_its_own(dataset: Dataset, lonely: Any) -> None:
    result = compare(dataset, [lonely("a"), lonely("b")], efforts=[10], rounds=1)

    a, b = result["a"], result["b"]
    assert result.isolated
    assert a.missing is None
    assert a.curve.points[0].recall.value == b.curve.points[0].recall.value == 1.0
    assert a.reported_bytes != b.reported_bytes  # process numbers, in this engine's case
    assert a.resident_bytes is not None
    assert 9e6 < a.resident_bytes < 60e6


def test_an_engine_that_raises_or_dies_is_reported_and_the_others_go_on(dataset: Dataset, lonely: Any) -> None:
    result = compare(dataset, [lonely("fine"), lonely("refuses"), lonely("dies")], efforts=[10, 20], rounds=1)

    assert result["fine"].curve.highest_recall == 1.0
    assert result["refuses"].missing == "failed: MemoryError: no room for the graph"
    assert result["dies"].missing is not None
    assert "signal 9" in result["dies"].missing


def test_a_failure_in_this_process_is_the_callers_own(dataset: Dataset, lonely: Any) -> None:
    with pytest.raises(MemoryError, match="no room"):
        local(dataset, [lonely("refuses")])


def test_a_failed_engine_has_an_error_of_its_own_kind() -> None:
    assert issubclass(EngineFailedError, RuntimeError)
    assert Curve(()).points == ()

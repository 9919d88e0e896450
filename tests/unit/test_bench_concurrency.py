"""How bench/concurrency.py searches beside a writer and compares the rounds."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it counts switches of threads as Linux does")


def stretch(writer: str, p99: float, threads: int = 1, searches: int = 1000) -> dict[str, Any]:
    figures = [p99 / 2, p99, p99 * 2]
    return {
        "writer": writer,
        "threads": threads,
        "searches": searches,
        "seconds": 2.0,
        "writes": 2000,
        "waits": 3,
        "wall": figures,
        "undisturbed": figures,
        "processor": figures,
    }


def test_a_stretch_is_compared_with_the_idle_one_of_its_round() -> None:
    from concurrency import summary

    slow, fast = (30.0, 45.0), (10.0, 20.0)
    rounds = [[stretch("nobody", 10 * p99), stretch("add", 30 * p99)] for p99 in (*slow, *fast)]
    rounds[0][1] = stretch("add", 1e6)

    found = summary([row for one in rounds for row in one])

    assert (found["nobody"]["wall_p99_ratio"], found["add"]["wall_p99_ratio"]) == (1.0, 3.0)
    assert found["add"]["waits_in_a_thousand"] == 3.0
    assert found["add"]["writes_a_second"] == 1000.0


def test_threads_that_only_compute_are_no_writer() -> None:
    from concurrency import summary, told

    control = [{"writer": "control", "threads": n, "searches": 1000 * n, "seconds": 1.0} for n in (1, 2)]
    rows = [stretch(writer, 20, threads) for writer in ("nobody", "add") for threads in (1, 2)]

    assert list(summary(control + rows)) == ["nobody", "add"]
    assert "  two threads that only compute by one: 2.00" in told("C++", control + rows)


def test_two_threads_are_compared_with_one() -> None:
    from concurrency import two_by_one

    rows = [stretch("nobody", 20), stretch("nobody", 22, threads=2, searches=1800)]

    found = two_by_one(rows, "nobody")

    assert found["searches_a_second"] == 1.8
    assert found["processor_a_search"] == 1.1


@pytest.mark.parametrize("writer", ["nobody", "add", "remove", "update", "save", "compact"])
def test_searches_and_writes_beside_each_other_are_counted(writer: str, tmp_path: Path) -> None:
    from concurrency import Changes, beside

    rows = np.random.default_rng(3).random((500, 16), dtype=np.float32)
    index = vicinal.Index(16)
    index.add(rows)
    changes = Changes(index, rows, tmp_path)

    found = beside(index, rows, writer, getattr(changes, writer, None), seconds=0.1, threads=2)

    assert found["searches"] > 0
    assert found["wall"][0] > 0
    assert (found["writes"] > 0) == (writer != "nobody")
    assert index.check().unreachable == 0

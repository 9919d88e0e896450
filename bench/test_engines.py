"""Build, search and call overhead beside other engines: ``python -m pytest bench --benchmark-group-by=group``.

One engine after the other in one process, so good for watching a change of ours from one day to the
next. For a comparison of engines use ``vicinal bench``, which gives each a process of its own and
interleaves them in rounds. The kernels have a benchmark of their own in C++.
"""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.measure import Dataset, load_dataset, recall
from vicinal.measure.engines import Engine, make_engine

NAMES = ("vicinal", "vicinal-exact", "faiss", "faiss-sq-refine", "hnswlib", "usearch")
K, EFFORT, LEAST_RECALL = 10, 64, 0.95

# faiss's SWIG wrapper is older than Python's rule that every type names its module.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type .wig")

Benchmark = Any


@pytest.fixture(scope="module", params=["sift-20k", "minilm-5k"])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return load_dataset(Path(__file__).parent / "data" / f"{request.param}.npz")


def present(name: str, metric: str) -> Engine:
    engine = make_engine(name, M=16, ef_construction=200)
    why = engine.why_missing(metric)
    if why:
        pytest.skip(f"{name}: {why}")
    return engine


@pytest.fixture(scope="module", params=NAMES)
def built(request: pytest.FixtureRequest, dataset: Dataset) -> Engine:
    engine = present(request.param, dataset.metric)
    engine.build(dataset.base, dataset.metric, threads=1)
    engine.set_threads(1)
    engine.set_effort(EFFORT)
    return engine


@pytest.mark.parametrize("name", NAMES)
def test_build(name: str, dataset: Dataset, benchmark: Benchmark) -> None:
    benchmark.group = f"{dataset.name}: build, one thread"

    def fresh() -> tuple[tuple[Engine], dict[str, Any]]:
        return (present(name, dataset.metric),), {}

    def build(engine: Engine) -> None:
        engine.build(dataset.base, dataset.metric, threads=1)

    benchmark.pedantic(build, setup=fresh, rounds=3)


def test_search_one_query_per_call(built: Engine, dataset: Dataset, benchmark: Benchmark) -> None:
    benchmark.group = f"{dataset.name}: one query per call, ef {EFFORT}"
    benchmark.extra_info["recall"] = reached = recall_of(built, dataset)
    benchmark(next_query(built, dataset.query))

    assert reached >= LEAST_RECALL


def test_search_all_queries_in_one_call(built: Engine, dataset: Dataset, benchmark: Benchmark) -> None:
    benchmark.group = f"{dataset.name}: {len(dataset.query)} queries in one call, one thread, ef {EFFORT}"
    benchmark(built.search, built.prepare(dataset.query), K)


@pytest.mark.parametrize("name", NAMES)
def test_overhead_of_a_call(name: str, benchmark: Benchmark) -> None:
    benchmark.group = "overhead of a call: an index of one item"
    engine = present(name, "l2")
    only = np.ones((1, 128), dtype=np.float32)
    engine.build(only, "l2", threads=1)
    engine.set_threads(1)
    engine.set_effort(1)
    ask, query = engine.one_query(1), engine.prepare(only)[0]

    benchmark(ask, query)


def next_query(engine: Engine, queries: Any) -> Callable[[], object]:
    """Make a call that takes the next query each time, so that no query stays in the caches by itself."""
    ask, queue = engine.one_query(K), cycle(engine.prepare(queries))
    return lambda: ask(next(queue))


def recall_of(engine: Engine, dataset: Dataset) -> float:
    assert dataset.truth is not None
    return recall(engine.search(engine.prepare(dataset.query), K), dataset.truth, K).value

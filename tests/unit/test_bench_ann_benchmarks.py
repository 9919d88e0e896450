"""The entries for ann-benchmarks and big-ann-benchmarks, behind base classes that stand in for those projects' own."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "bench" / "ann_benchmarks"


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    made.__path__ = []
    vars(made).update(members)
    return made


def load(file: str, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, FOLDER / file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("ann_benchmarks", "ann_benchmarks.algorithms", "ann_benchmarks.algorithms.base"):
        monkeypatch.setitem(sys.modules, name, module(name))
    base = module("ann_benchmarks.algorithms.base.module", BaseANN=type("BaseANN", (), {}))
    monkeypatch.setitem(sys.modules, base.__name__, base)
    monkeypatch.setitem(sys.modules, "ann_benchmarks.algorithms.vicinal", module("ann_benchmarks.algorithms.vicinal"))
    return load("module.py", "ann_benchmarks.algorithms.vicinal.module")


@pytest.fixture
def tracks(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> Any:
    """The module of the tracks; of ``DATASETS["small"]`` all 200 rows carry tag 0, the even ones also tag 1."""
    rows = rng.normal(size=(200, 8)).astype(np.float32)
    # As scipy's sparse matrices hold them: the rows of each tag one after the other.
    by_tag = SimpleNamespace(indptr=np.array([0, 200, 300]), indices=np.r_[np.arange(200), np.arange(0, 200, 2)])
    tags = SimpleNamespace(tocsc=lambda: by_tag)
    small = SimpleNamespace(d=8, dtype="float32", get_dataset=lambda: rows, get_dataset_metadata=lambda: tags)
    for name in ("benchmark", "neurips23", "neurips23.filter", "neurips23.streaming"):
        monkeypatch.setitem(sys.modules, name, module(name))
    for name, members in (
        ("benchmark.datasets", {"DATASETS": {"small": lambda: small}}),
        ("neurips23.filter.base", {"BaseFilterANN": type("BaseFilterANN", (), {})}),
        ("neurips23.streaming.base", {"BaseStreamingANN": type("BaseStreamingANN", (), {})}),
    ):
        monkeypatch.setitem(sys.modules, name, module(name, **members))
    return load("big_ann.py", "big_ann")


@pytest.mark.parametrize("metric", ["angular", "euclidean"])
def test_the_entry_finds_each_row_by_itself(entry: Any, metric: str, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(300, 8)).astype(np.float32)
    algorithm = entry.Vicinal(metric, {"M": 8, "efConstruction": 100})
    algorithm.fit(rows)
    algorithm.set_query_arguments(50)

    algorithm.batch_query(rows, 3)

    assert algorithm.query(rows[7], 3)[0] == 7
    assert algorithm.get_batch_results()[:, 0].tolist() == list(range(300))
    assert str(algorithm) == "vicinal ({'M': 8, 'ef_construction': 100}, ef: 50)"


def test_the_entry_packs_bits(entry: Any, rng: np.random.Generator) -> None:
    rows = rng.random((100, 64)) < 0.5
    algorithm = entry.Vicinal("hamming", {})
    algorithm.fit(rows)

    assert algorithm.query(rows[3], 1).tolist() == [3]


def test_the_entry_refuses_what_it_has_no_metric_for(entry: Any) -> None:
    with pytest.raises(NotImplementedError, match="'earth-mover'"):
        entry.Vicinal("earth-mover", {})


def test_the_configuration_names_what_there_is(entry: Any) -> None:
    text = (FOLDER / "config.yml").read_text()

    assert all(hasattr(entry, name) for name in re.findall(r"constructor: (\w+)", text))
    assert set(re.findall(r"module: (\S+)", text)) == {"ann_benchmarks.algorithms.vicinal"}
    assert set(re.findall(r"{M: \d+, (\w+): \d+}", text)) == {"efConstruction"}


def test_the_streaming_entry_follows_a_runbook(tracks: Any, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(100, 8)).astype(np.float32)
    algorithm = tracks.VicinalStreaming("euclidean", {"M": 8})
    algorithm.setup("float32", 1000, 8)
    algorithm.insert(rows, np.arange(100, dtype=np.uint32) + 500)
    algorithm.delete(np.array([503], dtype=np.uint32))
    algorithm.set_query_arguments({"ef": 60})

    algorithm.query(rows[:5], 4)

    assert algorithm.res.shape == (5, 4)
    assert algorithm.res[[0, 1, 2, 4], 0].tolist() == [500, 501, 502, 504]
    assert 503 not in algorithm.res


def test_the_filtered_entry_keeps_to_the_rows_with_all_tags(
    tracks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    algorithm = tracks.VicinalFilter("euclidean", {"M": 8})
    assert algorithm.load_index("small") is False
    algorithm.fit("small")
    assert algorithm.load_index("small") is True
    wanted = SimpleNamespace(indptr=np.array([0, 1, 3]), indices=np.array([0, 0, 1]))
    rows = tracks.DATASETS["small"]().get_dataset()

    algorithm.filtered_query(rows[[3, 3]], wanted, 5)

    one, both = algorithm.get_results()
    assert one[0] == 3
    assert (both % 2 == 0).all()
    assert len(set(both.tolist())) == 5

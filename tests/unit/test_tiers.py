"""Indexes with codes in memory, and vectors beside them or on disk."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal.errors import MismatchError

DIM, ROWS, QUERIES = 96, 2500, 40
CODES = ("2bit", "4bit", "8bit")


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(3).standard_normal((ROWS + QUERIES, DIM)).astype(np.float16).astype(np.float32)


def filled(rows: np.ndarray, **options: Any) -> vicinal.Index:
    settings: dict[str, Any] = {"metric": "cosine", "dtype": "f16", "M": 8, "ef_construction": 60, **options}
    index = vicinal.Index(DIM, **settings)
    index.add(rows[:ROWS])
    return index


def recall(index: vicinal.Index, queries: np.ndarray, **asked: Any) -> float:
    truth = index.search(queries, 10, exact=True).ids
    found = index.search(queries, 10, **asked).ids
    return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(truth, found, strict=True)]))


@pytest.mark.parametrize("codes", CODES)
def test_codes_find_what_vectors_confirm(vectors: np.ndarray, codes: str) -> None:
    index = filled(vectors, codes=codes, vectors="disk")
    queries = vectors[ROWS:]
    found = index.search(queries, 10, ef=100, stats=True)
    exact = {int(i): d for i, d in zip(*index.search(queries[0], ROWS, exact=True), strict=True)}
    assert [exact[int(i)] for i in found.ids[0]] == found.distances[0].tolist()
    assert found.stats["reranked"].tolist() == [100] * QUERIES
    assert recall(index, queries, ef=100) >= 0.85
    assert (index.codes, index.vectors, index.traversal) == (codes, "disk", "auto")
    assert index.stats()["graph"]["walked"] == codes


def test_memory_is_told_apart_and_as_planned(vectors: np.ndarray) -> None:
    sizes = {codes: filled(vectors, codes=codes, vectors="disk").stats()["memory"] for codes in CODES}
    for codes, memory in sizes.items():
        plan = vicinal.plan(ROWS, DIM, metric="cosine", dtype="f16", M=8, codes=codes, vectors="disk")
        assert memory["mapped"] == plan.mapped == ROWS * (192 + 4)
        assert memory["codes"] == plan.bytes["codes"]
        assert memory["resident"] == pytest.approx(plan.resident, rel=0.02)
        assert (
            memory["resident"]
            == sum(v for part, v in memory.items() if part not in ("resident", "mapped")) - (memory["mapped"])
        )
    assert sizes["2bit"]["codes"] < sizes["4bit"]["codes"] < sizes["8bit"]["codes"]
    held = filled(vectors, codes="2bit").stats()["memory"]
    assert held["mapped"] == 0
    assert held["resident"] == sizes["2bit"]["resident"] + sizes["2bit"]["mapped"]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux writes it in /proc")
def test_vectors_on_disk_are_none_of_the_memory_of_a_process() -> None:
    told = subprocess.run([sys.executable, "-c", GROWTH], check=True, capture_output=True, text=True).stdout
    anon, resident, mapped = map(int, told.split())
    assert mapped > 60_000_000
    assert anon < resident + 24_000_000  # and what building takes for a while


GROWTH = """
import numpy as np
import vicinal
def anon():
    return next(1024 * int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("RssAnon"))
rows = np.random.default_rng(0).standard_normal((8000, 4096), dtype=np.float32)
index = vicinal.Index(4096, dtype="f16", codes="2bit", vectors="disk", M=4, ef_construction=8)
index.add(rows[:10])
before = anon()
index.add(rows[10:], order="given")
memory = index.stats()["memory"]
print(anon() - before, memory["resident"], memory["mapped"])
"""


def test_rows_come_and_go(vectors: np.ndarray) -> None:
    index = filled(vectors, codes="2bit", vectors="disk")
    queries = vectors[ROWS:]
    index.remove(np.arange(0, ROWS, 2))
    index.add(vectors[ROWS:])
    assert index.search(queries, 1).ids[:, 0].tolist() == list(range(ROWS, ROWS + QUERIES))
    assert recall(index, vectors[:40], ef=100) >= 0.9
    np.testing.assert_array_equal(index.get([1, ROWS]), vectors[[1, ROWS]])
    index.compact()
    assert recall(index, vectors[:40], ef=100) >= 0.9


def test_a_filter_is_kept_to(vectors: np.ndarray) -> None:
    index = filled(vectors, codes="2bit", vectors="disk")
    queries = vectors[ROWS:]
    for step in (3, 40):
        admitted = np.arange(0, ROWS, step)
        found = index.search(queries, 10, ef=100, filter=admitted).ids
        assert np.isin(found, admitted).all()
        assert recall(index, queries, ef=100, filter=np.arange(ROWS)) >= 0.9


@pytest.mark.parametrize("codes", CODES)
def test_files_keep_codes_and_mapped_ones_are_walked_on_them(vectors: np.ndarray, codes: str, tmp_path: Path) -> None:
    index = filled(vectors, codes=codes, vectors="disk")
    path = tmp_path / "index.vicinal"
    index.save(path)
    assert vicinal.Index.info(path)["codes"] == codes
    loaded, mapped = vicinal.Index.load(path), vicinal.Index.load(path, mmap=True)
    queries = vectors[ROWS:]
    expected = index.search(queries, 10, ef=60, stats=True)
    for other in (loaded, mapped, vicinal.Index.from_bytes(index.to_bytes())):
        found = other.search(queries, 10, ef=60, stats=True)
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.distances, expected.distances)
        np.testing.assert_array_equal(found.stats["bytes"], expected.stats["bytes"])
    assert mapped.stats()["memory"]["mapped"] == index.stats()["memory"]["mapped"]
    assert loaded.to_bytes() == mapped.to_bytes() == index.to_bytes()
    loaded.add(vectors[ROWS:])
    assert loaded.search(queries, 1).ids[:, 0].tolist() == list(range(ROWS, ROWS + QUERIES))


def test_threads_change_nothing(vectors: np.ndarray) -> None:
    one, two = (vicinal.Index(DIM, dtype="f16", codes="2bit", vectors="disk", M=8, ef_construction=60) for _ in "ab")
    one.add(vectors[:ROWS], threads=1)
    two.add(vectors[:ROWS], threads=2)
    assert one.to_bytes() == two.to_bytes()
    for threads in (1, 2):
        np.testing.assert_array_equal(one.search(vectors[ROWS:], threads=threads).ids, two.search(vectors[ROWS:]).ids)


def test_an_index_with_codes_can_be_kept_and_tuned(vectors: np.ndarray, tmp_path: Path) -> None:
    with vicinal.Index.open(tmp_path / "kept", DIM, dtype="f16", codes="2bit", vectors="disk") as index:
        index.add(vectors[:600])
    with vicinal.Index.open(tmp_path / "kept", DIM, dtype="f16", codes="2bit", vectors="disk") as index:
        index.tune(vectors[1000:1500], 10, recall=0.9)
        assert index.search(vectors[ROWS:], 10, recall=0.9).ids.shape == (QUERIES, 10)
    with pytest.raises(MismatchError, match="codes='2bit', expected '4bit'"):
        vicinal.Index.open(tmp_path / "kept", DIM, dtype="f16", codes="4bit", vectors="disk")
    with pytest.raises(MismatchError, match="vectors='disk', expected 'memory'"):
        vicinal.Index.open(tmp_path / "kept", DIM, dtype="f16", vectors="memory")


def test_shards_have_codes_too(vectors: np.ndarray, tmp_path: Path) -> None:
    from vicinal.shards import ShardedIndex, build_sharded

    build_sharded(vectors[:ROWS], tmp_path, shards=2, dtype="f16", codes="2bit", vectors="disk", M=8)
    sharded = ShardedIndex.open(tmp_path)
    found = sharded.search(vectors[ROWS:], 10, ef=100).ids
    truth = filled(vectors, metric="l2", traversal="exact").search(vectors[ROWS:], 10, exact=True).ids
    assert np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found, truth, strict=True)]) >= 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codes": "3bit"}, "codes is '3bit', expected one of '2bit', '4bit', '8bit'"),
        ({"codes": object()}, "expected one of"),
        ({"codes": "2bit", "traversal": "sq8"}, "name only one of them"),
        ({"vectors": "disk"}, "no codes to search by"),
        ({"codes": "2bit", "vectors": "attic"}, "vectors is 'attic'"),
        ({"codes": "2bit", "dtype": "u8"}, "codes 2bit do not serve metric l2 with dtype u8"),
        ({"codes": "2bit", "metric": "hamming"}, "codes 2bit do not serve metric hamming with dtype b1"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    for call in (lambda: vicinal.Index(64, **options), lambda: vicinal.plan(10, 64, **options)):
        with pytest.raises(ValueError, match=message):
            call()


def test_rerank_is_for_codes_and_a_number(vectors: np.ndarray) -> None:
    plain, coded = filled(vectors), filled(vectors, codes="2bit")
    with pytest.raises(ValueError, match="no codes"):
        plain.search(vectors[0], rerank=10)
    for wrong in (0, -1, "all", 2.5, True):
        with pytest.raises(ValueError, match="rerank is"):
            coded.search(vectors[0], rerank=wrong)
    reranked = coded.search(vectors[:2], 3, ef=64, rerank=30, stats=True).stats["reranked"]
    assert reranked.tolist() == [30, 30]


def test_where_there_is_no_folder_an_add_says_so(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    index = vicinal.Index(DIM, codes="2bit", vectors="disk")
    monkeypatch.setitem(os.environ, "TMPDIR", "/nowhere/at/all")
    with pytest.raises(FileNotFoundError, match="/nowhere/at/all"):
        index.add(vectors[:10])
    assert len(index) == 0

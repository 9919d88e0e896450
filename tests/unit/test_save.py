"""To a file, to bytes, through pickle, and back."""

import copy
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import vicinal

KINDS = [
    *[(metric, dtype, "auto") for metric in ("l2", "ip", "cosine") for dtype in ("f32", "f16", "bf16", "i8", "u8")],
    *[("hamming", "b1", "auto"), ("jaccard", "b1", "exact")],
    *[("l2", "f32", "u8"), ("ip", "f16", "sq8"), ("cosine", "bf16", "sq8")],
]


def filled(metric: str, dtype: str, rng: np.random.Generator, traversal: str = "auto") -> vicinal.Index:
    index = vicinal.Index(32, metric, dtype=dtype, M=6, ef_construction=50, traversal=traversal, seed=11)
    rows = rng.integers(1, 100, (500, 4 if dtype == "b1" else 32)).astype(np.uint8)
    index.add(rows, ids=rng.permutation(500) * 7)
    index.remove(index.ids[::5])
    return index


@pytest.mark.parametrize(("metric", "dtype", "traversal"), KINDS)
def test_an_index_comes_back_as_it_was(
    metric: str, dtype: str, traversal: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    index = filled(metric, dtype, rng, traversal)
    path = tmp_path / "an.index"

    index.save(path)
    loaded = vicinal.Index.load(path)

    assert repr(loaded) == repr(index)
    assert np.array_equal(loaded.ids, index.ids)
    assert np.array_equal(loaded.get(index.ids), index.get(index.ids))
    queries = index.get(index.ids[:40])
    for exact in (False, True):
        before, after = index.search(queries, 8, exact=exact), loaded.search(queries, 8, exact=exact)
        assert np.array_equal(before.ids, after.ids)
        assert np.array_equal(before.distances, after.distances)
    assert loaded.to_bytes() == index.to_bytes() == path.read_bytes()


@pytest.mark.parametrize(("metric", "dtype", "traversal"), KINDS)
def test_what_is_added_after_loading_is_what_would_have_been_added_before(
    metric: str, dtype: str, traversal: str, rng: np.random.Generator
) -> None:
    index = filled(metric, dtype, rng, traversal)
    loaded = vicinal.Index.from_bytes(index.to_bytes())
    more = index.get(index.ids[:50])

    assert loaded.add(more).tolist() == index.add(more).tolist()
    assert loaded.to_bytes() == index.to_bytes()


def test_an_empty_index_comes_back_empty(tmp_path: Path) -> None:
    vicinal.Index(3, "cosine", M=9).save(tmp_path / "empty")

    loaded = vicinal.Index.load(tmp_path / "empty")

    assert len(loaded) == 0
    assert (loaded.dim, loaded.metric, loaded.M) == (3, "cosine", 9)
    assert loaded.add(np.eye(3)).tolist() == [0, 1, 2]


def test_pickle_and_copies_are_independent_and_equal(rng: np.random.Generator) -> None:
    index = filled("l2", "f32", rng)
    before = index.to_bytes()

    twins = [copy.deepcopy(index), copy.copy(index)]
    twins += [pickle.loads(pickle.dumps(index, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)]

    for twin in twins:
        assert type(twin) is vicinal.Index
        assert twin.to_bytes() == before
        twin.remove(twin.ids[:1])
    assert index.to_bytes() == before


class Labeled(vicinal.Index):
    label = "none"


def test_a_subclass_comes_back_as_itself(tmp_path: Path) -> None:
    index = Labeled(2)
    index.label = "mine"
    index.add(np.eye(2))
    index.save(tmp_path / "labeled")

    assert type(Labeled.load(tmp_path / "labeled")) is Labeled
    twin = copy.deepcopy(index)
    assert type(twin) is Labeled
    assert twin.label == "mine"
    assert len(twin) == 2


def test_bytes_come_from_anything_that_holds_bytes(rng: np.random.Generator) -> None:
    index = filled("l2", "u8", rng)
    data = index.to_bytes()

    for held in (bytearray(data), memoryview(data), np.frombuffer(data, dtype=np.uint8)):
        assert vicinal.Index.from_bytes(held).to_bytes() == data  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        vicinal.Index.from_bytes(data.hex())  # type: ignore[arg-type]
    with pytest.raises((vicinal.NotAnIndexError, vicinal.CorruptIndexError)):
        vicinal.Index.from_bytes(b"")


def test_info_says_what_a_file_holds(tmp_path: Path, rng: np.random.Generator) -> None:
    index = filled("cosine", "f16", rng)
    path = tmp_path / "an.index"
    index.save(path)

    info = vicinal.Index.info(path)

    assert (info["dim"], info["metric"], info["dtype"], info["M"]) == (32, "cosine", "f16", 6)
    assert (info["ef_construction"], info["lift"], info["seed"]) == (50, "auto", 11)
    assert (info["size"], info["removed"]) == (400, 100)
    assert info["file_bytes"] == path.stat().st_size
    assert info["format"].split(".")[0].isdigit()


def test_a_path_is_a_string_or_path_like_and_may_hold_any_character(tmp_path: Path) -> None:
    index = vicinal.Index(2)
    index.add(np.eye(2))

    for name in ("plain", "mit Leerzeichen", "索引", "bad-\udcff-byte"):
        path = tmp_path / name
        index.save(str(path))
        assert len(vicinal.Index.load(path)) == 2
        assert vicinal.Index.info(os.fspath(path))["size"] == 2
    with pytest.raises(TypeError):
        index.save(5)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError) as refusal:
        vicinal.Index.load(tmp_path / "索引-not-there")
    assert refusal.value.filename == str(tmp_path / "索引-not-there")
    assert refusal.value.errno == 2


def test_saving_over_a_file_replaces_it_and_leaves_nothing_beside(tmp_path: Path) -> None:
    index = vicinal.Index(2)
    path = tmp_path / "an.index"

    for n in range(1, 6):
        index.add(np.ones((1, 2)))
        index.save(path)
        assert len(vicinal.Index.load(path)) == n

    assert os.listdir(tmp_path) == ["an.index"]  # noqa: PTH208


def test_a_file_grown_past_the_choice_of_codes_is_the_same_with_a_stop_in_between(rng: np.random.Generator) -> None:
    rows = rng.standard_normal((3000, 40)).astype(np.float32)
    straight, stopped = vicinal.Index(40), vicinal.Index(40)
    straight.add(rows[:900])
    straight.add(rows[900:])
    stopped.add(rows[:900])
    stopped = vicinal.Index.from_bytes(stopped.to_bytes())
    stopped.add(rows[900:])

    assert straight.stats()["graph"]["walked"] == "sq8"
    assert vicinal.Index.from_bytes(stopped.to_bytes()).stats()["graph"]["walked"] == "sq8"
    assert straight.to_bytes() == stopped.to_bytes()


def test_a_file_is_the_same_wherever_and_whenever_it_is_written(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = rng.random((300, 5), dtype=np.float32)
    files = []
    for name in ("one", "two"):
        index = vicinal.Index(5, seed=2)
        index.add(rows)
        index.save(tmp_path / name)
        files.append((tmp_path / name).read_bytes())

    assert files[0] == files[1]

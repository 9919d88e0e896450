"""An index that is used where it lies in its file."""

import copy
import io
import pickle
from pathlib import Path

import numpy as np
import pytest

import vicinal


@pytest.fixture
def index(rng: np.random.Generator) -> vicinal.Index:
    index = vicinal.Index(16, "cosine", M=6, ef_construction=40, traversal="exact")
    index.add(rng.standard_normal((1500, 16), dtype=np.float32), ids=rng.permutation(1500) * 3)
    index.remove(index.ids[::7])
    return index


@pytest.fixture
def mapped(index: vicinal.Index, tmp_path: Path) -> vicinal.Index:
    index.save(tmp_path / "an.index")
    return vicinal.Index.load(tmp_path / "an.index", mmap=True)


def test_a_mapped_index_answers_every_question_as_the_loaded_one(index: vicinal.Index, mapped: vicinal.Index) -> None:
    queries = index.get(index.ids[:20])
    mask = np.arange(len(index)) % 3 == 0

    assert np.array_equal(mapped.ids, index.ids)
    assert np.array_equal(mapped.get(index.ids), index.get(index.ids))
    assert mapped.digest() == index.digest()
    for options in ({}, {"exact": True}, {"filter": mask}, {"filter": index.ids[:9]}):
        expected, found = index.search(queries, 5, **options), mapped.search(queries, 5, **options)
        assert np.array_equal(found.ids, expected.ids)
        assert np.array_equal(found.distances, expected.distances)
    for mine, theirs in zip(mapped.range_search(queries, 0.5), index.range_search(queries, 0.5), strict=True):
        assert np.array_equal(mine, theirs)
    assert str(mapped.check()) == str(index.check())


def test_a_mapped_index_says_what_it_is(index: vicinal.Index, mapped: vicinal.Index) -> None:
    memory = mapped.stats()["memory"]

    assert (mapped.stats()["mapped"], index.stats()["mapped"]) == (True, False)
    assert memory["resident"] == sum(memory[part] for part in memory if part not in ("vectors", "resident", "mapped"))


def test_a_mapped_index_refuses_changes_as_a_file_opened_for_reading_does(mapped: vicinal.Index) -> None:
    for change in (lambda: mapped.add(np.eye(16)), lambda: mapped.remove([3]), mapped.repair):
        with pytest.raises(vicinal.ReadOnlyError, match="read only"):
            change()
    assert issubclass(vicinal.ReadOnlyError, io.UnsupportedOperation)


def test_copies_of_a_mapped_index_are_in_memory_and_can_be_changed(mapped: vicinal.Index) -> None:
    for twin in (copy.deepcopy(mapped), pickle.loads(pickle.dumps(mapped))):
        assert twin.to_bytes() == mapped.to_bytes()
        twin.remove(twin.ids[:1])
        assert len(twin) == len(mapped) - 1


def test_the_file_of_a_mapped_index_may_be_replaced(mapped: vicinal.Index, tmp_path: Path) -> None:
    before = mapped.ids

    vicinal.Index(3).save(tmp_path / "an.index")

    assert np.array_equal(mapped.ids, before)
    assert len(mapped.get(before)) == len(before)


def test_damage_is_found_by_the_call_that_comes_to_it(index: vicinal.Index, tmp_path: Path) -> None:
    path = tmp_path / "an.index"
    index.save(path)
    content = bytearray(path.read_bytes())
    place = content.index(index.get(index.ids[40:41]).tobytes())
    content[place] ^= 1
    path.write_bytes(content)

    mapped = vicinal.Index.load(path, mmap=True)

    assert len(mapped) == len(index)
    with pytest.raises(vicinal.CorruptIndexError, match="checksum"):
        mapped.search(index.get(index.ids[:1]), 3)
    with pytest.raises(vicinal.CorruptIndexError, match="checksum"):
        vicinal.Index.load(path)


def test_mmap_is_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="mmap"):
        vicinal.Index.load(tmp_path / "none", mmap=1)  # type: ignore[arg-type]

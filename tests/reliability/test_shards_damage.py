"""Shards that are missing, damaged or strange, and manifests of any bytes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vicinal
from vicinal.shards import ShardedIndex, build_sharded
from vicinal.shards.manifest import _checksum

REFUSALS = (
    *(vicinal.CorruptIndexError, vicinal.NotAnIndexError, vicinal.FormatTooNewError, vicinal.MismatchError),
    FileNotFoundError,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards") / "whole"
    rows = np.random.default_rng(0).standard_normal((600, 8), dtype=np.float32)
    with build_sharded(rows, folder, shards=3) as index:
        index.tune(np.random.default_rng(1).standard_normal((200, 8), dtype=np.float32), 10, recall=0.9)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def remove(path: Path, _: Path) -> None:
    path.unlink()


def cut(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def foreign(path: Path, _: Path) -> None:
    path.write_bytes(b"x" * path.stat().st_size)


def another_dim(path: Path, _: Path) -> None:
    index = vicinal.Index(5)
    index.add(np.eye(5))
    index.save(path)


def another_shard(path: Path, other: Path) -> None:
    shutil.copyfile(other, path)


@pytest.mark.parametrize("damage", [remove, cut, foreign, another_dim, another_shard])
def test_a_shard_that_is_not_what_it_should_be_is_named_or_done_without(folder: Path, damage: object) -> None:
    queries = np.random.default_rng(2).standard_normal((5, 8), dtype=np.float32)
    damage(folder / "shard-00001-0.vicinal", folder / "shard-00000-0.vicinal")  # type: ignore[operator]

    with pytest.raises(REFUSALS, match="shard 1 of 3"):
        ShardedIndex.open(folder)
    with ShardedIndex.open(folder, partial=True) as part:
        found = part.search(queries, 10)

        assert found.coverage.missing.keys() == {1}
        assert found.coverage.vectors == len(part) == len(part.ids) < 600
        assert "shard 1 of 3" in str(found.coverage)
        assert np.isin(found.ids, part.ids).all()
        lost = next(number for number in range(600) if number not in part)
        with pytest.raises(vicinal.UnknownIdError, match="does not answer"):
            part.get(lost)
        with pytest.raises(vicinal.ReadOnlyError, match="2 of 3 shards"):
            part.add(queries)
        health = part.check()
        assert not health.ok
        assert health.faults.keys() == {1}


def flip_a_vector(path: Path) -> None:
    index, content = vicinal.Index.load(path), bytearray(path.read_bytes())
    content[content.index(index.get(index.ids[5]).tobytes()) + 2] ^= 16
    path.write_bytes(content)


def test_damage_that_a_search_comes_upon_is_named_or_done_without(folder: Path) -> None:
    queries = np.random.default_rng(2).standard_normal((5, 8), dtype=np.float32)
    flip_a_vector(folder / "shard-00002-0.vicinal")

    with ShardedIndex.open(folder) as strict:
        with pytest.raises(vicinal.CorruptIndexError, match="shard 2 of 3"):
            strict.search(queries, exact=True)
        assert strict.check().faults.keys() == {2}
    with ShardedIndex.open(folder, partial=True) as part:
        assert part.coverage.complete

        found = part.search(queries, exact=True)

        assert found.coverage.missing.keys() == {2}
        assert part.search(queries).coverage.missing.keys() == {2}


def test_a_manifest_of_changed_bytes_is_refused_or_means_the_same(folder: Path) -> None:
    rng = np.random.default_rng(int.from_bytes(b"page", "big"))
    path = folder / "manifest.json"
    whole, meant, refused = path.read_bytes(), json.loads(path.read_bytes()), 0

    for _ in range(400):
        content = bytearray(whole)
        kind, place = rng.integers(4), int(rng.integers(len(whole)))
        if kind == 0:
            content[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del content[place:]
        elif kind == 2:
            del content[place : place + int(rng.integers(1, 40))]
        else:
            content[place:place] = rng.bytes(5)
        path.write_bytes(content)
        try:
            ShardedIndex.open(folder).close()
        except REFUSALS:
            refused += 1
        else:
            assert json.loads(path.read_bytes()) == meant

    assert refused > 350


STRANGE = [None, True, -1, 0, 1, 2**70, 1.5, float("nan"), "", "../../x", [], {}, [1], {"a": 1}, "0" * 64]


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [path, *(deeper for key, part in inner for deeper in places(part, (*path, key)))]


def test_a_manifest_of_crafted_values_opens_as_something_that_searches_or_is_refused(folder: Path) -> None:
    path = folder / "manifest.json"
    page = json.loads(path.read_bytes())
    del page["checksum"]
    query, outcomes = np.zeros(8, dtype=np.float32), {"refused": 0, "opened": 0}

    for place in places(page)[1:]:
        for strange in STRANGE:
            crafted = json.loads(json.dumps(page))
            target = crafted
            for key in place[:-1]:
                target = target[key]
            target[place[-1]] = strange
            crafted["checksum"] = _checksum(crafted)
            path.write_text(json.dumps(crafted))
            try:
                with ShardedIndex.open(folder) as index:
                    index.search(query, 10)
                    outcomes["opened"] += 1
            except REFUSALS:
                outcomes["refused"] += 1

    assert outcomes["refused"] > 500
    assert outcomes["opened"] > 0


def test_a_manifest_of_a_later_version_says_so(folder: Path) -> None:
    page = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**page, "version": 2}))

    with pytest.raises(vicinal.FormatTooNewError, match="version 2"):
        ShardedIndex.open(folder)


def test_a_folder_without_a_manifest_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="manifest is missing"):
        ShardedIndex.open(tmp_path)

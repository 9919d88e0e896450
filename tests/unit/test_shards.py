"""An index in many files answers as one in a single file does."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import vicinal
from vicinal.shards import Processes, ShardedIndex, Threads, build_sharded
from vicinal.shards.routing import shard_of

DIM = 16


def rows(rng: np.random.Generator, n: int, dim: int = DIM) -> np.ndarray:
    return rng.standard_normal((n, dim), dtype=np.float32)


def disk_full(_: int) -> None:
    raise OSError(28, "disk full")


def single(vectors: np.ndarray, metric: str = "l2", ids: np.ndarray | None = None) -> vicinal.Index:
    index = vicinal.Index(vectors.shape[1] * (8 if metric == "hamming" else 1), metric)
    index.add(vectors, ids)
    return index


@pytest.mark.parametrize("shards", [1, 3, 8])
@pytest.mark.parametrize("metric", ["l2", "ip", "cosine", "hamming"])
def test_exact_answers_are_those_of_a_single_index(
    tmp_path: Path, rng: np.random.Generator, metric: str, shards: int
) -> None:
    # Bits of few bytes: many distances are equal, and the order of ids decides.
    vectors = rng.integers(0, 256, (500, 2), dtype=np.uint8) if metric == "hamming" else rows(rng, 500)
    ids = rng.permutation(5000)[:500]
    one, queries = single(vectors, metric, ids), vectors[:40]

    with build_sharded(vectors, tmp_path / "many", shards=shards, metric=metric, ids=ids) as many:
        found, truth = many.search(queries, 20, exact=True), one.search(queries, 20, exact=True)
        radius = float(np.median(truth.distances))
        within, expected = many.range_search(queries, radius, exact=True), one.range_search(queries, radius, exact=True)

        assert np.array_equal(found.ids, truth.ids)
        assert np.array_equal(found.distances, truth.distances)
        assert all(np.array_equal(mine, theirs) for mine, theirs in zip(within, expected, strict=True))
        assert np.array_equal(many.ids, one.ids)
        assert np.array_equal(many.get(ids), one.get(ids))


def test_the_face_is_that_of_an_index(tmp_path: Path, rng: np.random.Generator) -> None:
    vectors = rows(rng, 300)
    many = build_sharded(vectors, tmp_path / "many", shards=3, M=8)
    found = many.search(vectors[5], 4, stats=True)

    assert (many.dim, many.metric, many.dtype, len(many)) == (DIM, "l2", "f32", 300)
    assert 5 in many
    assert 300 not in many
    assert -1 not in many
    assert found.ids.shape == (4,)
    assert found.ids[0] == 5
    assert found.stats["distances"].shape == (1,)
    assert found.stats["strategy"] == ["exact"]
    assert found.coverage.complete
    assert pickle.loads(pickle.dumps(found)).coverage == found.coverage
    assert many.get(7).tolist() == vectors[7].tolist()
    assert sum(shard["vectors"] for shard in many.stats()["shards"]) == 300
    assert many.check().ok
    with pytest.raises(vicinal.UnknownIdError, match="id 300 is not"):
        many.get([3, 300])
    with pytest.raises(vicinal.DimensionError):
        many.search(rows(rng, 1, 5))
    with pytest.raises(vicinal.InvalidVectorError, match=r"^queries row 0"):
        many.search(np.full((1, DIM), np.nan))
    many.close()
    with pytest.raises(ValueError, match="closed"):
        many.search(vectors[5])


def test_short_rows_are_padded_and_strict_refuses_them(tmp_path: Path, rng: np.random.Generator) -> None:
    with build_sharded(rows(rng, 7), tmp_path / "many", shards=3) as many:
        found = many.search(rows(rng, 2), 9)

        assert (found.ids[:, 7:] == -1).all()
        assert np.isinf(found.distances[:, 7:]).all()
        assert found.counts.tolist() == [7, 7]
        with pytest.raises(vicinal.RecallError, match="7 neighbors, expected k=9"):
            many.search(rows(rng, 2), 9, strict=True)
        assert (many.search(rows(rng, 1), 3, radius=0.0).ids == -1).all()


def test_every_form_of_filter_keeps_to_what_it_admits(tmp_path: Path, rng: np.random.Generator) -> None:
    vectors = rows(rng, 400)
    one, queries = single(vectors), rows(rng, 6)
    odd = one.ids % 2 == 1
    forms = [odd, one.ids[odd], vicinal.IdSet(one.ids[odd]), lambda ids: ids % 2 == 1, [odd] * 6, range(1, 400, 2)]
    forms.append(vicinal.Attributes(one.ids % 2, one.ids).within(1.0, 0.5))

    with build_sharded(vectors, tmp_path / "many", shards=3) as many:
        for form in forms:
            found = many.search(queries, 9, filter=form, exact=True)

            assert np.array_equal(found.ids, one.search(queries, 9, filter=odd, exact=True).ids)
        with pytest.raises(ValueError, match="mask of 7, expected 400"):
            many.search(queries, filter=np.ones(7, dtype=bool))


def test_recall_at_equal_effort_is_not_below_that_of_a_single_index(tmp_path: Path, rng: np.random.Generator) -> None:
    vectors, queries = rows(rng, 6000, 24), rows(rng, 300, 24)
    one = single(vectors)
    truth = one.search(queries, 10, exact=True).ids

    def recall(index: vicinal.Index | ShardedIndex) -> float:
        ids = index.search(queries, 10, ef=24).ids
        return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(ids, truth, strict=True)]))

    with build_sharded(vectors, tmp_path / "many", shards=3) as many:
        assert recall(many) >= recall(one) - 0.005


def test_tune_finds_an_effort_per_shard_that_reaches_the_recall(tmp_path: Path, rng: np.random.Generator) -> None:
    vectors, asked, later = rows(rng, 6000, 24), rows(rng, 500, 24), rows(rng, 500, 24)
    with build_sharded(vectors, tmp_path / "many", shards=3) as many:
        with pytest.raises(vicinal.NotTunedError, match="call tune"):
            many.search(later, recall=0.9)
        with pytest.raises(ValueError, match="stored in the index"):
            many.tune(vectors[:200])

        many.tune(asked, 10, recall=0.9)

    with ShardedIndex.open(tmp_path / "many") as many:
        efforts = {effort["recall"]: effort for effort in many.stats()["tuned"]["efforts"]}
        truth = many.search(later, 10, exact=True).ids
        found = many.search(later, 10, recall=0.9, stats=True)
        wide = many.search(later, 10, stats=True)
        share = np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found.ids, truth, strict=True)])

        assert share >= 0.89
        assert len(efforts[0.9]["ef"]) == 3
        assert all(effort["reached"] and effort["low"] >= target for target, effort in efforts.items())
        assert max(efforts[0.99]["ef"]) > 10  # the beam had to be looked for
        assert found.stats["distances"].sum() < wide.stats["distances"].sum()
        assert many.search(later, 5, recall=0.9).ids.shape == (500, 5)
        with pytest.raises(vicinal.NotTunedError):
            many.search(later, 11, recall=0.9)
        with pytest.raises(ValueError, match="both given"):
            many.search(later, 10, recall=0.9, ef=5)
        many.upsert(np.arange(10_000, 12_000), rows(rng, 2000, 24))
        with pytest.warns(vicinal.DataWarning, match="was tuned with 6000"):
            many.search(later[:1], 10, recall=0.9)


def test_changes_go_to_the_shard_of_their_id(tmp_path: Path, rng: np.random.Generator) -> None:
    vectors, more = rows(rng, 300), rows(rng, 60)
    one = single(vectors)
    many = build_sharded(vectors, tmp_path / "many", shards=4)

    for index in (one, many):
        index.add(more[:20])
        index.upsert(np.arange(310, 330), more[20:40])
        index.update([1, 2], more[40:42])
        index.remove(np.arange(50, 70))
        index.add(more[42:45], ids=[9000, 9001, 9002])
        index.remove(9001)

    for index in (many, ShardedIndex.open(tmp_path / "many")):
        assert np.array_equal(index.ids, one.ids)
        assert np.array_equal(index.get(one.ids), one.get(one.ids))
        assert np.array_equal(index.search(more, 12, exact=True).ids, one.search(more, 12, exact=True).ids)
        assert index.add(np.empty((0, DIM))).shape == (0,)
        assert index.check().ok
    assert many.add(more[:1]).tolist() == one.add(more[:1]).tolist() == [9003]
    files = sorted(path.name for path in (tmp_path / "many").glob("shard-*"))
    assert files == sorted(shard["file"] for shard in many.stats()["shards"])


def test_a_change_that_fails_changes_nothing(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = build_sharded(rows(rng, 100), tmp_path / "many", shards=3)
    before = {path.name: path.read_bytes() for path in (tmp_path / "many").iterdir()}
    bad = rows(rng, 20)
    bad[19, 3] = np.nan

    with pytest.raises(vicinal.InvalidVectorError):
        many.add(bad)
    with pytest.raises(vicinal.DuplicateIdError, match="7 is in"):
        many.add(rows(rng, 2), ids=[500, 7])
    with pytest.raises(vicinal.DuplicateIdError, match="500 more than once"):
        many.upsert([500, 500], rows(rng, 2))
    with pytest.raises(vicinal.UnknownIdError, match="id 400"):
        many.remove([3, 400])
    with monkeypatch.context() as full:
        full.setattr("vicinal.files.os.fsync", disk_full)
        with pytest.raises(OSError, match="disk full"):
            many.add(rows(rng, 20))

    assert {path.name: path.read_bytes() for path in (tmp_path / "many").iterdir()} == before
    assert len(many) == 100
    assert many.check().ok


def test_an_error_after_the_manifest_was_replaced_loses_nothing(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = build_sharded(rows(rng, 100), tmp_path / "many", shards=3)
    calls: list[int] = []

    def fails_for_the_folder(number: int) -> None:
        calls.append(number)
        if len(calls) == 2:  # the first is the manifest's own
            raise OSError(5, "broken disk")

    with monkeypatch.context() as broken:
        broken.setattr("vicinal.files.os.fsync", fails_for_the_folder)
        with pytest.raises(OSError, match="broken disk"):
            many.add(rows(rng, 20))

    assert len(many) == 100
    assert many.search(rows(rng, 2), 5).ids.shape == (2, 5)
    again = ShardedIndex.open(tmp_path / "many")
    assert len(again) == 120
    assert again.check().ok
    (tmp_path / "many" / "shard-00000-7.vicinal").write_bytes(b"left by a kill")
    again.remove(again.ids)
    assert len(list((tmp_path / "many").glob("shard-*"))) == 3


def test_a_folder_that_somebody_else_changed_is_not_changed_again(tmp_path: Path, rng: np.random.Generator) -> None:
    first = build_sharded(rows(rng, 100), tmp_path / "many", shards=2)
    second = ShardedIndex.open(tmp_path / "many")
    second.add(rows(rng, 20))

    with pytest.raises(vicinal.MismatchError, match="open it again"):
        first.add(rows(rng, 1))

    assert len(first) == 100
    assert first.search(rows(rng, 3), 5).ids.shape == (3, 5)


def test_processes_answer_as_threads_do(tmp_path: Path, rng: np.random.Generator) -> None:
    vectors, queries = rows(rng, 1500), rows(rng, 20)
    crew = Processes(2)
    build_sharded(vectors, tmp_path / "threads", shards=3, executor=Threads(3)).close()
    build_sharded(vectors, tmp_path / "processes", shards=3, executor=crew).close()

    with (
        ShardedIndex.open(tmp_path / "processes", executor=crew) as many,
        ShardedIndex.open(tmp_path / "threads") as one,
    ):
        for path in sorted((tmp_path / "threads").glob("*.*")):
            assert (tmp_path / "processes" / path.name).read_bytes() == path.read_bytes()
        odd = [vicinal.IdSet(range(1, 1500, 2))] * 20
        assert np.array_equal(many.search(queries, 9, filter=odd).ids, one.search(queries, 9, filter=odd).ids)
        assert many.range_search(queries, 9.0)[1].tolist() == one.range_search(queries, 9.0)[1].tolist()
        with pytest.raises(vicinal.InvalidVectorError):
            many.search(np.full((1, DIM), np.inf))
        for worker in crew._pool._processes.values():
            worker.kill()
        assert np.array_equal(many.search(queries, 9).ids, one.search(queries, 9).ids)
        many.add(rows(rng, 5))
        assert 1504 in many.search(many.get([1504]), 1).ids


def test_ids_are_spread_evenly_and_for_ever_alike() -> None:
    counts = np.bincount(shard_of(np.arange(80_000), 8), minlength=8)

    assert abs(counts - 10_000).max() < 400
    assert shard_of(np.array([0, 1, 2, 12345, 2**63 - 1]), 7).tolist() == [2, 2, 4, 5, 2]

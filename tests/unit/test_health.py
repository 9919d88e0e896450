"""What check() tells of an index, and what repair() mends."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal.cli import main

Vectors = NDArray[np.float32]
Captured = pytest.CaptureFixture[str]


def index_of(vectors: Vectors, metric: str = "l2", **settings: int) -> vicinal.Index:
    index = vicinal.Index(vectors.shape[1], metric, **settings)
    index.add(vectors)
    return index


def lognormal(rng: np.random.Generator, n: int, dim: int, sigma: float) -> Vectors:
    directions = rng.standard_normal((n, dim)) + 0.5
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return (directions * rng.lognormal(0, sigma, (n, 1))).astype(np.float32)


def poor_index(rng: np.random.Generator) -> vicinal.Index:
    return index_of(rng.standard_normal((4000, 64)).astype(np.float32), M=2, ef_construction=1)


def test_an_index_of_random_vectors_is_well(rng: np.random.Generator) -> None:
    health = index_of(rng.standard_normal((2000, 16)).astype(np.float32)).check()

    assert health.ok
    assert (health.unreachable, health.zero_in_degree, health.duplicates, health.zero_norm) == (0, 0, 0, 0)
    assert health.own_top1 == 1.0
    assert health.recall > 0.95
    assert sum(health.degrees) == sum(health.levels) == 2000
    assert len(health.degrees) <= 2 * 16 + 1
    assert 0 < health.norms["min"] <= health.norms["p5"] < health.norms["median"] < health.norms["p95"]
    assert health.norms["p95"] <= health.norms["max"] < 10


def test_health_is_frozen_and_reads_as_a_report(rng: np.random.Generator) -> None:
    health = index_of(rng.standard_normal((300, 8)).astype(np.float32)).check()

    with pytest.raises(FrozenInstanceError):
        health.unreachable = 3  # type: ignore[misc]
    assert str(health).startswith("well: 300 nodes")
    assert "all vectors can be reached" in str(health)


def test_a_report_says_what_is_wrong_and_what_helps(rng: np.random.Generator) -> None:
    health = poor_index(rng).check()

    assert not health.ok
    assert str(health).startswith("NOT WELL")
    assert "raise M" in str(health)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_the_smallest_indexes_are_well(rows: int) -> None:
    index = vicinal.Index(3)
    index.add(np.zeros((rows, 3), dtype=np.float32))

    health = index.check()

    assert health.ok
    assert health.zero_norm == rows
    assert health.duplicates == (1 if rows == 2 else 0)
    assert sum(health.levels) == min(rows, 1)


def test_duplicates_are_counted_by_groups_of_live_vectors(rng: np.random.Generator) -> None:
    once = rng.standard_normal((100, 8)).astype(np.float32)
    index = index_of(np.concatenate([once, once[:10], once[:5]]))
    assert index.check().duplicates == 10

    index.remove(np.arange(100, 105))
    assert index.check().duplicates == 10
    index.remove(np.arange(105, 115))

    assert index.check().duplicates == 0
    assert index.check().ok


def test_packed_bits_have_no_lengths_and_empty_sets_are_counted(rng: np.random.Generator) -> None:
    bits = rng.integers(1, 256, (500, 8), dtype=np.uint8)
    bits[:3] = 0
    index = vicinal.Index(64, "jaccard")
    index.add(bits)

    health = index.check()

    assert health.zero_norm == 3
    assert set(health.norms.values()) == {0.0}
    assert health.recall > 0.8


def test_uneven_lengths_under_inner_product_keep_recall_and_reach(rng: np.random.Generator) -> None:
    vectors, queries = lognormal(rng, 6000, 32, 1.0), lognormal(rng, 200, 32, 0.1)
    index = index_of(vectors, "ip")

    health = index.check()
    truth = index.search(queries, 10, exact=True).ids
    found = index.search(queries, 10, ef=100).ids

    hits = [len(set(one) & set(other)) for one, other in zip(truth.tolist(), found.tolist(), strict=True)]
    assert sum(hits) / truth.size >= 0.95
    assert health.unreachable == 0
    assert health.own_top1 < 0.5  # long vectors are nearer to the others than these are to themselves
    assert health.norms["p95"] > 10 * health.norms["p5"]


def test_what_is_added_bit_by_bit_is_well_after_a_repair(rng: np.random.Generator) -> None:
    vectors = lognormal(rng, 1500, 16, 1.0)
    index = index_of(vectors[:1000], "ip", M=4, ef_construction=20)
    for row in vectors[1000:]:
        index.add(row[None])

    index.repair()

    assert index.check().unreachable == 0
    assert index.repair() == 0


def test_check_leaves_the_index_as_it_is(rng: np.random.Generator) -> None:
    index = index_of(rng.standard_normal((500, 8)).astype(np.float32))
    before = index.to_bytes()

    index.check()

    assert index.to_bytes() == before


def test_the_command_prints_a_report_and_says_by_its_status_whether_all_is_well(
    rng: np.random.Generator, tmp_path: Path, capsys: Captured
) -> None:
    good, poor = tmp_path / "good.vic", tmp_path / "poor.vic"
    index_of(rng.standard_normal((300, 8)).astype(np.float32)).save(good)
    poor_index(rng).save(poor)

    assert main(["check", str(good)]) == 0
    assert capsys.readouterr().out.startswith("well: 300 nodes")
    assert main(["check", str(good), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is True
    assert printed["unreachable"] == 0
    assert main(["check", str(poor), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_command_fails_on_a_damaged_file(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "damaged.vic"
    index_of(np.eye(3, dtype=np.float32)).save(path)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)

    assert main(["check", str(path)]) == 1

    assert "damaged" in capsys.readouterr().err

"""What ``order="auto"`` makes of a batch."""

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal import order

DIM = 16


def mixed(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal((n, DIM)).astype(np.float32)


def cluster_by_cluster(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    centers = 4 * mixed(40, rng)
    return mixed(n, rng) + centers[np.arange(n) * 40 // n]


def test_a_small_batch_keeps_its_order(rng: np.random.Generator) -> None:
    index = vicinal.Index(DIM, M=4, ef_construction=10)

    index.add(cluster_by_cluster(4095, rng))

    told = index.stats()["order"]
    assert (told["asked"], told["chosen"], told["beside_nearer"]) == ("auto", "given", None)
    assert "too few" in told["why"]


def test_a_mixed_batch_keeps_its_order(rng: np.random.Generator) -> None:
    rows = mixed(5000, rng)
    index, given = (vicinal.Index(DIM, M=4, ef_construction=10) for _ in range(2))

    index.add(rows)
    given.add(rows, order="given")

    told = index.stats()["order"]
    assert told["chosen"] == "given"
    assert 0.4 < told["beside_nearer"] < 0.6
    assert index.to_bytes() == given.to_bytes()


def test_a_batch_that_comes_cluster_by_cluster_is_shuffled(rng: np.random.Generator) -> None:
    rows = cluster_by_cluster(5000, rng)
    index, shuffled = (vicinal.Index(DIM, M=4, ef_construction=10) for _ in range(2))

    ids = index.add(rows)
    shuffled.add(rows, order=order.permutation(rows, "auto"))

    told = index.stats()["order"]
    assert told["chosen"] == "random"
    assert told["beside_nearer"] > 0.9
    assert "sorted or clustered" in told["why"]
    assert ids.tolist() == list(range(5000))
    assert np.array_equal(index.get(ids), rows)
    assert index.to_bytes() == shuffled.to_bytes()
    assert order.judge(np.random.default_rng(1).permutation(rows)).chosen == "given"


@pytest.mark.parametrize(("metric", "dtype"), [("l2", "f32"), ("ip", "f16"), ("cosine", "i8"), ("hamming", "b1")])
def test_a_sorted_batch_of_any_type_is_shuffled_alike_for_any_number_of_threads(
    metric: str, dtype: str, rng: np.random.Generator
) -> None:
    rows = cluster_by_cluster(4500, rng)
    if dtype == "i8":
        rows = np.clip(np.rint(10 * rows), -127, 127).astype(np.int8)
    if dtype == "b1":
        rows = np.packbits(rows > 0, axis=1)

    def built(threads: int) -> bytes:
        index = vicinal.Index(DIM, metric, dtype=dtype, M=4, ef_construction=10)
        index.add(rows, threads=threads)
        assert index.stats()["order"]["chosen"] == "random"
        return index.to_bytes()

    assert built(1) == built(2) == built(3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_wrong_vector_is_named_by_its_row_and_nothing_changes(wrong: float, rng: np.random.Generator) -> None:
    rows = cluster_by_cluster(5000, rng)
    rows[4321:, 3] = wrong
    index = vicinal.Index(DIM)

    with pytest.raises(vicinal.InvalidVectorError, match="row 4321"):
        index.add(rows)

    assert len(index) == 0
    assert index.stats()["order"] is None


def test_copies_of_one_vector_are_no_reason_for_anything() -> None:
    assert order.judge(np.ones((5000, DIM), dtype=np.float32)).chosen == "given"


def test_a_judgment_follows_its_seed_and_nothing_else(rng: np.random.Generator) -> None:
    rows = cluster_by_cluster(5000, rng)

    first, again, other = (order.judge(rows, seed=seed) for seed in (1, 1, 2))

    assert first.sequence is not None
    assert again.sequence is not None
    assert other.sequence is not None
    assert np.array_equal(first.sequence, again.sequence)
    assert not np.array_equal(first.sequence, other.sequence)

"""Adding: ids, orders, threads."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal import order

DIM = 8


@pytest.fixture
def vectors(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.random((600, DIM), dtype=np.float32)


def test_ids_are_consecutive_and_returned_in_the_rows_order(vectors: NDArray[np.float32]) -> None:
    index = vicinal.Index(DIM)

    first, second = index.add(vectors[:100]), index.add(vectors[100:150])

    assert first.dtype == np.int64
    assert first.tolist() == list(range(100))
    assert second.tolist() == list(range(100, 150))


def test_ids_go_on_from_the_largest_ever_used_and_are_never_used_again(vectors: NDArray[np.float32]) -> None:
    index = vicinal.Index(DIM)
    index.add(vectors[:2], ids=[7, 3])
    assert index.add(vectors[2:3]).tolist() == [8]

    index.remove([8])

    assert index.add(vectors[3:4]).tolist() == [9]
    assert vicinal.Index.from_bytes(index.to_bytes()).add(vectors[4:5]).tolist() == [10]


def test_given_ids_are_returned_and_listed_ascending(vectors: NDArray[np.float32]) -> None:
    index = vicinal.Index(DIM)

    given = index.add(vectors[:4], keys=[40, 10, 30, 20])  # type: ignore[call-arg]

    assert given.tolist() == [40, 10, 30, 20]
    assert index.ids.tolist() == [10, 20, 30, 40]
    assert index.ids.dtype == np.int64
    assert index.get([30]).tolist() == vectors[2:3].tolist()


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda ids: np.array(ids, dtype=np.uint32), range])
def test_ids_come_as_any_integers(vectors: NDArray[np.float32], kind: Any) -> None:
    index = vicinal.Index(DIM)
    given = range(5, 9) if kind is range else kind([5, 6, 7, 8])

    index.add(vectors[:4], ids=given)

    assert index.ids.tolist() == [5, 6, 7, 8]


ORDERS: dict[str, Any] = {
    "given": "given",
    "random": "random",
    "permutation": np.random.default_rng(5).permutation(600),
    "list": list(range(599, -1, -1)),
    "callable": lambda vectors, _: np.argsort(vectors[:, 0]),
    "random callable": lambda vectors, rng: rng.permutation(len(vectors)),
}


@pytest.mark.parametrize("how", ORDERS)
def test_ids_do_not_depend_on_the_order(vectors: NDArray[np.float32], how: str) -> None:
    index, given = vicinal.Index(DIM), vicinal.Index(DIM)
    index.add(vectors[:1])

    ids = index.add(vectors, order=ORDERS[how])

    assert ids.tolist() == list(range(1, 601))
    assert np.array_equal(index.get(ids), vectors)
    given.add(vectors[:1])
    given.add(vectors)
    for result, expected in zip(
        index.search(vectors, 5, exact=True), given.search(vectors, 5, exact=True), strict=True
    ):
        assert np.array_equal(result, expected)


@pytest.mark.parametrize("how", ORDERS)
def test_given_ids_stay_with_their_rows_in_every_order(vectors: NDArray[np.float32], how: str) -> None:
    index = vicinal.Index(DIM)
    numbers = np.arange(600)[::-1] * 3

    assert index.add(vectors, ids=numbers, order=ORDERS[how]).tolist() == numbers.tolist()
    assert np.array_equal(index.get(numbers), vectors)


def test_the_order_chosen_is_explained(vectors: NDArray[np.float32]) -> None:
    index = vicinal.Index(DIM)

    for asked, chosen in [("auto", "given"), ("random", "random"), (np.arange(600), "permutation")]:
        index.add(vectors, order=asked)
        assert index.stats()["order"]["chosen"] == chosen
        assert index.stats()["order"]["why"]


def test_a_shuffled_order_is_repeatable_and_follows_the_seed(vectors: NDArray[np.float32]) -> None:
    def built(seed: int) -> bytes:
        index = vicinal.Index(DIM, seed=seed)
        index.add(vectors, order="random")
        return index.to_bytes()

    assert built(1) == built(1)
    assert built(1) != built(2)
    assert not np.array_equal(
        order.permutation(vectors, "random", seed=1), order.permutation(vectors, "random", seed=2)
    )


@pytest.mark.parametrize(
    "wrong",
    [np.zeros(600, dtype=int), np.arange(599), np.arange(1, 601), -np.arange(600), np.arange(600.0), [[0]]],
)
def test_what_is_no_permutation_is_refused(vectors: NDArray[np.float32], wrong: Any) -> None:
    index = vicinal.Index(DIM)

    with pytest.raises(ValueError, match="order"):
        index.add(vectors, order=wrong)
    with pytest.raises(ValueError, match="returned by the callable"):
        index.add(vectors, order=lambda *_: wrong)
    assert len(index) == 0


def test_an_unknown_order_is_refused_with_those_there_are(vectors: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="'auto', 'given', 'random'"):
        vicinal.Index(DIM).add(vectors, order="sorted")


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("dtype", ["f32", "f16", "i8"])
def test_the_bytes_are_the_same_for_any_number_of_threads(metric: str, dtype: str, rng: np.random.Generator) -> None:
    vectors = rng.integers(-100, 100, (1500, DIM))

    def built(threads: int) -> bytes:
        index = vicinal.Index(DIM, metric, dtype=dtype, M=6, ef_construction=40, seed=3)
        index.add(vectors[:700], threads=threads)
        index.remove(np.arange(0, 100, 7))
        index.add(vectors[700:701], threads=threads)
        index.add(vectors[701:], threads=threads, ids=np.arange(10_000, 10_799))
        return index.to_bytes()

    one = built(1)

    assert built(2) == one
    assert built(3) == one
    assert built(0) == one


@pytest.mark.parametrize(("metric", "traversal"), [("l2", "u8"), ("ip", "u8"), ("cosine", "sq8"), ("ip", "sq8")])
def test_the_bytes_of_codes_are_the_same_for_any_number_of_threads(
    metric: str, traversal: str, rng: np.random.Generator
) -> None:
    vectors = rng.integers(0, 256, (1500, 40)).astype(np.float32)

    def built(threads: int) -> bytes:
        index = vicinal.Index(40, metric, M=6, ef_construction=40, traversal=traversal)
        index.add(vectors, threads=threads)
        return index.to_bytes()

    assert built(1) == built(2) == built(3)


def test_the_bytes_of_packed_bits_are_the_same_for_any_number_of_threads(rng: np.random.Generator) -> None:
    vectors = rng.integers(0, 256, (1000, 4), dtype=np.uint8)

    def built(threads: int) -> bytes:
        index = vicinal.Index(32, "hamming", M=6, ef_construction=40)
        index.add(vectors, threads=threads)
        return index.to_bytes()

    assert built(1) == built(2) == built(3)


def test_a_refused_batch_changes_nothing(vectors: NDArray[np.float32]) -> None:
    index = vicinal.Index(DIM)
    index.add(vectors[:50])
    before = index.to_bytes()
    bad = vectors.copy()
    bad[599, 0] = np.nan

    for how in ("given", "random"):
        with pytest.raises(vicinal.InvalidVectorError):
            index.add(bad, order=how)
    with pytest.raises(vicinal.DuplicateIdError):
        index.add(vectors[:3], ids=[100, 101, 49])
    with pytest.raises(TypeError):
        index.add(vectors, progress="bar")  # type: ignore[arg-type]

    assert index.to_bytes() == before


def test_the_input_may_change_after_the_call(vectors: NDArray[np.float32]) -> None:
    index = vicinal.Index(DIM)
    given = vectors.copy()

    index.add(given)
    given[:] = 0

    assert np.array_equal(index.get(np.arange(600)), vectors)

"""Getting vectors back, and asking what is there."""

from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import UnknownIdError


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("f32", 0.0), ("f16", 2.0**-11), ("bf16", 2.0**-8)])
def test_vectors_come_back_at_their_scale_to_the_stored_precision(
    metric: str, dtype: str, tolerance: float, rng: np.random.Generator
) -> None:
    vectors = (rng.standard_normal((50, 9)) * 100).astype(np.float32)
    index = vicinal.Index(9, metric, dtype=dtype)
    index.add(vectors)

    found = index.get(np.arange(50))

    assert found.dtype == np.float32
    assert found.shape == (50, 9)
    np.testing.assert_allclose(found, vectors, rtol=tolerance, atol=0)


@pytest.mark.parametrize(("dtype", "element"), [("i8", np.int8), ("u8", np.uint8)])
def test_whole_numbers_come_back_in_their_own_type(dtype: str, element: type) -> None:
    least, most = np.iinfo(element).min, np.iinfo(element).max
    index = vicinal.Index(3, dtype=dtype)
    index.add([[least, 1, most]])

    assert index.get([0]).dtype == element
    assert index.get([0]).tolist() == [[least, 1, most]]


def test_bits_come_back_packed(rng: np.random.Generator) -> None:
    bits = rng.integers(0, 256, (20, 3), dtype=np.uint8)
    index = vicinal.Index(24, "jaccard")
    index.add(bits)

    assert np.array_equal(index.get(index.ids), bits)


def test_rows_come_in_the_order_asked_for_and_as_often() -> None:
    index = vicinal.Index(1)
    index.add([[1.0], [2.0], [3.0]], ids=[10, 20, 30])

    assert index.get([30, 10, 30]).ravel().tolist() == [3.0, 1.0, 3.0]
    assert index.get(keys=[20]).tolist() == [[2.0]]  # type: ignore[call-arg]
    assert index.get([]).shape == (0, 1)


@pytest.mark.parametrize("number", [1, np.int64(1), np.uint8(1), np.array(1)])
def test_a_single_number_gives_a_single_vector(number: Any) -> None:
    index = vicinal.Index(2)
    index.add([[1.0, 2.0], [3.0, 4.0]])

    assert index.get(number).tolist() == [3.0, 4.0]


def test_the_first_unknown_id_is_named() -> None:
    index = vicinal.Index(2)
    index.add([[1.0, 2.0]])

    with pytest.raises(UnknownIdError, match="7") as refusal:
        index.get([0, 7, 9])
    assert isinstance(refusal.value, KeyError)
    assert not str(refusal.value).startswith(("'", '"'))


def test_in_tells_what_is_there() -> None:
    index = vicinal.Index(2)
    index.add([[1.0, 2.0], [3.0, 4.0]], ids=[5, 6])
    index.remove(6)

    assert 5 in index
    assert np.int32(5) in index
    assert 6 not in index
    assert 0 not in index
    assert -1 not in index
    assert 2**63 not in index


@pytest.mark.parametrize("number", [5.0, True, "5", None, [5]])
def test_in_takes_integers_only(number: Any) -> None:
    index = vicinal.Index(2)
    index.add([[1.0, 2.0]], ids=[5])

    with pytest.raises(TypeError, match="expected an integer"):
        number in index  # noqa: B015

"""What may be handed in, and what the answer is: one test for each row of the table of bad and odd inputs."""

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import DimensionError, DuplicateIdError, InvalidVectorError

DIM = 4
FLOATING = ["f32", "f16", "bf16"]


@pytest.fixture
def index() -> vicinal.Index:
    """Five vectors, ids 0 to 4."""
    index = vicinal.Index(DIM)
    index.add(np.arange(5 * DIM, dtype=np.float32).reshape(5, DIM))
    return index


def unchanged(index: vicinal.Index) -> bool:
    return len(index) == 5 and index.ids.tolist() == [0, 1, 2, 3, 4] and index.add(np.ones((1, DIM))).tolist() == [5]


# Values


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64])
def test_a_nan_or_an_infinity_is_refused_with_its_row(dtype: str, value: float, given: type) -> None:
    index = vicinal.Index(DIM, dtype=dtype)
    vectors = np.ones((30, DIM), dtype=given)
    vectors[17, 2] = value

    with pytest.raises(InvalidVectorError, match="vectors row 17 "):
        index.add(vectors)
    with pytest.raises(InvalidVectorError, match="queries row 17 "):
        index.search(vectors, 1)
    with pytest.raises(InvalidVectorError, match="queries row 17 "):
        index.search(vectors, 1, exact=True)
    assert len(index) == 0


def test_a_nan_is_refused_on_the_short_way_for_single_queries(index: vicinal.Index) -> None:
    with pytest.raises(InvalidVectorError, match=r"queries row 0 .*NaN"):
        index.search(np.array([1, 2, np.nan, 4], dtype=np.float32), 1)


@pytest.mark.parametrize("value", [1e39, -1e300])
def test_a_number_beyond_float32_is_refused_with_its_row(index: vicinal.Index, value: float) -> None:
    vectors = np.ones((3, DIM))
    vectors[1, 0] = value

    with pytest.raises(InvalidVectorError, match=r"vectors row 1 holds .*float32"):
        index.add(vectors)
    with pytest.raises(InvalidVectorError, match=r"queries row 1 holds .*float32"):
        index.search(vectors, 1)
    assert unchanged(index)


@pytest.mark.parametrize("metric", ["l2", "ip"])
@pytest.mark.parametrize("traversal", ["exact", "sq8"])
def test_a_vector_so_long_that_distances_overflow_is_refused_and_the_longest_allowed_have_distances(
    metric: str, traversal: str
) -> None:
    index = vicinal.Index(DIM, metric, traversal=traversal)
    with pytest.raises(InvalidVectorError, match="vectors row 1 is longer than 6e18"):
        index.add(np.array([[1] * DIM, [3.1e18] * DIM]))
    with pytest.raises(InvalidVectorError, match="queries row 0 is longer than 6e18"):
        index.search(np.full(DIM, -1e38), 1)

    vectors = np.random.default_rng(0).standard_normal((3000, DIM))
    vectors *= 5.99e18 / np.linalg.norm(vectors, axis=1, keepdims=True)
    index.add(vectors)
    for exact in (True, False):
        distances = index.search(vectors[:50], 20, exact=exact).distances
        assert np.isfinite(distances).all()
    cosine = vicinal.Index(DIM, "cosine", traversal=traversal)
    cosine.add(np.full((3, DIM), 3e38))
    assert cosine.search(np.full(DIM, 1e38), 3).distances.max() <= 1e-6


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("size", [1e-45, 1e-37, 1e-25, 1e-18])
def test_the_smallest_vectors_have_finite_distances_by_their_codes_too(metric: str, size: float) -> None:
    vectors = np.random.default_rng(0).standard_normal((3000, 40))
    index = vicinal.Index(40, metric, traversal="sq8")
    if metric == "cosine" and size < 1e-37:
        return  # refused: no direction
    index.add(vectors * size)

    for exact in (True, False):
        found = index.search(vectors[:50] * size, 5, exact=exact)
        assert np.isfinite(found.distances).all()
        assert all(len(set(row)) == 5 for row in found.ids.tolist())


@pytest.mark.parametrize(("dtype", "value"), [("f16", 70_000.0), ("bf16", 3.4e38)])
def test_a_number_beyond_the_stored_type_is_refused_with_its_row(dtype: str, value: float) -> None:
    index = vicinal.Index(DIM, dtype=dtype)
    vectors = np.ones((3, DIM), dtype=np.float32)
    vectors[2, 1] = value

    with pytest.raises(InvalidVectorError, match="vectors row 2 "):
        index.add(vectors)


@pytest.mark.parametrize("dtype", [*FLOATING, "i8", "u8"])
def test_a_zero_vector_is_refused_under_cosine_alone(dtype: str) -> None:
    vectors = np.ones((3, DIM), dtype=np.float32)
    vectors[1] = 0
    cosine = vicinal.Index(DIM, "cosine", dtype=dtype)

    with pytest.raises(InvalidVectorError, match="vectors row 1 "):
        cosine.add(vectors)
    with pytest.raises(InvalidVectorError, match="queries row 1 "):
        cosine.search(vectors, 1)
    for metric in ("l2", "ip"):
        index = vicinal.Index(DIM, metric, dtype=dtype)
        index.add(vectors)
        assert index.search(vectors, 1).ids.shape == (3, 1)


def test_a_fraction_for_whole_numbers_is_refused_and_told_of_the_eight_bit_codes() -> None:
    for dtype in ("i8", "u8"):
        index = vicinal.Index(DIM, dtype=dtype)
        with pytest.raises(InvalidVectorError, match=r'vectors row 0 holds 0\.5.*codes="8bit"'):
            index.add([[0.5, 1, 2, 3]])


@pytest.mark.parametrize(("dtype", "value"), [("i8", 128), ("i8", -129), ("u8", -1), ("u8", 256.0), ("u8", np.nan)])
def test_a_number_out_of_range_for_whole_numbers_is_refused(dtype: str, value: float) -> None:
    with pytest.raises(InvalidVectorError, match="vectors row 1 holds "):
        vicinal.Index(DIM, dtype=dtype).add([[1, 1, 1, 1], [1, 1, 1, value]])


def test_other_than_whole_numbers_are_refused_where_these_were_promised() -> None:
    for value in (0.5, -1.0, 256.0):
        index = vicinal.Index(DIM, traversal="u8")
        with pytest.raises(InvalidVectorError, match="vectors row 1 "):
            index.add([[1, 2, 3, 4], [1, 2, 3, value]])
        assert len(index) == 0


def test_whole_numbers_in_range_come_from_any_type() -> None:
    for given in (np.int8, np.uint8, np.int64, np.uint16, np.float32, np.float64):
        index = vicinal.Index(DIM, dtype="u8")
        index.add(np.array([[0, 1, 2, 100]], dtype=given))
        assert index.get(0).tolist() == [0, 1, 2, 100]
        assert index.get(0).dtype == np.uint8


# Shapes


@pytest.mark.parametrize("shape", [(3, 5), (DIM,), (), (2, 3, DIM), (0, 3), (1, 0)])
def test_vectors_of_a_wrong_shape_are_refused_with_both_shapes(index: vicinal.Index, shape: tuple[int, ...]) -> None:
    with pytest.raises(DimensionError) as refusal:
        index.add(np.zeros(shape, dtype=np.float32))

    assert str(shape) in str(refusal.value)
    assert f"(n, {DIM})" in str(refusal.value)
    assert unchanged(index)


@pytest.mark.parametrize("shape", [(3, 5), (DIM + 1,), (), (2, 3, DIM)])
def test_queries_of_a_wrong_shape_are_refused_with_both_shapes(index: vicinal.Index, shape: tuple[int, ...]) -> None:
    with pytest.raises(DimensionError) as refusal:
        index.search(np.zeros(shape, dtype=np.float32), 1)

    assert str(shape) in str(refusal.value)
    assert f"(m, {DIM})" in str(refusal.value)


def test_packed_bits_of_a_wrong_width_are_refused_and_told_how_to_pack() -> None:
    index = vicinal.Index(32, "hamming")

    with pytest.raises(DimensionError, match="packbits"):
        index.add(np.zeros((2, 32), dtype=np.uint8))


def test_ids_of_another_length_or_shape_are_refused(index: vicinal.Index) -> None:
    with pytest.raises(DimensionError, match=r"\(3,\).*\(2, 4\)"):
        index.add(np.zeros((2, DIM)), ids=[10, 11, 12])
    with pytest.raises(DimensionError, match=r"\(1, 2\)"):
        index.add(np.zeros((2, DIM)), ids=[[10, 11]])
    assert unchanged(index)


# Layouts and types that are accepted

ROWS = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]], dtype=np.float32)


class Tensor:
    """A tensor of another library, known by DLPack alone."""

    def __init__(self, array: np.ndarray, device: tuple[int, int] = (1, 0)) -> None:
        self.array, self.device = array, device

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


LAYOUTS = {
    "float32": ROWS,
    "float64": ROWS.astype(np.float64),
    "float16": ROWS.astype(np.float16),
    "longdouble": ROWS.astype(np.longdouble),
    "int8": ROWS.astype(np.int8),
    "int64": ROWS.astype(np.int64),
    "uint16": ROWS.astype(np.uint16),
    "big-endian float32": ROWS.astype(">f4"),
    "big-endian float64": ROWS.astype(">f8"),
    "big-endian int32": ROWS.astype(">i4"),
    "Fortran order": np.asfortranarray(ROWS),
    "every other row": np.repeat(ROWS, 2, axis=0)[::2],
    "negative strides": np.ascontiguousarray(ROWS[::-1, ::-1])[::-1, ::-1],
    "read-only": read_only(ROWS),
    "unaligned": np.frombuffer(b"\0" + ROWS.tobytes(), dtype=np.uint8)[1:].view(np.float32).reshape(3, 4),
    "lists of lists": ROWS.tolist(),
    "a tuple of arrays": tuple(ROWS),
    "DLPack": Tensor(ROWS),
    "DLPack float64": Tensor(ROWS.astype(np.float64)),
    "memoryview": memoryview(ROWS),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f32", "f16", "bf16", "i8", "u8"])
def test_every_layout_and_type_that_numpy_knows_is_accepted(layout: str, dtype: str) -> None:
    index = vicinal.Index(DIM, dtype=dtype)

    index.add(LAYOUTS[layout])

    assert index.get([0, 1, 2]).tolist() == ROWS.tolist()
    assert index.search(LAYOUTS[layout], 1).ids.tolist() == [[0], [1], [2]]
    assert index.search(LAYOUTS[layout], 1, exact=True).ids.tolist() == [[0], [1], [2]]


def test_a_memory_map_is_accepted(tmp_path: Path) -> None:
    ROWS.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", dtype=np.float32, mode="r", shape=ROWS.shape)
    index = vicinal.Index(DIM)

    index.add(mapped)

    assert index.get([0, 1, 2]).tolist() == ROWS.tolist()
    assert index.search(mapped[1], 1).ids.tolist() == [1]


@pytest.mark.parametrize("element", ["float32", "float64", "float16", "int32", "uint8"])
def test_arrow_arrays_of_fixed_size_lists_are_accepted(element: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    values = arrow.array(ROWS.astype(element).ravel())
    lists = arrow.FixedSizeListArray.from_arrays(values, DIM)

    for given in (lists, lists.slice(1), arrow.chunked_array([lists, lists])):
        index = vicinal.Index(DIM)
        index.add(given)
        assert index.get(index.ids).tolist() == [row.as_py() for row in given]


def test_arrow_arrays_that_hold_no_vectors_are_refused() -> None:
    arrow = pytest.importorskip("pyarrow")
    index = vicinal.Index(2)

    with pytest.raises(ValueError, match="vectors row 1 is null"):
        index.add(arrow.array([[1.0, 2.0], None], type=arrow.list_(arrow.float32(), 2)))
    with pytest.raises(InvalidVectorError, match="vectors row 1 holds NaN"):
        index.add(arrow.array([[1.0, 2.0], [3.0, None]], type=arrow.list_(arrow.float32(), 2)))
    with pytest.raises(TypeError, match="fixed_size_list"):
        index.add(arrow.array([[1.0, 2.0], [3.0]]))
    with pytest.raises(DimensionError):
        index.add(arrow.array([[1.0, 2.0, 3.0]], type=arrow.list_(arrow.float32(), 3)))


def test_packed_bits_are_accepted_from_any_whole_numbers() -> None:
    bits = np.packbits(np.eye(16, dtype=bool), axis=1)

    for given in (bits, bits.astype(np.int64), np.asfortranarray(bits), bits.tolist()):
        index = vicinal.Index(16, "hamming")
        index.add(given)
        assert index.get(index.ids).tolist() == bits.tolist()


# What holds no numbers

REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "bool": (np.ones((2, DIM), dtype=bool), TypeError, "bool.*packbits"),
    "complex": (np.ones((2, DIM), dtype=complex), TypeError, "complex"),
    "object": (np.array([[1, 2, 3, None]], dtype=object), TypeError, "Python objects"),
    "strings": ([["1", "2", "3", "4"]], TypeError, "strings"),
    "a string": ("1234", TypeError, "strings|shape"),
    "bytes": ([[b"1", b"2", b"3", b"4"]], TypeError, "bytes"),
    "dates": (np.zeros((2, DIM), dtype="datetime64[s]"), TypeError, "no numbers"),
    "records": (np.zeros((2, DIM), dtype=[("x", "f4")]), TypeError, "records"),
    "ragged": ([[1.0, 2.0, 3.0, 4.0], [1.0]], ValueError, "ragged.*different lengths"),
    "masked": (np.ma.masked_array(ROWS, mask=ROWS > 3), TypeError, "masked.*filled"),
    "GPU tensor": (Tensor(ROWS, device=(2, 0)), TypeError, "CPU"),
    "None": (None, TypeError, "Python objects"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_numbers_is_refused_and_told_what_to_do(index: vicinal.Index, kind: str) -> None:
    given, error, message = REFUSED[kind]

    with pytest.raises((error, DimensionError), match=message):
        index.add(given)
    with pytest.raises((error, DimensionError), match=message):
        index.search(given, 1)
    assert unchanged(index)


def test_a_tensor_with_a_cuda_interface_is_refused_and_told_to_come_to_the_cpu(index: vicinal.Index) -> None:
    class CudaArray:
        __cuda_array_interface__ = {"shape": (1, DIM)}  # noqa: RUF012

    with pytest.raises(TypeError, match=r"GPU.*\.cpu\(\)"):
        index.add(CudaArray())  # type: ignore[arg-type]


def test_fractions_for_packed_bits_are_refused() -> None:
    with pytest.raises(TypeError, match="packbits"):
        vicinal.Index(32, "hamming").add(np.ones((2, 4), dtype=np.float32))


# Ids


def test_an_id_that_is_there_already_is_refused_before_anything_changes(index: vicinal.Index) -> None:
    with pytest.raises(DuplicateIdError, match="3"):
        index.add(np.ones((3, DIM)), ids=[10, 3, 11])

    assert unchanged(index)


def test_an_id_twice_in_a_batch_is_refused_before_anything_changes(index: vicinal.Index) -> None:
    with pytest.raises(DuplicateIdError, match="10"):
        index.add(np.ones((3, DIM)), ids=[10, 11, 10])

    assert unchanged(index)


@pytest.mark.parametrize("bad", [[-1], [2**63], [2**70], np.array([2**63], dtype=np.uint64), np.array([-5])])
def test_an_id_out_of_range_is_an_overflow(index: vicinal.Index, bad: Any) -> None:
    for call in (lambda: index.add(np.ones((1, DIM)), ids=bad), lambda: index.get(bad), lambda: index.remove(bad)):
        with pytest.raises(OverflowError, match=r"expected 0 to 2\*\*63 - 1"):
            call()
    assert unchanged(index)


@pytest.mark.parametrize(
    "bad", [[1.0], [True], np.array([1.5]), np.array([True]), ["1"], [None], [np.float32(1)], [1, True]]
)
def test_an_id_that_is_no_integer_is_a_type_error(index: vicinal.Index, bad: Any) -> None:
    for call in (
        lambda: index.add(np.ones((len(bad), DIM)), ids=bad),
        lambda: index.get(bad),
        lambda: index.remove(bad),
    ):
        with pytest.raises(TypeError, match="expected integers"):
            call()
    assert unchanged(index)


def test_the_largest_id_there_can_be_is_accepted(index: vicinal.Index) -> None:
    index.add(np.ones((1, DIM)), ids=[2**63 - 1])

    assert 2**63 - 1 in index
    assert index.ids[-1] == 2**63 - 1
    with pytest.raises(ValueError, match=r"ids end at 2\^63 - 1"):
        index.add(np.ones((1, DIM)))


# Little and nothing


def test_an_empty_batch_is_fine(index: vicinal.Index) -> None:
    for empty in (np.empty((0, DIM)), np.empty((0, DIM), dtype=np.float32), []):
        assert index.add(empty).tolist() == []
        assert index.add(empty, ids=[]).dtype == np.int64
        assert index.search(empty, 3).ids.shape == (0, 3)
        assert index.search(empty, 3).distances.shape == (0, 3)
        assert index.search(empty, 3).counts.shape == (0,)
    assert unchanged(index)


@pytest.mark.parametrize("exact", [False, True])
def test_an_empty_index_returns_padding(exact: bool) -> None:
    result = vicinal.Index(DIM).search(np.ones((2, DIM)), 3, exact=exact)

    assert result.ids.tolist() == [[-1] * 3] * 2
    assert np.isposinf(result.distances).all()
    assert result.distances.dtype == np.float32
    assert result.counts.tolist() == [0, 0]


@pytest.mark.parametrize("exact", [False, True])
def test_a_k_larger_than_the_index_is_padded(index: vicinal.Index, exact: bool) -> None:
    result = index.search(np.zeros(DIM, dtype=np.float32), 8, exact=exact)

    assert result.ids.tolist() == [0, 1, 2, 3, 4, -1, -1, -1]
    assert np.isposinf(result.distances[5:]).all()
    assert result.counts.tolist() == [5]


# Settings


@pytest.mark.parametrize("k", [0, -1, True, 1.0, 2.5, 10_001, 2**70, "3", None])
def test_a_k_out_of_range_is_refused_with_its_range(index: vicinal.Index, k: Any) -> None:
    for queries in (np.ones(DIM, dtype=np.float32), np.ones((2, DIM))):
        with pytest.raises(ValueError, match=r"k is .* from 1 to 10000"):
            index.search(queries, k)


def test_k_may_reach_the_size_of_a_large_index() -> None:
    index = vicinal.Index(1, M=2, ef_construction=4)
    index.add(np.arange(10_050, dtype=np.float32)[:, None])

    assert index.search([0.0], 10_050, exact=True).counts.tolist() == [10_050]
    with pytest.raises(ValueError, match="from 1 to 10050"):
        index.search([0.0], 10_051)


@pytest.mark.parametrize("ef", [0, -1, True, 1.5, 1_000_001, "all"])
def test_an_ef_out_of_range_is_refused_with_its_range(index: vicinal.Index, ef: Any) -> None:
    for queries in (np.ones(DIM, dtype=np.float32), np.ones((2, DIM))):
        with pytest.raises(ValueError, match=r"ef is .* from 1 to 1000000"):
            index.search(queries, 1, ef=ef)


@pytest.mark.parametrize("threads", [-1, 1025, True, 1.5])
def test_threads_out_of_range_are_refused_with_their_range(index: vicinal.Index, threads: Any) -> None:
    with pytest.raises(ValueError, match=r"threads is .* from 0 to 1024"):
        index.search(np.ones((1, DIM)), 1, threads=threads)
    with pytest.raises(ValueError, match=r"threads is .* from 0 to 1024"):
        index.add(np.ones((1, DIM)), threads=threads)
    assert unchanged(index)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("M", 1, "from 2 to 4096"),
        ("M", 4097, "from 2 to 4096"),
        ("M", 16.0, "from 2 to 4096"),
        ("M", True, "from 2 to 4096"),
        ("ef_construction", 0, "from 1 to 1000000"),
        ("ef_construction", 1_000_001, "from 1 to 1000000"),
        ("seed", -1, "from 0 to"),
        ("seed", 2**64, "from 0 to 18446744073709551615"),
        ("dim", 0, "from 1 to 65536"),
        ("dim", 65_537, "from 1 to 65536"),
        ("dim", 4.0, "from 1 to 65536"),
        ("metric", "euclid", "'l2', 'ip', 'cosine', 'hamming', 'jaccard'"),
        ("dtype", "f64", "'f32', 'f16', 'bf16', 'i8', 'u8', 'b1'"),
        ("dtype", "b1", "does not go with"),
        ("traversal", "edge", "'auto', 'exact', 'u8', 'sq8', 'sq4'"),
        ("lift", True, "'auto', 'on', 'off'"),
        ("lift", "on", 'only "ip"'),
    ],
)
def test_settings_out_of_range_are_refused_with_what_they_may_be(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vicinal.Index(**{"dim": DIM, name: value})


@pytest.mark.parametrize(
    ("metric", "dtype", "traversal"),
    [("cosine", "f32", "u8"), ("l2", "i8", "sq8"), ("ip", "u8", "u8"), ("hamming", "b1", "sq8")],
)
def test_walks_that_do_not_serve_a_metric_or_type_are_refused(metric: str, dtype: str, traversal: str) -> None:
    with pytest.raises(ValueError, match="does not serve"):
        vicinal.Index(8, metric, dtype=dtype, traversal=traversal)


def test_bits_come_in_whole_bytes() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        vicinal.Index(12, "hamming")


@pytest.mark.parametrize(
    ("metric", "dtype"), [("hamming", "f32"), ("jaccard", "u8"), ("l2", "b1"), ("ip", "b1"), ("cosine", "b1")]
)
def test_metrics_and_types_that_do_not_go_together_are_refused(metric: str, dtype: str) -> None:
    with pytest.raises(ValueError, match="does not go with"):
        vicinal.Index(8, metric, dtype=dtype)


@pytest.mark.parametrize("order", ["random", [3, 2, 1, 0], lambda rows, _: np.arange(len(rows))[::-1]])
@pytest.mark.parametrize("ids", [None, [9, 8, 7, 6]])
def test_a_bad_row_is_named_as_the_caller_numbers_it_whatever_the_order(order: Any, ids: Any) -> None:
    index = vicinal.Index(DIM)
    rows = np.ones((4, DIM))
    rows[1, 2] = np.nan

    with pytest.raises(InvalidVectorError, match="vectors row 1 holds NaN"):
        index.add(rows, ids, order=order)
    with pytest.raises(InvalidVectorError, match="vectors row 2 holds other than whole numbers"):
        vicinal.Index(DIM, traversal="u8").add([[1] * 4, [2] * 4, [0.5] * 4, [1] * 4], order=order)

    assert len(index) == 0


# Files


def test_a_missing_folder_is_an_os_error_with_number_and_name(index: vicinal.Index, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "an.index"

    for call in (lambda: index.save(path), lambda: vicinal.Index.load(path), lambda: vicinal.Index.info(path)):
        with pytest.raises(FileNotFoundError) as refusal:
            call()
        assert str(tmp_path / "nowhere") in str(refusal.value.filename)
        assert refusal.value.errno == errno.ENOENT


def test_an_os_error_says_what_was_being_done(index: vicinal.Index, tmp_path: Path) -> None:
    folder, missing = tmp_path / "folder", tmp_path / "missing"
    folder.mkdir()

    with pytest.raises(IsADirectoryError, match=r"cannot save to .*folder.*: it is a folder"):
        index.save(folder)
    with pytest.raises(FileNotFoundError, match=r"cannot save to .*cannot create .*missing.*: No such file"):
        index.save(missing / "an.index")
    with pytest.raises(FileNotFoundError, match=r"cannot open .*missing.*: No such file"):
        vicinal.Index.load(missing)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_leaves_the_old_file(index: vicinal.Index, tmp_path: Path) -> None:
    path = tmp_path / "an.index"
    index.save(path)
    before = path.read_bytes()
    tmp_path.chmod(0o500)

    try:
        with pytest.raises(PermissionError):
            index.save(path)
    finally:
        tmp_path.chmod(0o700)
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on the size of files")
def test_a_file_that_may_not_grow_is_an_os_error_that_leaves_the_old_file(tmp_path: Path) -> None:
    script = """
        import resource, sys
        import numpy as np, vicinal
        path = sys.argv[1]
        index = vicinal.Index(4)
        index.add(np.ones((5, 4)))
        index.save(path)
        index.add(np.eye(4))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            index.save(path)
        except OSError as error:
            print(error.errno, error.filename)
    """
    path = tmp_path / "an.index"

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)], check=True, capture_output=True, text=True
    )

    number, name = done.stdout.split(maxsplit=1)
    assert int(number) == errno.EFBIG
    assert str(tmp_path) in name
    assert len(vicinal.Index.load(path)) == 5
    assert [entry.name for entry in tmp_path.iterdir()] == ["an.index"]


def test_a_folder_is_no_index(tmp_path: Path) -> None:
    with pytest.raises((OSError, vicinal.NotAnIndexError)):
        vicinal.Index.load(tmp_path)


def test_a_cut_changed_or_foreign_file_is_refused(index: vicinal.Index, tmp_path: Path) -> None:
    path = tmp_path / "an.index"
    index.save(path)
    whole = path.read_bytes()

    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(vicinal.CorruptIndexError):
        vicinal.Index.load(path)

    for place in range(0, len(whole), max(1, len(whole) // 97)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((vicinal.CorruptIndexError, vicinal.NotAnIndexError, vicinal.FormatTooNewError)):
            vicinal.Index.load(path)

    for foreign in (b"", b"PK\3\4 a zip file", bytes(10_000)):
        path.write_bytes(foreign)
        with pytest.raises((vicinal.NotAnIndexError, vicinal.CorruptIndexError)):
            vicinal.Index.load(path)
        with pytest.raises((vicinal.NotAnIndexError, vicinal.CorruptIndexError)):
            vicinal.Index.from_bytes(foreign)


def test_a_path_with_a_zero_byte_is_a_value_error(index: vicinal.Index) -> None:
    with pytest.raises(ValueError, match="zero byte"):
        index.save("a\0b")

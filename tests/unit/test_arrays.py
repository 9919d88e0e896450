"""The gate for arrays: nothing is copied without need, and what comes out is what the core reads."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from vicinal import arrays


def test_a_contiguous_float32_array_is_not_copied() -> None:
    rows = np.ones((5, 4), dtype=np.float32)

    for dtype in ("f32", "f16", "bf16"):
        assert np.shares_memory(arrays.vector_rows(rows, "vectors", 4, dtype), rows)
        assert np.shares_memory(arrays.query_rows(rows, 4, dtype)[0], rows)
        assert np.shares_memory(arrays.query_rows(rows[2], 4, dtype)[0], rows)
        assert np.shares_memory(arrays.vector_rows(rows[1:3], "vectors", 4, dtype), rows)


@pytest.mark.parametrize(("dtype", "element", "dim"), [("i8", np.int8, 4), ("u8", np.uint8, 4), ("b1", np.uint8, 32)])
def test_whole_numbers_of_the_stored_type_are_not_copied(dtype: str, element: type, dim: int) -> None:
    rows = np.ones((5, 4), dtype=element)

    assert np.shares_memory(arrays.vector_rows(rows, "vectors", dim, dtype), rows)


def test_memory_shared_by_dlpack_and_arrow_is_not_copied() -> None:
    rows = np.ones((5, 4), dtype=np.float32)

    class Tensor:
        def __dlpack__(self, **options: Any) -> Any:
            return rows.__dlpack__(**options)

        def __dlpack_device__(self) -> tuple[int, int]:
            return rows.__dlpack_device__()

    assert np.shares_memory(arrays.vector_rows(Tensor(), "vectors", 4, "f32"), rows)

    arrow = pytest.importorskip("pyarrow")
    values = arrow.array(rows.ravel())
    lists = arrow.FixedSizeListArray.from_arrays(values, 4)
    shared = values.to_numpy(zero_copy_only=True)
    assert np.shares_memory(arrays.vector_rows(lists, "vectors", 4, "f32"), shared)
    assert np.shares_memory(arrays.vector_rows(lists.slice(2), "vectors", 4, "f32"), shared)


@pytest.mark.parametrize(
    "rows",
    [
        np.asfortranarray(np.arange(20, dtype=np.float32).reshape(5, 4)),
        np.arange(20, dtype=">f4").reshape(5, 4),
        np.arange(40, dtype=np.float32).reshape(5, 8)[:, ::2],
        np.arange(20, dtype=np.float32).reshape(5, 4)[::-1],
        np.arange(20).reshape(5, 4),
    ],
)
def test_what_comes_out_is_native_contiguous_and_aligned(rows: np.ndarray) -> None:
    out = arrays.vector_rows(rows, "vectors", 4, "f32")

    assert out.dtype == np.float32
    assert out.dtype.isnative
    assert out.flags.c_contiguous
    assert out.flags.aligned
    assert np.array_equal(out, rows)


def test_adding_float32_rows_takes_no_memory_beside_the_stored_copy() -> None:
    script = """
import re, numpy as np, vicinal
# Not ru_maxrss: a process inherits that from the one that started it.
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
vectors = np.random.default_rng(0).random((1500, 16_384), dtype=np.float32)
vicinal.Index(16_384).add(vectors[:10])
index = vicinal.Index(16_384, M=4, ef_construction=8)
before = peak()
index.add(vectors, threads=1)
print((peak() - before) / vectors.nbytes)
"""
    if sys.platform != "linux":
        pytest.skip("the peak of memory is read as Linux writes it in /proc")

    grown = float(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)

    assert 0.9 < grown < 1.5


def test_ids_of_int64_are_not_copied() -> None:
    ids = np.arange(5)

    assert arrays.id_numbers(ids) is ids


def test_a_bfloat16_array_is_accepted() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes gives numpy bfloat16; it is not installed")
    rows = np.ones((2, 4), dtype=ml_dtypes.bfloat16)

    assert arrays.vector_rows(rows, "vectors", 4, "f32").tolist() == [[1.0] * 4] * 2


def test_a_sparse_matrix_is_refused_and_told_how_to_become_dense() -> None:
    class Sparse:
        nnz = 0

        def toarray(self) -> np.ndarray:
            return np.zeros((1, 4))

    with pytest.raises(TypeError, match="toarray"):
        arrays.vector_rows(Sparse(), "vectors", 4, "f32")  # type: ignore[arg-type]

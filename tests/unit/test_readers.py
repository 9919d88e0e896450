"""Files that hold one matrix: what was written is read, and what is damaged is refused with a reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.errors import DimensionError, InvalidVectorError
from vicinal.measure.readers import read_matrix

Matrix = np.ndarray[Any, Any]


def write_rows_with_lengths(path: Path, rows: Matrix) -> None:
    lengths = np.full((len(rows), 1), rows.shape[1], dtype="<i4")
    path.write_bytes(np.hstack([lengths.view("u1"), np.ascontiguousarray(rows).view("u1")]).tobytes())


def write_matrix_with_header(path: Path, rows: Matrix) -> None:
    path.write_bytes(np.array(rows.shape, dtype="<u4").tobytes() + np.ascontiguousarray(rows).tobytes())


def write_npy(path: Path, rows: Matrix) -> None:
    np.save(path, rows)


def write_parquet(path: Path, rows: Matrix) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    lists = arrow.FixedSizeListArray.from_arrays(arrow.array(rows.ravel()), rows.shape[1])
    parquet.write_table(arrow.table({"id": list(range(len(rows))), "embedding": lists}), path)


FORMATS: list[tuple[str, str, Callable[[Path, Matrix], None]]] = [
    (".npy", "<f4", write_npy),
    (".npy", "<f2", write_npy),
    (".fvecs", "<f4", write_rows_with_lengths),
    (".ivecs", "<i4", write_rows_with_lengths),
    (".bvecs", "u1", write_rows_with_lengths),
    (".fbin", "<f4", write_matrix_with_header),
    (".u8bin", "u1", write_matrix_with_header),
    (".i8bin", "i1", write_matrix_with_header),
    (".ibin", "<i4", write_matrix_with_header),
    (".parquet", "<f4", write_parquet),
]
EVERY_FORMAT = pytest.mark.parametrize(("ending", "kind", "write"), FORMATS, ids=[f[0] + f[1] for f in FORMATS])


def some_rows(rng: np.random.Generator, kind: str, shape: tuple[int, int] = (7, 12)) -> Matrix:
    low = 0 if kind.startswith("u") else -100
    return rng.integers(low, 100, size=shape).astype(kind)


@EVERY_FORMAT
def test_a_matrix_comes_back_as_it_was_written(
    ending: str, kind: str, write: Callable[[Path, Matrix], None], rng: np.random.Generator, tmp_path: Path
) -> None:
    rows = some_rows(rng, kind)
    write(tmp_path / f"rows{ending}", rows)

    read = read_matrix(tmp_path / f"rows{ending}")

    assert read.dtype == rows.dtype
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, rows)


@EVERY_FORMAT
@pytest.mark.parametrize("cut", [1, 4, 13, 40])
def test_a_file_cut_short_is_refused_and_named(
    ending: str, kind: str, write: Callable[[Path, Matrix], None], cut: int, rng: np.random.Generator, tmp_path: Path
) -> None:
    file = tmp_path / f"rows{ending}"
    write(file, some_rows(rng, kind))
    file.write_bytes(file.read_bytes()[:-cut])

    with pytest.raises(InvalidVectorError, match="rows" + ending):
        read_matrix(file)


@pytest.mark.parametrize("ending", sorted({ending for ending, _, _ in FORMATS}))
def test_an_empty_file_is_refused(ending: str, tmp_path: Path) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / f"rows{ending}").touch()

    with pytest.raises(InvalidVectorError, match="rows" + ending):
        read_matrix(tmp_path / f"rows{ending}")


@pytest.mark.parametrize("ending", sorted({ending for ending, _, _ in FORMATS}))
def test_a_missing_file_is_an_os_error_that_names_it(ending: str, tmp_path: Path) -> None:
    if ending == ".parquet":
        pytest.importorskip("pyarrow")

    with pytest.raises(FileNotFoundError, match="absent"):
        read_matrix(tmp_path / f"absent{ending}")


def test_bytes_behind_the_matrix_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    write_matrix_with_header(tmp_path / "rows.fbin", some_rows(rng, "<f4"))
    with (tmp_path / "rows.fbin").open("ab") as file:
        file.write(b"\0" * 4)

    with pytest.raises(InvalidVectorError, match=r"348 bytes, but 7 rows of 12 columns take 344"):
        read_matrix(tmp_path / "rows.fbin")


def test_a_header_that_promises_more_than_memory_holds_allocates_nothing(tmp_path: Path) -> None:
    (tmp_path / "vast.fbin").write_bytes(np.array([2**32 - 1, 2**32 - 1], dtype="<u4").tobytes() + b"\0" * 64)

    with pytest.raises(InvalidVectorError, match="cut short"):
        read_matrix(tmp_path / "vast.fbin")


def test_a_row_of_another_length_is_named(rng: np.random.Generator, tmp_path: Path) -> None:
    file = tmp_path / "rows.fvecs"
    write_rows_with_lengths(file, some_rows(rng, "<f4", (5, 3)))
    damaged = bytearray(file.read_bytes())
    damaged[2 * 16 : 2 * 16 + 4] = (9).to_bytes(4, "little")
    file.write_bytes(damaged)

    with pytest.raises(InvalidVectorError, match="row 2 says it has 9 columns, expected 3"):
        read_matrix(file)


def test_a_row_that_claims_a_negative_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.fvecs").write_bytes((-4).to_bytes(4, "little", signed=True) + b"\0" * 16)

    with pytest.raises(InvalidVectorError, match="-4 columns"):
        read_matrix(tmp_path / "rows.fvecs")


def test_a_truth_file_with_distances_behind_the_ids_gives_the_ids(rng: np.random.Generator, tmp_path: Path) -> None:
    ids = some_rows(rng, "<i4", (4, 10))
    write_matrix_with_header(tmp_path / "truth.ibin", ids)
    with (tmp_path / "truth.ibin").open("ab") as file:
        file.write(rng.random((4, 10), dtype=np.float32).tobytes())

    np.testing.assert_array_equal(read_matrix(tmp_path / "truth.ibin"), ids)


def test_an_array_that_is_no_matrix_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.arange(4))

    with pytest.raises(DimensionError, match=r"shape \(4,\)"):
        read_matrix(tmp_path / "flat.npy")


def test_an_array_of_objects_is_refused_without_being_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)

    with pytest.raises(InvalidVectorError, match=r"objects\.npy"):
        read_matrix(tmp_path / "objects.npy")


def test_an_unknown_ending_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.csv; known: .*\.fvecs.*\.parquet"):
        read_matrix(tmp_path / "rows.csv")


def test_lists_of_one_length_are_read_from_parquet_and_others_refused(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for name, lists in {
        "even": [[1.0, 2.0], [3.0, 4.0]],
        "odd": [[1.0, 2.0], [3.0]],
        "hole": [[1.0, 2.0], None],
    }.items():
        parquet.write_table(arrow.table({"vector": lists}), tmp_path / f"{name}.parquet")

    assert read_matrix(tmp_path / "even.parquet").tolist() == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(InvalidVectorError, match="row 1 has 1 values, expected 2"):
        read_matrix(tmp_path / "odd.parquet")
    with pytest.raises(InvalidVectorError, match="row 1 is null"):
        read_matrix(tmp_path / "hole.parquet")


def test_a_parquet_file_with_two_list_columns_asks_which(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"a": [[1.0]], "b": [[2.0]]}), tmp_path / "two.parquet")

    assert read_matrix(tmp_path / "two.parquet", column="b").tolist() == [[2.0]]
    with pytest.raises(ValueError, match="list columns: a, b"):
        read_matrix(tmp_path / "two.parquet")
    with pytest.raises(ValueError, match="no list column 'c'"):
        read_matrix(tmp_path / "two.parquet", column="c")

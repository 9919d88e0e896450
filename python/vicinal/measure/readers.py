"""Read one matrix of vectors from a file, whatever its format.

==========================  ====================================================================
ending                      layout (all little-endian)
==========================  ====================================================================
``.npy``                    NumPy's own
``.fvecs .ivecs .bvecs``    every row starts with its length as int32, then float32, int32, uint8
``.fbin .u8bin .i8bin``     two uint32 (rows, columns), then the matrix: float32, uint8, int8
``.ibin``                   the same with int32; ground truths may add a float32 matrix of distances
``.parquet``                one column of lists, of fixed size or all of one length
==========================  ====================================================================

A file's length is compared with what its header promises before anything is read, so that a
download cut short is reported as such and not as strange recall.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import DimensionError, InvalidVectorError

Matrix = NDArray[Any]

VECTOR_COLUMNS = ("vector", "vectors", "embedding", "embeddings", "emb")


def read_matrix(file: str | os.PathLike[str], *, column: str | None = None) -> Matrix:
    """Read one matrix, in the type the file stores.

    Parameters
    ----------
    file : path
        A file with one of the endings listed at the head of this module.
    column : str, optional
        For parquet: the column that holds the vectors. Needed only when several columns hold lists.

    Returns
    -------
    ndarray, shape (n, d)

    Raises
    ------
    FileNotFoundError
        There is no such file.
    InvalidVectorError
        The file is cut short, is longer than its header says, or has rows of different lengths.
    DimensionError
        The file holds something that is not a matrix.
    ValueError
        The ending is unknown.
    ImportError
        Parquet is asked for and pyarrow is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     name = os.path.join(folder, "three.npy")
    ...     np.save(name, np.eye(3, dtype=np.float32))
    ...     read_matrix(name).shape
    (3, 3)
    """
    path = Path(file)
    if path.suffix == ".parquet":
        return _read_parquet(path, column)
    read = _READERS.get(path.suffix)
    if read is None:
        endings = " ".join(sorted([*_READERS, ".parquet"]))
        raise ValueError(f"{path}: do not know how to read {path.suffix or 'a file without ending'}; known: {endings}")
    return read(path)


def require(module: str, purpose: str) -> Any:
    """Import an optional package, or say which extra brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f"{purpose} needs {module}: pip install 'vicinal[readers]'") from error


def _read_npy(path: Path) -> Matrix:
    try:
        matrix = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InvalidVectorError(f"{path}: not a readable .npy file: {error}") from error
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2:
        shape = getattr(matrix, "shape", "several arrays")
        raise DimensionError(f"{path}: holds shape {shape}, expected (rows, columns)")
    return matrix


def _rows_with_lengths(kind: str) -> Callable[[Path], Matrix]:
    """Make a reader of the texmex layout: each row carries its own length."""

    def read(path: Path) -> Matrix:
        size = path.stat().st_size
        if size == 0:
            raise InvalidVectorError(f"{path}: the file is empty")
        if size < 4:
            raise InvalidVectorError(f"{path}: {size} bytes, too short for the first row's length")
        columns = int(np.fromfile(path, dtype="<i4", count=1)[0])
        if columns <= 0:
            raise InvalidVectorError(f"{path}: row 0 says it has {columns} columns, expected at least 1")
        row_bytes = 4 + columns * np.dtype(kind).itemsize
        if size % row_bytes:
            raise InvalidVectorError(
                f"{path}: {size} bytes are not a multiple of {row_bytes}, the size of a row of {columns} columns; "
                f"the file is cut short after row {size // row_bytes - 1} or its rows differ in length"
            )
        rows = np.fromfile(path, dtype=np.dtype([("length", "<i4"), ("values", kind, (columns,))]))
        odd = np.flatnonzero(rows["length"] != columns)
        if odd.size:
            row = int(odd[0])
            raise InvalidVectorError(
                f"{path}: row {row} says it has {rows['length'][row]} columns, expected {columns} as in row 0"
            )
        return np.ascontiguousarray(rows["values"])

    return read


def _matrix_with_header(kind: str, *, may_carry_distances: bool = False) -> Callable[[Path], Matrix]:
    """Make a reader of the big-ann layout: rows, columns, then the matrix."""

    def read(path: Path) -> Matrix:
        size = path.stat().st_size
        if size < 8:
            raise InvalidVectorError(f"{path}: {size} bytes, too short for the header of 8")
        rows, columns = (int(x) for x in np.fromfile(path, dtype="<u4", count=2))
        if columns == 0:
            raise InvalidVectorError(f"{path}: the header says 0 columns, expected at least 1")
        expected = 8 + rows * columns * np.dtype(kind).itemsize
        sizes = [expected, 2 * expected - 8] if may_carry_distances else [expected]
        if size not in sizes:
            raise InvalidVectorError(
                f"{path}: {size} bytes, but {rows} rows of {columns} columns take {' or '.join(map(str, sizes))}; "
                f"the file is cut short or its ending does not match its type"
            )
        return np.fromfile(path, dtype=kind, count=rows * columns, offset=8).reshape(rows, columns)

    return read


def _read_parquet(path: Path, column: str | None) -> Matrix:
    parquet = require("pyarrow.parquet", "reading .parquet")
    types = require("pyarrow", "reading .parquet").types
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        file = parquet.ParquetFile(path)
    except (ValueError, OSError) as error:
        raise InvalidVectorError(f"{path}: not a readable .parquet file: {error}") from error
    lists = [
        field.name
        for field in file.schema_arrow
        if types.is_list(field.type) or types.is_large_list(field.type) or types.is_fixed_size_list(field.type)
    ]
    name = _choose_column(path, lists, column)
    table = file.read(columns=[name])
    vectors = table.column(name).combine_chunks()
    if vectors.null_count:
        row = int(np.flatnonzero(np.asarray(vectors.is_null()))[0])
        raise InvalidVectorError(f"{path}: column {name!r} row {row} is null, expected a vector")
    lengths = np.asarray(vectors.value_lengths()) if len(vectors) else np.zeros(0, dtype=np.int64)
    if lengths.size == 0:
        raise InvalidVectorError(f"{path}: column {name!r} has no rows")
    odd = np.flatnonzero(lengths != lengths[0])
    if odd.size:
        row = int(odd[0])
        raise InvalidVectorError(
            f"{path}: column {name!r} row {row} has {lengths[row]} values, expected {lengths[0]} as in row 0"
        )
    values = vectors.flatten()
    if values.null_count:
        row = int(np.flatnonzero(np.asarray(values.is_null()))[0]) // int(lengths[0])
        raise InvalidVectorError(f"{path}: column {name!r} row {row} holds a null value")
    return np.asarray(values).reshape(len(lengths), int(lengths[0]))


def _choose_column(path: Path, lists: list[str], column: str | None) -> str:
    if column is not None:
        if column not in lists:
            raise ValueError(f"{path}: no list column {column!r}; list columns: {', '.join(lists) or 'none'}")
        return column
    known = [name for name in lists if name.lower() in VECTOR_COLUMNS]
    candidates = lists if len(lists) == 1 else known
    if len(candidates) != 1:
        raise ValueError(
            f"{path}: cannot tell which column holds the vectors; "
            f"list columns: {', '.join(lists) or 'none'}; say which with column="
        )
    return candidates[0]


_READERS: dict[str, Callable[[Path], Matrix]] = {
    ".npy": _read_npy,
    ".fvecs": _rows_with_lengths("<f4"),
    ".ivecs": _rows_with_lengths("<i4"),
    ".bvecs": _rows_with_lengths("u1"),
    ".fbin": _matrix_with_header("<f4"),
    ".u8bin": _matrix_with_header("u1"),
    ".i8bin": _matrix_with_header("i1"),
    ".ibin": _matrix_with_header("<i4", may_carry_distances=True),
}

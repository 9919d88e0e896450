"""Rows from wherever they are, a bounded number at a time, each with its id."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.arrays import IdsLike, VectorsLike, id_numbers
from vicinal.errors import DimensionError, InvalidVectorError

__all__ = ["Source", "batches_of"]

BATCH_BYTES = 64 << 20
BINARY = {".fbin": "<f4", ".u8bin": "u1", ".i8bin": "i1"}
VECTOR_COLUMNS = ("vector", "vectors", "embedding", "embeddings", "emb")

Source = VectorsLike | str | os.PathLike[str] | Iterable[Any]
Batch = tuple[NDArray[np.int64], Any]  # ids, rows


def batches_of(source: Source, ids: IdsLike | str | None, column: str | None) -> Iterator[Batch]:
    """Yield (ids, rows) in the source's order; files are read as they are needed.

    Raises
    ------
    DimensionError
        There are more or fewer ids than rows.
    InvalidVectorError, ValueError, OSError
        A file is cut short, of unknown ending, or cannot be read.
    """
    if isinstance(ids, str):
        yield from _with_ids_inside(_opened(source, column, ids), ids)
        return
    numbers = None if ids is None else id_numbers(ids)
    first = 0
    for _, rows in _opened(source, column, None):
        count = len(rows)
        if numbers is None:
            yield np.arange(first, first + count, dtype=np.int64), rows
        elif first + count > len(numbers):
            raise DimensionError(f"ids has shape ({len(numbers)},), expected one for each row: there are more rows")
        else:
            yield numbers[first : first + count], rows
        first += count
    if numbers is not None and first != len(numbers):
        raise DimensionError(f"ids has shape ({len(numbers)},), expected ({first},): one for each row of source")


def _with_ids_inside(opened: Iterator[tuple[Any, Any]], name: str) -> Iterator[Batch]:
    for numbers, rows in opened:
        if numbers is None:
            raise ValueError(f"ids is {name!r}, the name of a column, but source is no Parquet file and no Arrow table")
        yield id_numbers(numbers, name), rows


def _opened(source: Source, column: str | None, ids: str | None) -> Iterator[tuple[Any, Any]]:
    """Yield (ids or None, rows)."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.suffix == ".parquet":
            for batch in _parquet(path).iter_batches(batch_size=_parquet_rows(path)):
                yield _columns(batch, column, ids)
            return
        source = _mapped(path)
    if hasattr(source, "to_batches"):  # an Arrow table
        batches: Iterable[Any] = source.to_batches()
        yield from (_columns(batch, column, ids) for batch in batches)
    elif isinstance(source, (list, tuple)) or hasattr(source, "shape") or hasattr(source, "__dlpack__"):
        yield from _pieces(source)
    elif hasattr(source, "value_lengths"):  # an Arrow array
        yield None, source
    elif isinstance(source, Iterable):
        for batch in source:
            yield _columns(batch, column, ids) if hasattr(batch, "schema") else (None, batch)
    else:
        raise TypeError(f"source is {type(source).__name__}, expected vectors, a file, or an iterable of batches")


def _pieces(source: Any) -> Iterator[tuple[None, Any]]:
    array = source if isinstance(source, np.ndarray) or hasattr(source, "__dlpack__") else np.asarray(source)
    if array.ndim != 2:
        raise DimensionError(f"source has shape {tuple(array.shape)}, expected (n, dim)")
    step = max(1, BATCH_BYTES // max(1, 8 * array.shape[1]))
    for first in range(0, max(len(array), 1), step):
        yield None, array[first : first + step]


def _mapped(path: Path) -> NDArray[Any]:
    if path.suffix == ".npy":
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
        except (ValueError, EOFError) as error:
            raise InvalidVectorError(f"{path}: not a readable .npy file: {error}") from error
    if path.suffix not in BINARY:
        known = " ".join([".npy", *BINARY, ".parquet"])
        raise ValueError(f"{path}: do not know how to read {path.suffix or 'a file without ending'}; known: {known}")
    size, element = path.stat().st_size, np.dtype(BINARY[path.suffix])
    if size < 8:
        raise InvalidVectorError(f"{path}: {size} bytes, too short for the header of 8")
    rows, width = (int(number) for number in np.fromfile(path, dtype="<u4", count=2))
    if size != 8 + rows * width * element.itemsize:
        raise InvalidVectorError(
            f"{path}: {size} bytes, but {rows} rows of {width} columns take {8 + rows * width * element.itemsize}"
        )
    if rows * width == 0:
        return np.empty((rows, width), dtype=element)
    return np.memmap(path, dtype=element, mode="r", offset=8, shape=(rows, width))


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("reading .parquet needs pyarrow: pip install 'vicinal[readers]'") from error
    if not path.exists():
        raise FileNotFoundError(2, "no such file", str(path))
    try:
        return parquet.ParquetFile(path)
    except (ValueError, OSError) as error:
        raise InvalidVectorError(f"{path}: not a readable .parquet file: {error}") from error


def _parquet_rows(path: Path) -> int:
    """How many rows fill a batch, by what a row takes in the file when it is not compressed."""
    facts = _parquet(path).metadata
    total: int = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
    rows: int = facts.num_rows
    return max(1, BATCH_BYTES // max(1, total // max(1, rows)))


def _columns(batch: Any, column: str | None, ids: str | None) -> tuple[Any, Any]:
    """Return the ids, if they are a column, and the rows of an Arrow record batch."""
    import pyarrow

    names = batch.schema.names
    for name in (column, ids):
        if name is not None and name not in names:
            raise ValueError(f"source has no column {name!r}; columns: {', '.join(names)}")
    if column is None:
        kinds = pyarrow.types
        lists = [
            field.name
            for field in batch.schema
            if kinds.is_list(field.type) or kinds.is_large_list(field.type) or kinds.is_fixed_size_list(field.type)
        ]
        known = lists if len(lists) == 1 else [name for name in lists if name.lower() in VECTOR_COLUMNS]
        if len(known) != 1:
            raise ValueError(f"source: say which column holds the vectors with column=; lists: {', '.join(lists)}")
        column = known[0]
    return None if ids is None else batch.column(ids), _rows_of_lists(batch.column(column), column)


def _rows_of_lists(vectors: Any, name: str) -> Any:
    if hasattr(vectors.type, "list_size") or hasattr(vectors, "storage"):
        return vectors
    if vectors.null_count:
        raise InvalidVectorError(f"column {name!r} holds a null, expected a vector in each row")
    lengths = np.asarray(vectors.value_lengths())
    width = int(lengths[0]) if len(lengths) else 0
    if (lengths != width).any():
        row = int(np.flatnonzero(lengths != width)[0])
        raise InvalidVectorError(f"column {name!r} has {lengths[row]} values in a row, expected {width} as in others")
    return np.asarray(vectors.flatten()).reshape(len(lengths), width)

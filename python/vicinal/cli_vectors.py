"""Where the commands take vectors from: a file, a set by its name, or standard input."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import DimensionError, InvalidVectorError

FORMATS = ".npy, .npz, .fvecs, .bvecs, .fbin, .u8bin, .i8bin, .hdf5, .parquet"
SOURCES = f"{FORMATS}; -: standard input, an .npy stream or a vector a line"

_NPY = b"\x93NUMPY"
_HERE = "standard input"


def read_base(source: str, *, metric: str | None, column: str | None) -> tuple[NDArray[Any], str]:
    """Read the vectors to index, and the metric they are meant for: the one given, the file's, or l2."""
    from vicinal.measure.load import load_base

    if source == "-":
        return read_standard_input(), metric or "l2"
    return load_base(source, metric=metric, column=column)


def read_queries(source: str, *, column: str | None) -> NDArray[Any]:
    """Read the vectors to search for: of a file that holds a whole set, its queries, or else its vectors."""
    from vicinal.measure.bundles import BUNDLE_READERS
    from vicinal.measure.load import path_of
    from vicinal.measure.readers import read_matrix

    if source == "-":
        return read_standard_input()
    path = path_of(source)
    reader = BUNDLE_READERS.get(path.suffix)
    if reader is None:
        return read_matrix(path, column=column)
    bundle = reader(path)
    return bundle.base if bundle.query is None else bundle.query


def read_standard_input() -> NDArray[Any]:
    """Read an .npy stream, or lines with a vector each: numbers apart by blanks or commas, or a JSON list.

    Raises
    ------
    InvalidVectorError
        Nothing came, a line holds something else, or lines differ in length.
    DimensionError
        The stream holds no matrix. A single vector is a matrix of one row.
    """
    content = sys.stdin.buffer.read()
    return _from_stream(content) if content.startswith(_NPY) else _from_lines(content)


def _from_stream(content: bytes) -> NDArray[Any]:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InvalidVectorError(f"{_HERE}: not a readable .npy stream: {error}") from error
    if array.ndim not in (1, 2):
        raise DimensionError(f"{_HERE}: holds shape {array.shape}, expected (rows, columns)")
    return np.atleast_2d(array)


def _from_lines(content: bytes) -> NDArray[np.float32]:
    rows: list[list[float]] = []
    # What is no text holds no numbers either, and is told as such.
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        row = _numbers(line, number)
        if rows and len(row) != len(rows[0]):
            raise InvalidVectorError(
                f"{_HERE}: line {number} holds {len(row)} numbers, expected {len(rows[0])} as in the first"
            )
        rows.append(row)
    if not rows:
        raise InvalidVectorError(f"{_HERE}: nothing came, expected an .npy stream or a vector a line")
    return np.asarray(rows, dtype=np.float32)


def _numbers(line: str, number: int) -> list[float]:
    try:
        listed = json.loads(line) if line.lstrip().startswith("[") else line.replace(",", " ").split()
        return [float(value) for value in listed]
    except (ValueError, TypeError):
        shown = line if len(line) <= 40 else line[:40] + "..."
        raise InvalidVectorError(f"{_HERE}: line {number} is {shown!r}, expected numbers") from None

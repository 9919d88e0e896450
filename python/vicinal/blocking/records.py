"""The gate for tables: whatever holds records comes in, columns of text go out.

Nothing is imported for it: a frame or an Arrow table can only be handed in by someone who has its library loaded, CSV
is read by the standard library, and Parquet asks for pyarrow (extra ``readers``).
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import InvalidVectorError

__all__ = ["Records", "read_records"]


class Records:
    """A table as columns of text, all of one length.

    Parameters
    ----------
    columns : mapping of str to list of str
        What each record says, by column; a missing value is an empty text.

    Examples
    --------
    >>> shop = Records({"id": ["7", "8"], "name": ["blue lamp", "red chair"], "price": ["9", ""]})
    >>> len(shop), shop.texts()
    (2, ['blue lamp 9', 'red chair'])
    """

    def __init__(self, columns: Mapping[str, list[str]]) -> None:
        self.columns = dict(columns)
        self.length = len(next(iter(self.columns.values()), []))

    def __len__(self) -> int:
        return self.length

    def column(self, name: str) -> list[str]:
        """Return a column, or say which there are.

        Raises
        ------
        ValueError
            There is no such column.
        """
        if name not in self.columns:
            raise ValueError(f"column {name!r} is not in the table; its columns: {', '.join(self.columns) or 'none'}")
        return self.columns[name]

    def texts(self, columns: Sequence[str] | None = None) -> list[str]:
        """Return each record's values in one text; without `columns` all but ids (``id`` and ``..._id``)."""
        chosen = columns if columns is not None else [name for name in self.columns if not _is_id(name)]
        values = [self.column(name) for name in chosen]
        return [" ".join(filter(None, row)) for row in zip(*values, strict=True)] if values else [""] * len(self)


def _is_id(name: str) -> bool:
    return name.lower() == "id" or name.lower().endswith("_id")


def read_records(table: Any, name: str = "A") -> Records:
    """Open a table.

    Parameters
    ----------
    table : list of dict, list of str, mapping, pandas or polars frame, Arrow table, or path of .csv or .parquet
        A mapping gives columns by name; a list of texts is a table of one column, ``text``.
    name : str
        What messages call the table.

    Returns
    -------
    Records

    Raises
    ------
    FileNotFoundError, ImportError
        There is no such file; it is Parquet and pyarrow is not installed.
    TypeError, ValueError
        This holds no records, or columns of different lengths.

    Examples
    --------
    >>> read_records([{"name": "lamp", "price": 9}, {"name": "chair"}]).columns
    {'name': ['lamp', 'chair'], 'price': ['9', '']}
    """
    if isinstance(table, Records):
        return table
    if isinstance(table, (str, os.PathLike)):
        return _from_file(Path(table), name)
    if isinstance(table, Mapping):
        return _from_columns(table, name)
    for method, arguments in (("to_pydict", {}), ("to_dicts", {}), ("to_dict", {"orient": "list"})):
        if hasattr(table, method):  # Arrow, polars, pandas
            return read_records(getattr(table, method)(**arguments), name)
    if isinstance(table, Iterable) and not isinstance(table, (bytes, np.ndarray)):
        return _from_rows(list(table), name)
    raise TypeError(
        f"{name} is {type(table).__name__}, expected a list of dicts or of texts, a pandas or polars frame, an Arrow "
        "table, or a path of .csv or .parquet"
    )


def filled_texts(records: Records, columns: Sequence[str] | None, name: str) -> list[str]:
    """Return the records' texts; a record without any is refused, since nothing could ever pair it.

    Raises
    ------
    InvalidVectorError
        A record's text is empty.
    """
    texts = records.texts(columns)
    for row, text in enumerate(texts):
        if not text.strip():
            raise InvalidVectorError(f"{name} record {row} has no text, expected at least one filled column; drop it")
    return texts


def group_numbers(keys_a: Sequence[Any], keys_b: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return numbers that are equal where keys are; an empty key is -1 and equal to nothing."""
    numbers: dict[Any, int] = {}

    def numbered(keys: Sequence[Any]) -> NDArray[np.int64]:
        return np.array([-1 if _blank(key) else numbers.setdefault(key, len(numbers)) for key in keys], np.int64)

    return numbered(keys_a), numbered(keys_b)


def _blank(key: Any) -> bool:
    return key is None or key == "" or (isinstance(key, tuple) and any(_blank(part) for part in key))


def _from_rows(rows: list[Any], name: str) -> Records:
    if all(isinstance(row, str) for row in rows):
        return Records({"text": rows})
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise TypeError(f"{name} record {number} is {type(row).__name__}, expected a dict as every record")
    names = dict.fromkeys(key for row in rows for key in row)
    return Records({str(key): [_text(row.get(key)) for row in rows] for key in names})


def _from_columns(columns: Mapping[Any, Any], name: str) -> Records:
    texts = {str(key): [_text(value) for value in values] for key, values in columns.items()}
    lengths = {key: len(values) for key, values in texts.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{name} has columns of different lengths: {lengths}")
    return Records(texts)


def _from_file(path: Path, name: str) -> Records:
    if path.suffix == ".parquet":
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise ImportError("reading .parquet needs pyarrow: pip install 'vicinal[readers]'") from error
        return _from_columns(parquet.read_table(path).to_pydict(), name)
    if path.suffix != ".csv":
        raise ValueError(
            f"{path}: do not know how to read {path.suffix or 'a file without ending'}; known: .csv .parquet"
        )
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    if not lines:
        raise ValueError(f"{path}: the file is empty, expected a line that names the columns")
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(lines[0]):
            raise ValueError(
                f"{path}: record {number - 2} has {len(line)} values, expected {len(lines[0])} as the header"
            )
    return Records({key: [line[at] for line in lines[1:]] for at, key in enumerate(lines[0])})


def _text(value: Any) -> str:
    if value is None or (isinstance(value, (float, np.floating)) and value != value):
        return ""
    return str(value)

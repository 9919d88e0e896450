"""The file of a MultiVectorIndex: what it says of itself, then its arrays end to end.

Eight letters, the length of a page of JSON and its checksum (two numbers of 64 bits), the page, the arrays. The page
names each array's type, shape and checksum, so that nothing is allocated that is not there. A checksum is CRC-32: it
finds accidents; what a crafted file says is looked at by whoever uses it.
"""

from __future__ import annotations

import json
import os
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import CorruptIndexError, FormatTooNewError, NotAnIndexError
from vicinal.files import replace_file

__all__ = ["read_parts", "write_parts"]

LETTERS = b"vicinMV\x01"
FORMAT = 1
TYPES = ("float16", "float32", "int64", "uint32", "uint8")


def write_parts(path: str | os.PathLike[str], about: dict[str, Any], parts: dict[str, NDArray[Any]]) -> None:
    """Replace a file all or nothing. Raises OSError."""
    listed = {
        name: {"type": part.dtype.name, "shape": part.shape, "crc": _checksum(part)} for name, part in parts.items()
    }
    page = json.dumps({"format": FORMAT, "about": about, "parts": listed}).encode()
    head = np.array([len(page), zlib.crc32(page)], "<u8")
    replace_file(path, [LETTERS, head, page, *(_bytes_of(part) for part in parts.values())])


def read_parts(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a file says of itself, and its arrays. Raises NotAnIndexError, CorruptIndexError, OSError."""
    name = os.fsdecode(path)
    data = Path(name).read_bytes()
    if data[: len(LETTERS)] != LETTERS:
        raise NotAnIndexError(f"{name} is no index of documents")
    start = len(LETTERS) + 16
    if len(data) < start:
        raise CorruptIndexError(f"{name} is damaged: it ends after {len(data)} bytes")
    length, crc = (int(number) for number in np.frombuffer(data, "<u8", 2, len(LETTERS)))
    page = data[start : start + length] if length <= len(data) - start else b""
    if not page or zlib.crc32(page) != crc:
        raise CorruptIndexError(f"{name} is damaged: the checksum of its page does not fit")
    try:
        said = json.loads(page)
        number = said["format"]
        if isinstance(number, int) and number > FORMAT:
            raise FormatTooNewError(f"{name} has format {number}, this version reads up to {FORMAT}")
        parts, at = {}, start + length
        for part, fact in said["parts"].items():
            parts[part], at = _array_at(data, at, fact, f"{name} is damaged: {part}")
        about = dict(said["about"])
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        if isinstance(error, (CorruptIndexError, FormatTooNewError)):
            raise
        raise CorruptIndexError(f"{name} is damaged: its page does not say what it has to: {error}") from error
    if at != len(data):
        raise CorruptIndexError(f"{name} is damaged: {len(data) - at} bytes follow the last part")
    return about, parts


def _array_at(data: bytes, at: int, fact: dict[str, Any], where: str) -> tuple[NDArray[Any], int]:
    shape = tuple(fact["shape"])
    if fact["type"] not in TYPES or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise CorruptIndexError(f"{where} is of type {fact['type']} and shape {shape}")
    kind = np.dtype(fact["type"])
    count = prod(shape)
    if count * kind.itemsize > len(data) - at:
        raise CorruptIndexError(f"{where} takes {count * kind.itemsize} bytes, but {len(data) - at} are left")
    array = np.frombuffer(data, kind, count, at).reshape(shape)
    if _checksum(array) != fact["crc"]:
        raise CorruptIndexError(f"{where} has another checksum than the page says")
    return array, at + array.nbytes


def _bytes_of(part: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(part).reshape(-1).view(np.uint8)


def _checksum(part: NDArray[Any]) -> int:
    return zlib.crc32(_bytes_of(part).data)

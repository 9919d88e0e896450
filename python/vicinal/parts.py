"""Files of named arrays: what a file says of itself, then its arrays end to end.

Eight letters that tell the kind of file, the length of a page of JSON and its checksum (two numbers of 64 bits), the
page, the arrays. The page names each array's type, shape and checksum, so that nothing is allocated that is not there.
A checksum is CRC-32: it finds accidents; what a crafted file says is looked at by whoever uses it.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import CorruptIndexError, FormatTooNewError, NotAnIndexError
from vicinal.files import replace_file

__all__ = ["PartsFile"]

TYPES = ("float16", "float32", "float64", "int64", "uint32", "uint8")


@dataclass(frozen=True)
class PartsFile:
    """A kind of file.

    Attributes
    ----------
    letters : bytes
        The first eight of each such file.
    what : str
        What messages call what is in it.
    format : int
        The newest that is known.
    """

    letters: bytes
    what: str
    format: int = 1

    def write(self, path: str | os.PathLike[str], about: dict[str, Any], parts: dict[str, NDArray[Any]]) -> None:
        """Replace a file all or nothing. Raises OSError."""
        listed = {
            name: {"type": part.dtype.name, "shape": part.shape, "crc": _checksum(part)} for name, part in parts.items()
        }
        page = json.dumps({"format": self.format, "about": about, "parts": listed}).encode()
        head = np.array([len(page), zlib.crc32(page)], "<u8")
        replace_file(path, [self.letters, head, page, *(_bytes_of(part) for part in parts.values())])

    def read(self, path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what a file says of itself, and its arrays, which cannot be written to.

        Raises
        ------
        NotAnIndexError, CorruptIndexError, FormatTooNewError, OSError
        """
        name = os.fsdecode(path)
        data = Path(name).read_bytes()
        if data[: len(self.letters)] != self.letters:
            raise NotAnIndexError(f"{name} holds no {self.what}")
        start = len(self.letters) + 16
        if len(data) < start:
            raise CorruptIndexError(f"{name} is damaged: it ends after {len(data)} bytes")
        length, crc = (int(number) for number in np.frombuffer(data, "<u8", 2, len(self.letters)))
        page = data[start : start + length] if length <= len(data) - start else b""
        if not page or zlib.crc32(page) != crc:
            raise CorruptIndexError(f"{name} is damaged: the checksum of its page does not fit")
        try:
            said = json.loads(page)
            number = said["format"]
            if isinstance(number, int) and number > self.format:
                raise FormatTooNewError(f"{name} has format {number}, this version reads up to {self.format}")
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

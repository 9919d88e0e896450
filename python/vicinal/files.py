"""Files that are replaced all or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["replace_file"]


def replace_file(path: str | os.PathLike[str], parts: Iterable[bytes | NDArray[Any]]) -> None:
    """Write a file under another name, wait until the device has it, and give it the name.

    Raises
    ------
    OSError
        The old file is then as it was, unless only the wait for the folder failed.
    """
    name = Path(os.fsdecode(path))
    fresh = name.with_name(f"{name.name}.tmp-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with fresh.open("wb") as file:
            for part in parts:
                file.write(part if isinstance(part, bytes) else np.ascontiguousarray(part).view(np.uint8).data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(name)
    finally:
        fresh.unlink(missing_ok=True)
    _sync_folder(name.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # where folders cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

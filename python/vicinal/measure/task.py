"""What an engine is asked to do, and what its build cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Task:
    """What an engine is asked to do.

    Attributes
    ----------
    base, queries : ndarray
    metric : str
    k, build_threads, search_threads : int
    keep : Path or None
        A folder where built indexes are kept for another run, of engines that can be kept.
    """

    base: NDArray[Any]
    queries: NDArray[Any]
    metric: str
    k: int
    build_threads: int
    search_threads: int
    keep: Path | None = None


@dataclass(frozen=True)
class Built:
    """What a build cost.

    Attributes
    ----------
    seconds : float
    reported_bytes : int or None
        By the library's own account.
    resident_bytes : int or None
        Growth of the process's private memory; None where it cannot be told from other engines'.
    instructions : str or None
        The instruction set in use, where the library tells.
    kept : bool
        The index was kept from an earlier run: so the other figures are that run's.
    """

    seconds: float
    reported_bytes: int | None
    resident_bytes: int | None = None
    instructions: str | None = None
    kept: bool = False

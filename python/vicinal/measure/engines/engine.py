"""What the measurements need of an engine: build, search, memory, and a knob for the effort."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[Any]
Ids = NDArray[Any]


class Engine(ABC):
    """One index of one library with fixed settings.

    A subclass imports its library inside methods only, so that a missing library is found out
    when the engine is asked for, and is then reported as missing.

    Parameters
    ----------
    M : int
        Links per node above level 0; graphs of one level have twice as many.
    ef_construction : int
        Width of the beam that builds the graph.

    Attributes
    ----------
    name : str
        Of the kind, or of one of its configurations ("faiss-m32"), which `make_engine` then sets.
    can_be_kept : bool
        Whether `store` and `restore` work.
    """

    name: str
    package: ClassVar[str]
    module: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]] = ("l2", "ip", "cosine")
    can_be_kept: ClassVar[bool] = False

    def __init__(self, *, M: int = 16, ef_construction: int = 200) -> None:
        self.M = M
        self.ef_construction = ef_construction

    @abstractmethod
    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Index `base`, shape (n, d), float32 or packed bits, C-contiguous; ids are row numbers."""

    @abstractmethod
    def set_effort(self, effort: int) -> None:
        """Set the width of the search beam (ef) for the searches that follow."""

    @abstractmethod
    def search(self, queries: Rows, k: int) -> Ids:
        """Answer all `queries`, shape (m, d), in one call: ids of shape (m, k), -1 for padding."""

    @abstractmethod
    def memory(self) -> int | None:
        """Count the index's bytes as the library itself reports them; None if it does not."""

    def set_threads(self, threads: int) -> None:  # noqa: B027 - most libraries take it per call
        """Set how many threads `search` may use."""

    def prepare(self, queries: Rows) -> Rows:
        """Bring queries, shape (m, d), into the form the library likes best; not timed."""
        return queries

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Give the library's fastest call for a single query, a row of `prepare`'s result.

        The returned function ends with ids and distances in NumPy arrays.
        """
        return lambda query: self.search(query[None, :], k)

    def count(self, queries: Rows, k: int) -> dict[str, float]:  # noqa: ARG002
        """Answer the queries and give means per query from the library's own counters.

        Keys: "distances", "hops" and what else it counts; empty without counters. Not timed.
        """
        return {}

    def store(self, folder: Path) -> None:
        """Write the built index into `folder`, for `restore` in another process."""
        raise NotImplementedError

    def restore(self, folder: Path, base: Rows, metric: str) -> None:
        """Bring back what `store` wrote of an index of `base` under `metric`, instead of a build."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """Describe the configuration for the report."""
        return {"M": self.M, "ef_construction": self.ef_construction}

    def environment(self) -> dict[str, str]:
        """List environment variables that a process of the engine's own starts with."""
        return {}

    def instructions(self) -> str | None:
        """Name the instruction set of the built index as the library tells it; None if it does not."""
        return None

    def library(self) -> Any:
        """Import the library."""
        return import_module(self.module)

    def version(self) -> str:
        """Give the library's version."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return "unknown"

    def why_missing(self, metric: str) -> str | None:
        """Say why this engine cannot take part, or None if it can."""
        try:
            self.library()
        except ImportError:
            return f"not installed: pip install {self.package}"
        if metric not in self.metrics:
            return f"does not serve {metric}"
        return None


def of_length_one(rows: Rows) -> Rows:
    """Normalize rows for libraries that serve cosine as an inner product.

    Rows that have length one already come back without a copy, which would count as the
    library's memory.
    """
    squares = np.einsum("ij,ij->i", rows, rows)  # unlike a norm, makes no second matrix
    if np.allclose(squares, 1, rtol=0, atol=1e-5):
        return rows
    lengths = np.sqrt(np.where(squares == 0, 1, squares))[:, None]
    scaled: Rows = np.ascontiguousarray(rows / lengths, dtype=np.float32)
    return scaled

"""usearch with float32 or float16 vectors (bits for hamming and jaccard)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vicinal.measure.engines.engine import Engine, Ids, Rows

_METRICS = {"l2": "l2sq", "ip": "ip", "cosine": "cos", "hamming": "hamming", "jaccard": "tanimoto"}


class UsearchEngine(Engine):
    """`usearch.index.Index` without the table of keys, which searching does not need."""

    name = "usearch"
    package = "usearch"
    module = "usearch.index"
    metrics = tuple(_METRICS)
    can_be_kept = True
    dtype: ClassVar[str] = "f32"

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Add all rows in one call."""
        self._index = self._empty(base, metric)
        self._index.add(np.arange(len(base), dtype=np.uint64), base, threads=threads)
        self._threads = 1

    def _empty(self, base: Rows, metric: str) -> Any:
        bits = metric in ("hamming", "jaccard")
        return self.library().Index(
            ndim=base.shape[1] * (8 if bits else 1),
            metric=_METRICS[metric],
            dtype="b1" if bits else self.dtype,
            connectivity=self.M,
            expansion_add=self.ef_construction,
            enable_key_lookups=False,
        )

    def store(self, folder: Path) -> None:
        """Write usearch's own file."""
        self._index.save(str(folder / "index"))

    def restore(self, folder: Path, base: Rows, metric: str) -> None:
        """Read it into memory."""
        self._index = self._empty(base, metric)
        self._index.load(str(folder / "index"))
        self._threads = 1

    def instructions(self) -> str | None:
        """Take the index's own word."""
        return str(self._index.hardware_acceleration)

    def set_effort(self, effort: int) -> None:
        """Set expansion_search."""
        self._index.expansion_search = effort

    def set_threads(self, threads: int) -> None:
        """Keep `threads` for the calls to come."""
        self._threads = threads

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch; places that were not filled become -1."""
        return self._answer(queries, k)[0]

    def _answer(self, queries: Rows, k: int) -> tuple[Ids, Any]:
        matches = self._index.search(queries, k, threads=self._threads)
        if len(queries) == 1:  # a batch of one comes back as a single answer
            ids = np.full((1, k), -1, dtype=np.int64)
            ids[0, : len(matches.keys)] = matches.keys
            return ids, matches
        unfilled = np.arange(k)[None, :] >= np.asarray(matches.counts)[:, None]
        return np.where(unfilled, -1, matches.keys.astype(np.int64)), matches

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Search with a 1-D query."""
        search = self._index.search

        def ask(query: Rows) -> object:
            matches = search(query, k, threads=1)
            return matches.keys, matches.distances

        return ask

    def count(self, queries: Rows, k: int) -> dict[str, float]:
        """Read the counters that come with every answer."""
        matches = self._answer(queries, k)[1]
        return {
            "distances": matches.computed_distances / len(queries),
            "hops": matches.visited_members / len(queries),
        }

    def memory(self) -> int | None:
        """Take the library's own figure, allocated but unused space included."""
        return int(self._index.memory_usage)

    def settings(self) -> dict[str, Any]:
        """Add the precision of the vectors."""
        return {**super().settings(), "dtype": self.dtype}


class UsearchHalf(UsearchEngine):
    """The same over float16 vectors: half the bytes, and hardly another recall."""

    name = "usearch-f16"
    dtype = "f16"
    metrics = ("l2", "ip", "cosine")

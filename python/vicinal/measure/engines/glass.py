"""glass (pyglass, built from its source): HNSW walked on 8-bit codes, re-ranked on float16."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vicinal.measure.engines.engine import Engine, Ids, Rows, of_length_one


class GlassEngine(Engine):
    """`glass.Index` and `glass.Searcher`; its degree is 2M. cosine is an inner product of rows of length one."""

    name = "glass"
    package = "glassppy"
    module = "glass"

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Build the graph, code the rows, and let the library choose its prefetching for one thread."""
        glass = self.library()
        glass.set_num_threads(threads)
        self._metric = metric
        rows = of_length_one(base) if metric == "cosine" else np.asarray(base)
        unit = "L2" if metric == "l2" else "IP"
        graph = glass.Index(index_type="HNSW", metric=unit, quant="SQ8U", R=2 * self.M, L=self.ef_construction)
        self._index = glass.Searcher(graph.build(rows), rows, unit, "SQ8U", "FP16")
        self._index.set_ef(64)
        self._index.optimize(1)
        self._threads = 1

    def set_effort(self, effort: int) -> None:
        """Set ef."""
        self._index.set_ef(effort)

    def set_threads(self, threads: int) -> None:
        """Keep `threads` for the batches to come."""
        self._threads = threads

    def prepare(self, queries: Rows) -> Rows:
        """Normalize for cosine."""
        return of_length_one(queries) if self._metric == "cosine" else queries

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch."""
        ids: Ids = self._index.batch_search(queries, k, self._threads)[0]
        return ids

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Search with a 1-D query."""
        search = self._index.search
        return lambda query: search(query, k)

    def memory(self) -> int | None:
        """Say nothing: the library does not."""
        return None

    def settings(self) -> dict[str, Any]:
        """Name the degree instead of M, and the codes."""
        return {"degree": 2 * self.M, "L": self.ef_construction, "codes": "SQ8U, re-ranked on FP16"}

    def why_missing(self, metric: str) -> str | None:
        """Point to the source: no wheel is published."""
        why = super().why_missing(metric)
        return "not installed: build pyglass from its source, with pybind11 < 3" if why and "pip" in why else why

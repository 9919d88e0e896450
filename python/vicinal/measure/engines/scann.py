"""ScaNN: a partitioning tree, anisotropic 4-bit codes scanned in registers, and exact re-ranking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vicinal.measure.engines.engine import Engine, Ids, Rows, of_length_one

# Rows whose codes are read for each that is ranked exactly: of 10 to 480, the fastest on minilm-debian.
_SCANNED_PER_CANDIDATE = 240
# The authors' advice: √n leaves, two dimensions a code.
_DIMENSIONS_PER_CODE = 2
_ANISOTROPIC_THRESHOLD = 0.2  # for inner products; plain codes for l2


class ScannEngine(Engine):
    """`scann.scann_ops_pybind` with a tree, codes and re-ranking.

    The effort is the number of candidates that are ranked exactly; the leaves that are searched for
    them follow from it.
    """

    name = "scann"
    package = "scann"
    module = "scann"
    can_be_kept = True

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Train tree and codes, and code all rows."""
        self._take(base, metric)
        rows = of_length_one(base) if metric == "cosine" else np.asarray(base)
        by_distance = metric == "l2"
        builder = self.library().scann_ops_pybind.builder(rows, 10, "squared_l2" if by_distance else "dot_product")
        self._index = (
            builder.set_n_training_threads(threads)
            .tree(self._leaves, 1, training_sample_size=len(rows), spherical=not by_distance, quantize_centroids=True)
            .score_ah(
                _DIMENSIONS_PER_CODE,
                anisotropic_quantization_threshold=float("nan") if by_distance else _ANISOTROPIC_THRESHOLD,
            )
            .reorder(100)
            .build()
        )

    def _take(self, base: Rows, metric: str) -> None:
        self._rows, self._metric, self._threads = len(base), metric, 1
        self._leaves = max(1, round(len(base) ** 0.5))

    def store(self, folder: Path) -> None:
        """Write its own files."""
        self._index.serialize(str(folder))

    def restore(self, folder: Path, base: Rows, metric: str) -> None:
        """Read them."""
        self._take(base, metric)
        self._index = self.library().scann_ops_pybind.load_searcher(str(folder))

    def set_effort(self, effort: int) -> None:
        """Set candidates, and leaves that hold so many rows for each."""
        self._candidates = effort
        self._searched = max(1, min(self._leaves, round(_SCANNED_PER_CANDIDATE * effort * self._leaves / self._rows)))

    def set_threads(self, threads: int) -> None:
        """Keep `threads` for the batches to come."""
        self._threads = threads
        self._index.set_num_threads(threads)

    def prepare(self, queries: Rows) -> Rows:
        """Normalize for cosine, which is served as an inner product."""
        return of_length_one(queries) if self._metric == "cosine" else queries

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch; places that were not filled become -1."""
        ask = self._index.search_batched if self._threads == 1 else self._index.search_batched_parallel
        ids = ask(queries, k, max(k, self._candidates), self._searched)[0].astype(np.int64)
        return np.where(ids < self._rows, ids, -1)

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Search with a 1-D query."""
        search, candidates, searched = self._index.search, max(k, self._candidates), self._searched
        return lambda query: search(query, k, candidates, searched)

    def memory(self) -> int | None:
        """Say nothing: the library does not."""
        return None

    def settings(self) -> dict[str, Any]:
        """Describe tree and codes; M and ef_construction belong to graphs."""
        return {"leaves": "√n", "dimensions_per_code": _DIMENSIONS_PER_CODE, "reorder": True}

"""faiss-cpu's inverted lists: 4-bit product codes scanned in registers, and exact re-ranking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vicinal.measure.engines.engine import Ids, Rows, of_length_one
from vicinal.measure.engines.faiss import FaissFlat

# √n lists, and so many rows whose codes are read for each that is ranked exactly: the fastest on minilm-debian from
# 0.9 to 0.999, of 1 to 4 √n lists and 10 to 640 rows.
_SCANNED_PER_CANDIDATE = 320


class FaissFastScan(FaissFlat):
    """IndexIVFPQFastScan under IndexRefineFlat.

    The effort is the number of candidates that are ranked exactly; the lists that are probed for
    them follow from it.
    """

    name = "faiss-ivfpq"
    metrics = ("l2", "ip", "cosine")

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Train the lists and the codes, then add all rows in one call."""
        faiss = self.library()
        faiss.omp_set_num_threads(threads)
        self._metric = metric
        rows, columns = base.shape
        lists = max(1, min(rows // 39, round(rows**0.5)))  # faiss wants 39 rows a list to train on
        parts = columns // 2 if columns % 2 == 0 else columns
        unit = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
        self._index = faiss.index_factory(columns, f"IVF{lists},PQ{parts}x4fs,RFlat", unit)
        vectors = of_length_one(base) if metric == "cosine" else base
        self._index.train(vectors)
        self._index.add(vectors)
        self._take_apart(faiss)

    def _take_apart(self, faiss: Any) -> None:
        self._refined = faiss.downcast_index(self._index)
        self._lists = faiss.extract_index_ivf(self._refined.base_index)

    def set_effort(self, effort: int) -> None:
        """Set the lists to probe and keep the number of candidates, which faiss takes as a multiple of k."""
        lists = self._lists
        lists.nprobe = max(1, min(lists.nlist, round(_SCANNED_PER_CANDIDATE * effort * lists.nlist / lists.ntotal)))
        self._candidates = effort

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch."""
        self._refined.k_factor = max(1.0, self._candidates / k)
        return super().search(queries, k)

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Search with result arrays made beforehand."""
        self._refined.k_factor = max(1.0, self._candidates / k)
        return super().one_query(k)

    def count(self, queries: Rows, k: int) -> dict[str, float]:
        """Count what was scanned and probed, by faiss's own counters; the re-ranking is not in them."""
        faiss = self.library()
        statistics = faiss.cvar.indexIVF_stats
        statistics.reset()
        self.search(queries, k)
        return {"distances": statistics.ndis / len(queries), "hops": statistics.nlist / len(queries)}

    def memory(self) -> int | None:
        """Add up codes, ids, centers and the full rows."""
        faiss = self.library()
        lists = self._lists
        codes = lists.ntotal * (lists.code_size + np.dtype(np.int64).itemsize)
        centers = lists.nlist * lists.d * np.dtype(np.float32).itemsize
        return int(codes + centers + faiss.downcast_index(self._refined.refine_index).codes.size())

    def settings(self) -> dict[str, Any]:
        """Leave out what belongs to graphs."""
        return {"lists": "√n", "codes": "PQ(d/2)x4fs", "refine": "flat"}

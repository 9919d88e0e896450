"""faiss-cpu's graphs: HNSW over floats, over 8-bit codes, and over codes with exact re-ranking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vicinal.measure.engines.engine import Engine, Ids, Rows, of_length_one

# The refined index takes this many times k candidates from the codes and ranks them exactly; two
# suffice for 8-bit codes, and more slow it down.
_REFINE_FACTOR = 2


class FaissFlat(Engine):
    """IndexHNSWFlat; IndexBinaryHNSW for hamming. cosine is an inner product of rows of length one."""

    name = "faiss"
    package = "faiss-cpu"
    module = "faiss"
    metrics: ClassVar[tuple[str, ...]] = ("l2", "ip", "cosine", "hamming")
    can_be_kept = True

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Train where needed, then add all rows in one call."""
        faiss = self.library()
        faiss.omp_set_num_threads(threads)
        self._metric = metric
        self._index = self._make(
            faiss, base.shape[1], faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
        )
        rows = of_length_one(base) if metric == "cosine" else base
        self._index.train(rows)
        self._index.add(rows)

    def _make(self, faiss: Any, columns: int, metric: int) -> Any:
        if self._metric == "hamming":
            self._graph = faiss.IndexBinaryHNSW(columns * 8, self.M)
        else:
            self._graph = self._make_graph(faiss, columns, metric)
        self._graph.hnsw.efConstruction = self.ef_construction
        return self._wrap(faiss, self._graph)

    def _make_graph(self, faiss: Any, columns: int, metric: int) -> Any:
        return faiss.IndexHNSWFlat(columns, self.M, metric)

    def _wrap(self, faiss: Any, graph: Any) -> Any:  # noqa: ARG002
        return graph

    def set_effort(self, effort: int) -> None:
        """Set efSearch."""
        self._graph.hnsw.efSearch = effort

    def set_threads(self, threads: int) -> None:
        """Set OpenMP's threads, which faiss has for the whole process."""
        faiss = self.library()
        faiss.omp_set_num_threads(threads)

    def prepare(self, queries: Rows) -> Rows:
        """Normalize for cosine."""
        return of_length_one(queries) if self._metric == "cosine" else np.ascontiguousarray(queries)

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch."""
        ids: Ids = self._index.search(queries, k)[1]
        return ids

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Search with result arrays made beforehand, the fastest call faiss documents."""
        kind = np.int32 if self._metric == "hamming" else np.float32
        distances, ids = np.empty((1, k), dtype=kind), np.empty((1, k), dtype=np.int64)
        search = self._index.search
        if self._metric == "hamming":  # the binary search takes no result arrays
            return lambda query: search(query[None, :], k)
        return lambda query: search(query[None, :], k, D=distances, I=ids)

    def count(self, queries: Rows, k: int) -> dict[str, float]:
        """Read faiss's own counters; re-ranking is not in them."""
        faiss = self.library()
        statistics = faiss.cvar.hnsw_stats
        statistics.reset()
        self.search(queries, k)
        return {"distances": statistics.ndis / len(queries), "hops": statistics.nhops / len(queries)}

    def store(self, folder: Path) -> None:
        """Write faiss's own file."""
        faiss = self.library()
        write = faiss.write_index_binary if self._metric == "hamming" else faiss.write_index
        write(self._index, str(folder / "index"))

    def restore(self, folder: Path, base: Rows, metric: str) -> None:  # noqa: ARG002
        """Read it."""
        faiss = self.library()
        self._metric = metric
        read = faiss.read_index_binary if metric == "hamming" else faiss.read_index
        self._index = read(str(folder / "index"))
        self._take_apart(faiss)

    def _take_apart(self, faiss: Any) -> None:  # noqa: ARG002
        self._graph = self._index

    def instructions(self) -> str | None:
        """Take the level that faiss chose, or, of versions before 1.13, what it was compiled for."""
        faiss = self.library()
        chosen = getattr(faiss, "SIMDConfig", None)
        return str(chosen.get_level_name() if chosen else faiss.get_compile_options()).strip()

    def memory(self) -> int | None:
        """Add up vectors (or codes), links, offsets and levels."""
        faiss = self.library()
        graph = self._graph.hnsw
        links = graph.neighbors.size() * 4 + graph.offsets.size() * 8 + graph.levels.size() * 4
        if self._metric == "hamming":
            return int(links + faiss.downcast_IndexBinary(self._graph.storage).xb.size())
        return int(links + faiss.downcast_index(self._graph.storage).codes.size())


class FaissScalar(FaissFlat):
    """IndexHNSWSQ: the graph over 8-bit codes, whose distances also rank the answer."""

    name = "faiss-sq"
    metrics: ClassVar[tuple[str, ...]] = ("l2", "ip", "cosine")

    def _make_graph(self, faiss: Any, columns: int, metric: int) -> Any:
        return faiss.IndexHNSWSQ(columns, faiss.ScalarQuantizer.QT_8bit, self.M, metric)

    def settings(self) -> dict[str, Any]:
        """Add the code."""
        return {**super().settings(), "codes": "QT_8bit"}


class FaissRefined(FaissScalar):
    """IndexHNSWSQ under IndexRefineFlat: codes choose candidates, floats rank them."""

    name = "faiss-sq-refine"

    def _wrap(self, faiss: Any, graph: Any) -> Any:
        self._refined = faiss.IndexRefineFlat(graph)
        self._refined.k_factor = _REFINE_FACTOR
        return self._refined

    def _take_apart(self, faiss: Any) -> None:
        self._refined = self._index
        self._graph = faiss.downcast_index(self._refined.base_index)

    def memory(self) -> int | None:
        """Add the full rows that re-ranking reads."""
        faiss = self.library()
        held = super().memory()
        return None if held is None else held + int(faiss.downcast_index(self._refined.refine_index).codes.size())

    def settings(self) -> dict[str, Any]:
        """Add the share of candidates that is ranked exactly."""
        return {**super().settings(), "k_factor": _REFINE_FACTOR}

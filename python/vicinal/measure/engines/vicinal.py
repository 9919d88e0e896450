"""vicinal itself, through the door its users take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from vicinal.measure.engines.engine import Engine, Ids, Rows


class VicinalEngine(Engine):
    """`vicinal.Index` with whatever options the caller adds."""

    name = "vicinal"
    package = "vicinal"
    module = "vicinal.index"
    metrics = ("l2", "ip", "cosine", "hamming", "jaccard")

    def __init__(self, *, M: int = 16, ef_construction: int = 200, **options: Any) -> None:
        super().__init__(M=M, ef_construction=ef_construction)
        self.options = options
        self._threads = 1

    @classmethod
    def over(cls, index: Any) -> VicinalEngine:
        """Measure an index that exists already."""
        engine = cls()
        engine._index, engine._effort = index, 64
        return engine

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Add all rows in one call."""
        dim = base.shape[1] * (8 if metric in ("hamming", "jaccard") else 1)
        self._index = self.library().Index(dim, metric, M=self.M, ef_construction=self.ef_construction, **self.options)
        self._index.add(base, threads=threads)

    def set_effort(self, effort: int) -> None:
        """Keep `ef` for the calls to come."""
        self._effort = effort

    def set_threads(self, threads: int) -> None:
        """Keep `threads` for the calls to come."""
        self._threads = threads

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch."""
        ids: Ids = self._index.search(queries, k, ef=self._effort, threads=self._threads).ids
        return ids

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Search with a 1-D query, which runs on one thread anyhow, and read both arrays of the result."""
        search, effort = self._index.search, self._effort

        def ask(query: Rows) -> object:
            ids, distances = search(query, k, ef=effort)
            return ids, distances

        return ask

    def count(self, queries: Rows, k: int) -> dict[str, float]:
        """Read distances, hops and bytes from the result's statistics."""
        stats = self._index.search(queries, k, ef=self._effort, threads=self._threads, stats=True).stats
        kept = ("distances", "estimates", "hops", "bytes", "reranked")
        return {key: float(stats[key].mean()) for key in kept if key in stats}

    def memory(self) -> int | None:
        """Take what stays in memory, by the index's own account."""
        memory = self._index.stats()["memory"]
        return int(memory["resident"])

    def settings(self) -> dict[str, Any]:
        """Add the index options that were given."""
        return {**super().settings(), **self.options}

    def instructions(self) -> str | None:
        """Take the kernels in use."""
        return str(self._index.stats()["kernels"])


class VicinalExactWalk(VicinalEngine):
    """The walk on full vectors, as the HNSW paper has it: the like-for-like rival of float graphs."""

    name = "vicinal-exact"

    def __init__(self, *, M: int = 16, ef_construction: int = 200, **options: Any) -> None:
        super().__init__(M=M, ef_construction=ef_construction, **{"traversal": "exact", **options})


class VicinalAvx2(VicinalEngine):
    """vicinal as it is on a processor without AVX-512."""

    name = "vicinal-avx2"
    kernels: ClassVar[str] = "avx2"

    def environment(self) -> dict[str, str]:
        """Name the kernels, which a process chooses once."""
        return {"VICINAL_KERNELS": self.kernels}

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Refuse to measure other kernels than the name promises."""
        super().build(base, metric, threads=threads)
        if self.instructions() != self.kernels:
            raise RuntimeError(f"this process runs {self.instructions()} kernels, expected {self.kernels}")

    def settings(self) -> dict[str, Any]:
        """Add the kernels."""
        return {**super().settings(), "kernels": self.kernels}

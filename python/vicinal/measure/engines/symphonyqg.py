"""SymphonyQG (package rabitqlib): one-bit codes of the neighbors in every row of the graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vicinal.measure.engines.engine import Engine, Ids, Rows, of_length_one


class SymphonyEngine(Engine):
    """`rabitqlib.SymqgIndex` without further quantization; its degree is 2M, a multiple of 32."""

    name = "symphonyqg"
    package = "rabitqlib"
    module = "rabitqlib"
    can_be_kept = True

    @property
    def degree(self) -> int:
        """Links per node: 2M, raised to a full block of codes."""
        return -(-2 * self.M // 32) * 32

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Build from all rows in one call, which is the only way it knows."""
        self._metric = metric
        self._index = self.library().SymqgIndex(base.shape[1], self.degree, "ip" if metric == "ip" else "l2", 0)
        self._index.build(of_length_one(base) if metric == "cosine" else base, self.ef_construction, threads)
        self._threads = 1

    def store(self, folder: Path) -> None:
        """Write its own file."""
        self._index.save(str(folder / "index"))

    def restore(self, folder: Path, base: Rows, metric: str) -> None:  # noqa: ARG002
        """Read it."""
        self._metric = metric
        self._index = self.library().SymqgIndex.load(str(folder / "index"))
        self._threads = 1

    def set_effort(self, effort: int) -> None:
        """Keep ef for the calls to come."""
        self._effort = effort

    def set_threads(self, threads: int) -> None:
        """Keep `threads` for the calls to come."""
        self._threads = threads

    def prepare(self, queries: Rows) -> Rows:
        """Normalize for cosine, which is served as l2."""
        return of_length_one(queries) if self._metric == "cosine" else queries

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch."""
        ids: Ids = self._index.search_batch(queries, k, self._effort, self._threads)[0]
        return ids

    def one_query(self, k: int) -> Callable[[Rows], object]:
        """Search a batch of one: it takes no 1-D queries."""
        search, effort = self._index.search, self._effort
        return lambda query: search(query[None, :], k, effort, 1)

    def memory(self) -> int | None:
        """Say nothing: the library does not."""
        return None

    def settings(self) -> dict[str, Any]:
        """Name the degree instead of M."""
        return {"degree": self.degree, "ef_construction": self.ef_construction, "quantization_bits": 0}

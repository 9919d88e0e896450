"""SVS (package scalable-vs): a Vamana graph over float16 vectors, or over LVQ codes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from vicinal.measure.engines.engine import Engine, Ids, Rows, of_length_one


class SvsEngine(Engine):
    """`svs.Vamana` over float16 vectors; its degree is 2M. cosine is an inner product of rows of length one."""

    name = "svs"
    package = "scalable-vs"
    module = "svs"

    def build(self, base: Rows, metric: str, *, threads: int) -> None:
        """Build from all rows in one call."""
        svs = self.library()
        self._metric = metric
        rows = of_length_one(base) if metric == "cosine" else base
        parameters = svs.VamanaBuildParameters(
            graph_max_degree=2 * self.M,
            window_size=self.ef_construction,
            alpha=1.2 if metric == "l2" else 0.95,  # the library's own values
        )
        unit = svs.DistanceType.L2 if metric == "l2" else svs.DistanceType.MIP
        self._index = self._built(svs, parameters, np.asarray(rows), unit, threads)

    def _built(self, svs: Any, parameters: Any, rows: Rows, unit: Any, threads: int) -> Any:
        return svs.Vamana.build(parameters, rows.astype(np.float16), unit, num_threads=threads)

    def set_effort(self, effort: int) -> None:
        """Set the width of the search window."""
        self._index.search_window_size = effort

    def set_threads(self, threads: int) -> None:
        """Set the threads of the index."""
        self._index.num_threads = threads

    def prepare(self, queries: Rows) -> Rows:
        """Normalize for cosine."""
        return of_length_one(queries) if self._metric == "cosine" else queries

    def search(self, queries: Rows, k: int) -> Ids:
        """Search a batch; a 1-D query counts as a batch of one."""
        ids: Ids = self._index.search(queries, k)[0]
        return ids

    def one_query(self, k: int) -> Any:
        """Search with a 1-D query."""
        search = self._index.search
        return lambda query: search(query, k)

    def memory(self) -> int | None:
        """Say nothing: the library does not."""
        return None

    def settings(self) -> dict[str, Any]:
        """Name the degree instead of M, and the vectors' form."""
        return {"degree": 2 * self.M, "window_size": self.ef_construction, "vectors": "float16"}


class SvsLvq(SvsEngine):
    """The same over LVQ codes of 4 bits and residuals of 8, which the library offers on Intel's processors only."""

    name = "svs-lvq"

    def _built(self, svs: Any, parameters: Any, rows: Rows, unit: Any, threads: int) -> Any:
        with tempfile.TemporaryDirectory(prefix="vicinal-svs-") as folder:  # codes are made from files only
            written, converted = str(Path(folder) / "rows.fvecs"), str(Path(folder) / "rows.svs")
            svs.write_vecs(rows, written)
            svs.convert_vecs_to_svs(written, converted)
            loader = svs.VectorDataLoader(converted, svs.DataType.float32)
            codes = svs.LVQLoader(loader, primary=4, residual=8, strategy=svs.LVQStrategy.Turbo)
            return svs.Vamana.build(parameters, codes, unit, num_threads=threads)

    def settings(self) -> dict[str, Any]:
        """Name the codes."""
        return {**super().settings(), "vectors": "LVQ4x8 (turbo)"}

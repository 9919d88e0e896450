"""vicinal as an algorithm of ann-benchmarks.

There, this file, config.yml and Dockerfile make up the folder ``ann_benchmarks/algorithms/vicinal``.
"""

import numpy as np

import vicinal

from ..base.module import BaseANN  # noqa: TID252 - where that project keeps it

METRICS = {"angular": "cosine", "euclidean": "l2", "ip": "ip", "hamming": "hamming", "jaccard": "jaccard"}


class Vicinal(BaseANN):
    """One index; the effort of a search is its beam."""

    def __init__(self, metric, param):
        if metric not in METRICS:
            raise NotImplementedError(f"vicinal has no metric {metric!r}, but {', '.join(METRICS)}")
        self._metric = METRICS[metric]
        self._param = {"M": param.get("M", 16), "ef_construction": param.get("efConstruction", 200)}
        self._ef = None
        self.name = f"vicinal ({self._param})"

    def fit(self, X):
        rows = self._rows(X)
        dim = rows.shape[1] * (8 if self._is_of_bits() else 1)
        self._index = vicinal.Index(dim, self._metric, **self._param)
        self._index.add(rows)

    def set_query_arguments(self, ef):
        self._ef = ef
        self.name = f"vicinal ({self._param}, ef: {ef})"

    def query(self, v, n):
        return self._index.search(self._rows(v), n, ef=self._ef, threads=1).ids

    def batch_query(self, X, n):
        self._found = self._index.search(self._rows(X), n, ef=self._ef).ids

    def get_batch_results(self):
        return self._found

    def freeIndex(self):
        del self._index

    def __str__(self):
        return self.name

    def _is_of_bits(self):
        return self._metric in ("hamming", "jaccard")

    def _rows(self, given):
        """Packed bits for what that project holds as booleans."""
        rows = np.asarray(given)
        return np.packbits(rows.astype(bool), axis=-1) if self._is_of_bits() else rows

"""vicinal in the tracks of big-ann-benchmarks (NeurIPS 2023) where an index changes, and where searches are filtered.

There, this file goes into ``neurips23/streaming/vicinal`` and ``neurips23/filter/vicinal``.
"""

import numpy as np
from benchmark.datasets import DATASETS
from neurips23.filter.base import BaseFilterANN
from neurips23.streaming.base import BaseStreamingANN

import vicinal

METRICS = {"euclidean": "l2", "ip": "ip", "angular": "cosine"}
DTYPES = {"float": "f32", "float32": "f32", "uint8": "u8", "int8": "i8"}


class VicinalStreaming(BaseStreamingANN):
    """An index that is added to, removed from and asked in the sequence of a runbook."""

    def __init__(self, metric, index_params):
        self._metric = METRICS[metric]
        self._param = {"M": index_params.get("M", 16), "ef_construction": index_params.get("efConstruction", 200)}
        self._ef = None

    def setup(self, dtype, max_pts, ndim):
        self._index = vicinal.Index(ndim, self._metric, dtype=DTYPES[np.dtype(dtype).name], **self._param)

    def insert(self, X, ids):
        self._index.add(X, ids=np.asarray(ids, dtype=np.int64), order="given")

    def delete(self, ids):
        self._index.remove(np.asarray(ids, dtype=np.int64))

    def set_query_arguments(self, query_args):
        self._ef = query_args.get("ef")

    def query(self, X, k):
        self.res = self._index.search(X, k, ef=self._ef).ids

    def __str__(self):
        return f"vicinal ({self._param}, ef: {self._ef})"


class VicinalFilter(BaseFilterANN):
    """Searches for vectors that carry all the tags of a query."""

    def __init__(self, metric, index_params):
        self._metric = METRICS[metric]
        self._param = {"M": index_params.get("M", 16), "ef_construction": index_params.get("efConstruction", 200)}
        self._ef = None

    def fit(self, dataset):
        data = DATASETS[dataset]()
        self._index = vicinal.Index(data.d, self._metric, dtype=DTYPES[data.dtype], **self._param)
        self._index.add(data.get_dataset())
        self._carry_tags(data)
        self._index.save(self._file(dataset))

    def load_index(self, dataset):
        try:
            self._index = vicinal.Index.load(self._file(dataset))
        except FileNotFoundError:
            return False
        self._carry_tags(DATASETS[dataset]())
        return True

    def set_query_arguments(self, query_args):
        self._ef = query_args.get("ef")

    def filtered_query(self, X, filter, k):  # noqa: A002 - their name
        admitted = [self._with_all(filter.indices[a:b]) for a, b in zip(filter.indptr, filter.indptr[1:], strict=False)]
        self.res = self._index.search(X, k, ef=self._ef, filter=admitted).ids

    def get_results(self):
        return self.res

    def __str__(self):
        return f"vicinal ({self._param}, ef: {self._ef})"

    def _carry_tags(self, data):
        by_tag = data.get_dataset_metadata().tocsc()
        self._rows_with = [by_tag.indices[a:b] for a, b in zip(by_tag.indptr, by_tag.indptr[1:], strict=False)]

    def _with_all(self, tags):
        rows = [self._rows_with[tag] for tag in tags]
        rows.sort(key=len)
        common = rows[0]
        for more in rows[1:]:
            common = np.intersect1d(common, more, assume_unique=True)
        return common.astype(np.int64)

    def _file(self, dataset):
        return f"data/vicinal.{dataset}.{self._param['M']}.{self._param['ef_construction']}.vic"

"""Approximate nearest neighbors: a C++ HNSW index with SIMD kernels.

>>> import numpy as np
>>> import vicinal
>>> vectors = np.random.default_rng(0).random((500, 8), dtype=np.float32)
>>> index = vicinal.Index(8, "cosine")
>>> _ = index.add(vectors)
>>> ids, distances = index.search(vectors[7], k=5)
>>> int(ids[0])
7
"""

import importlib
from typing import TYPE_CHECKING, Any

from vicinal._core import __version__
from vicinal.errors import (
    CorruptIndexError,
    DataWarning,
    DimensionError,
    DuplicateIdError,
    FormatTooNewError,
    Interrupted,
    InvalidVectorError,
    MismatchError,
    NotAnIndexError,
    NotTunedError,
    ReadOnlyError,
    RecallError,
    UnknownIdError,
    VicinalError,
)
from vicinal.estimate import Recall
from vicinal.index import Attributes, Health, IdSet, Index
from vicinal.index.monitor import Monitor
from vicinal.plan import Plan, plan
from vicinal.result import SearchResult

if TYPE_CHECKING:
    from vicinal import blocking, codecs, compat, lsh, measure, multivector, order, shards
    from vicinal.multivector import GroupIndex, MultiVectorIndex

__all__ = [
    "Attributes",
    "CorruptIndexError",
    "DataWarning",
    "DimensionError",
    "DuplicateIdError",
    "FormatTooNewError",
    "GroupIndex",
    "Health",
    "IdSet",
    "Index",
    "Interrupted",
    "InvalidVectorError",
    "MismatchError",
    "Monitor",
    "MultiVectorIndex",
    "NotAnIndexError",
    "NotTunedError",
    "Plan",
    "ReadOnlyError",
    "Recall",
    "RecallError",
    "SearchResult",
    "UnknownIdError",
    "VicinalError",
    "__version__",
    "blocking",
    "codecs",
    "compat",
    "lsh",
    "measure",
    "multivector",
    "order",
    "plan",
    "shards",
]


def __getattr__(name: str) -> Any:
    """Import what stands beside the index when it is first asked for: whoever only searches need not wait for it."""
    if name in {"blocking", "codecs", "compat", "lsh", "measure", "multivector", "order", "shards", "sklearn"}:
        return importlib.import_module(f"vicinal.{name}")
    if name in {"GroupIndex", "MultiVectorIndex"}:
        return getattr(importlib.import_module("vicinal.multivector"), name)
    raise AttributeError(f"module 'vicinal' has no attribute {name!r}")

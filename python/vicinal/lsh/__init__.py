"""Locality-sensitive hashing: all near pairs, and how much hashing that takes.

================  ==================================================================================
`pairs`           all near pairs of texts, token sets or vectors, in one table or between two
`LSHIndex`        items in buckets: add, search, remove, save; multi-probe
`tune`            bands and rows for a recall, and what they cost
`principal_axes`  along which `SimHash` and `PStable` need fewer candidates
`SimHash` ...     the hash families, with their collision probabilities
================  ==================================================================================
"""

from vicinal.lsh.families import BitSample, CrossPolytope, Family, MinHash, PStable, SimHash, principal_axes
from vicinal.lsh.graph import index_pairs, knn_graph
from vicinal.lsh.index import LSHIndex
from vicinal.lsh.join import Pairs, pairs
from vicinal.lsh.tuning import Tuning, tune

__all__ = [
    "BitSample",
    "CrossPolytope",
    "Family",
    "LSHIndex",
    "MinHash",
    "PStable",
    "Pairs",
    "SimHash",
    "Tuning",
    "index_pairs",
    "knn_graph",
    "pairs",
    "principal_axes",
    "tune",
]

"""The sequence in which a batch of vectors enters the graph, and how hard vectors are to find.

An HNSW graph is built one vector after the other, so that the sequence shapes it. It never shapes results' ids:
`vicinal.Index.add` numbers rows as they were given, whatever the sequence.

================  ==================================================================================
`permutation`     an order by its name: a permutation of the rows
`lid`             the local intrinsic dimension around each vector
`judge`           what ``order="auto"`` does with a batch, and why
================  ==================================================================================
"""

from vicinal.order.intrinsic_dimension import lid
from vicinal.order.judgment import Judgment, judge
from vicinal.order.strategies import NAMES, Order, permutation

__all__ = ["NAMES", "Judgment", "Order", "judge", "lid", "permutation"]

"""Entity blocking: from two tables of records, or one, to the pairs worth comparing.

>>> from vicinal import blocking
>>> left = [{"name": "sony nw-e407 walkman"}, {"name": "bose am53bk speaker"}]
>>> right = [{"name": "bose speakers am-53bk"}, {"name": "sony walkman nwe407"}]
>>> pairs = blocking.TfidfBlocker().candidates(left, right, k=1)
>>> blocking.evaluate(pairs, [[0, 1], [1, 0]]).completeness
1.0
"""

from vicinal.blocking.blocker import Blocker
from vicinal.blocking.combine import cascade, intersect, union
from vicinal.blocking.evaluation import Evaluation, evaluate, split
from vicinal.blocking.keys import KeyBlocker, SortedNeighborhood
from vicinal.blocking.minhash import MinHashBlocker
from vicinal.blocking.neural import NeuralLSHBlocker
from vicinal.blocking.pairs import Pairs
from vicinal.blocking.pseudo import pseudo_pairs
from vicinal.blocking.records import Records, read_records
from vicinal.blocking.tfidf import TfidfBlocker
from vicinal.blocking.vectors import VectorBlocker

__all__ = [
    "Blocker",
    "Evaluation",
    "KeyBlocker",
    "MinHashBlocker",
    "NeuralLSHBlocker",
    "Pairs",
    "Records",
    "SortedNeighborhood",
    "TfidfBlocker",
    "VectorBlocker",
    "cascade",
    "evaluate",
    "intersect",
    "pseudo_pairs",
    "read_records",
    "split",
    "union",
]

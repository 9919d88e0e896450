"""Retrieval of documents that are many vectors each, by MaxSim (late interaction, ColBERT; MUVERA).

`MultiVectorIndex` finds candidates by single vectors and scores them exactly; `maxsim` is the score by itself, `FDE`
the encoding, `pool_tokens` makes fewer vectors of a document, `evaluate` measures by judgements of
relevance, beside BM25 and mean vectors. `GroupIndex` ranks groups of vectors (the pictures that
descriptors are of) by a score in which each vector of a query counts once for a group (CANN).
"""

from vicinal.multivector.encoding import FDE
from vicinal.multivector.evaluation import Evaluation, evaluate
from vicinal.multivector.grids import GridShape
from vicinal.multivector.groups import GroupIndex
from vicinal.multivector.index import MultiVectorIndex
from vicinal.multivector.ranking import GroupResult
from vicinal.multivector.results import Calibration, MultiVectorResult
from vicinal.multivector.scoring import maxsim
from vicinal.multivector.sets import pool_tokens

__all__ = [
    "FDE",
    "Calibration",
    "Evaluation",
    "GridShape",
    "GroupIndex",
    "GroupResult",
    "MultiVectorIndex",
    "MultiVectorResult",
    "evaluate",
    "maxsim",
    "pool_tokens",
]

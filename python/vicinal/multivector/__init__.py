"""Retrieval of documents that are many vectors each, by MaxSim (late interaction, ColBERT; MUVERA).

`MultiVectorIndex` finds candidates by single vectors and scores them exactly; `maxsim` is the score by itself, `FDE`
the encoding, `pool_tokens` makes fewer vectors of a document.
"""

from vicinal.multivector.encoding import FDE
from vicinal.multivector.index import MultiVectorIndex
from vicinal.multivector.results import Calibration, MultiVectorResult
from vicinal.multivector.scoring import maxsim
from vicinal.multivector.sets import pool_tokens

__all__ = ["FDE", "Calibration", "MultiVectorIndex", "MultiVectorResult", "maxsim", "pool_tokens"]

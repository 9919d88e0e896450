"""Vectors in few bytes: codes that can be compared with one another and with float queries.

Each code is fitted, encodes, decodes, estimates distances, and is saved and loaded in the same way. `compare` says
which to take, `Compatible` lets queries of a new embedding model search what an old one has coded.
"""

from vicinal.codecs.code import Code, load
from vicinal.codecs.codes import Codes
from vicinal.codecs.comparison import CodecTable, compare
from vicinal.codecs.compatible import Audit, Compatible
from vicinal.codecs.few_bits import ITQ, PCA, RaBitQ, Recurrent
from vicinal.codecs.pieces import OPQ, PQ

__all__ = [
    "ITQ",
    "OPQ",
    "PCA",
    "PQ",
    "Audit",
    "Code",
    "CodecTable",
    "Codes",
    "Compatible",
    "RaBitQ",
    "Recurrent",
    "compare",
    "load",
]

"""Exact MaxSim scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.arrays import float_rows, id_numbers
from vicinal.multivector.sets import VectorSets
from vicinal.settings import whole_number

__all__ = ["maxsim", "score_lists"]


def maxsim(
    query: ArrayLike,
    vectors: ArrayLike | Sequence[ArrayLike],
    offsets: ArrayLike | None = None,
    *,
    subset: ArrayLike | None = None,
    threads: int = 0,
) -> NDArray[np.float32]:
    """Score documents with a query: the largest inner product for each of its vectors, summed.

    Parameters
    ----------
    query : array_like, shape (t, dim)
    vectors : array_like of float32 or float16, shape (n, dim), or list of arrays (n_i, dim)
        The documents' vectors, as they are: lengths count.
    offsets : array_like of int, shape (documents + 1,), optional
        Document i has the rows offsets[i] to offsets[i + 1]; not with a list.
    subset : array_like of int, optional
        Numbers of the documents to score; all by default.
    threads : int
        0 takes all cores this process may use. The result is the same.

    Returns
    -------
    ndarray of float32, shape (documents,) or that of `subset`
        Larger is nearer.

    Raises
    ------
    ValueError
        A set is empty, `offsets` do not fit, or `subset` names a document that is not there.
    DimensionError, InvalidVectorError
        The shapes do not fit; NaN or an infinity.

    References
    ----------
    Khattab and Zaharia, ColBERT, SIGIR 2020, arXiv 2004.12832.

    Examples
    --------
    >>> import numpy as np
    >>> documents = [np.eye(3)[:2], -np.eye(3)]
    >>> maxsim([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], documents).tolist()
    [1.0, 0.0]
    """
    documents = VectorSets.of(vectors, offsets, None, "vectors", unit=False)
    asked = VectorSets.of(float_rows(query, "query"), None, documents.dim, "query", unit=False)
    which = np.arange(len(documents)) if subset is None else id_numbers(subset, "subset")
    outside = (which < 0) | (which >= len(documents))
    if outside.any():
        raise ValueError(f"subset names document {which[outside][0]}, expected 0 to {len(documents) - 1}")
    return score_lists(asked, documents, np.array([0, len(which)], np.int64), which, threads)


def score_lists(
    queries: VectorSets,
    documents: VectorSets,
    starts: NDArray[np.int64],
    which: NDArray[np.int64],
    threads: int = 0,
) -> NDArray[np.float32]:
    """Score query q with the documents which[starts[q]:starts[q + 1]]; scores in the order of `which`."""
    workers = whole_number("threads", threads, 0, _core.MAX_THREADS)
    return _core.maxsim(
        np.ascontiguousarray(queries.rows, np.float32),
        queries.offsets,
        documents.rows,
        documents.offsets,
        np.ascontiguousarray(starts, np.int64),
        np.ascontiguousarray(which, np.int64),
        workers,
    )

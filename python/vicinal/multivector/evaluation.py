"""What retrieval is worth by judgements of relevance, beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.multivector.index import MultiVectorIndex
from vicinal.multivector.words import BM25
from vicinal.settings import whole_number

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """Measures by ranking and name; prints as a table.

    Attributes
    ----------
    k : int
    queries : int
        Those that have judgements.
    measures : dict of dict of float
        ``measures["index"]["nDCG@10"]``, for ``"maxsim"`` (exhaustive), ``"index"``, ``"mean pool"``, ``"bm25"``.
    """

    k: int
    queries: int
    measures: dict[str, dict[str, float]]

    def __str__(self) -> str:
        """Return the table."""
        names = list(next(iter(self.measures.values())))
        head = f"{self.queries} queries".rjust(14) + "".join(f"{name:>10}" for name in names)
        rows = [
            f"{ranking:>14}" + "".join(f"{values[name]:>10.4f}" for name in names)
            for ranking, values in self.measures.items()
        ]
        return "\n".join([head, *rows])


def evaluate(
    index: MultiVectorIndex,
    queries: Sequence[ArrayLike],
    qrels: Sequence[Mapping[int, int]],
    *,
    texts: Mapping[int, str],
    query_texts: Sequence[str],
    k: int = 10,
) -> Evaluation:
    """Compare an index with exhaustive MaxSim and with what needs no vectors for each token.

    The baselines are always there: BM25 over the texts, and the documents' mean vectors compared by cosine. What does
    not beat them is not worth its memory.

    Parameters
    ----------
    index : MultiVectorIndex
    queries : list of array_like (t_i, dim)
    qrels : list of dict
        For each query the grade of the ids that were judged, 0 for none; a query without judgements counts for
        nothing.
    texts : dict
        Of every document by id.
    query_texts : list of str
    k : int
        How deep rankings go.

    Returns
    -------
    Evaluation
        nDCG and recall at k (`ir-measures`).

    Raises
    ------
    ImportError
        ``ir-measures`` is missing: ``pip install 'vicinal[ir]'``.
    ValueError
        Queries, judgements and texts are not as many as each other, an id has no text, or nothing was judged.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> documents = [rng.standard_normal((6, 16)) for _ in range(3)]
    >>> index = MultiVectorIndex(16)
    >>> ids = index.add(documents)
    >>> texts = {0: "a red house", 1: "a blue boat", 2: "one green tree"}
    >>> found = evaluate(index, [documents[1][:2]], [{1: 1}], texts=texts, query_texts=["boat"], k=2)
    >>> found.measures["bm25"]["nDCG@2"]
    1.0
    """
    depth = whole_number("k", k, 1, 10**6)
    if not len(queries) == len(qrels) == len(query_texts):
        raise ValueError(f"{len(queries)} queries, {len(qrels)} judgements, {len(query_texts)} texts of queries")
    ids = index.ids
    without = [one for one in ids.tolist() if one not in texts]
    if without:
        raise ValueError(f"document {without[0]} has no text")
    judged = [query for query, grades in enumerate(qrels) if any(grade > 0 for grade in grades.values())]
    if not judged:
        raise ValueError("no query has a document that was judged relevant")
    asked = [queries[query] for query in judged]
    rankings = {
        "maxsim": index.search(asked, depth, exact=True).ids,
        "index": index.search(asked, depth).ids,
        "mean pool": _by_means(index, asked, ids, depth),
        "bm25": _by_words([texts[one] for one in ids.tolist()], [query_texts[query] for query in judged], ids, depth),
    }
    grades = [qrels[query] for query in judged]
    return Evaluation(depth, len(judged), {name: _measured(ranked, grades, depth) for name, ranked in rankings.items()})


def _measured(ranked: NDArray[np.int64], qrels: list[Mapping[int, int]], k: int) -> dict[str, float]:
    try:
        import ir_measures
    except ImportError as error:
        raise ImportError("evaluate needs ir-measures: pip install 'vicinal[ir]'") from error
    judgements = {str(query): {str(one): grade for one, grade in grades.items()} for query, grades in enumerate(qrels)}
    run = {
        str(query): {str(one): float(-place) for place, one in enumerate(row.tolist()) if one >= 0}
        for query, row in enumerate(ranked)
    }
    measures = [ir_measures.nDCG @ k, ir_measures.R @ k]
    found = ir_measures.calc_aggregate(measures, judgements, run)
    return {name: float(found[measure]) for name, measure in zip((f"nDCG@{k}", f"recall@{k}"), measures, strict=True)}


def _by_means(
    index: MultiVectorIndex, queries: Sequence[ArrayLike], ids: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    documents = np.stack([_mean(index.get(one)) for one in ids.tolist()])
    return np.stack([_best(documents @ _mean(np.asarray(query)), ids, k) for query in queries])


def _mean(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    mean = rows.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float64)


def _by_words(texts: list[str], queries: list[str], ids: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    words = BM25(texts)
    return np.stack([_best(words.scores(query), ids, k) for query in queries])


def _best(scores: NDArray[np.float64], ids: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return the ids of the highest scores, equal ones in the order of ids; what scores nothing comes last."""
    order = np.lexsort((ids, -scores))[:k]
    ranked = np.full(k, -1, np.int64)
    ranked[: len(order)] = ids[order]
    return ranked

"""Which code to take: all of them at equal bytes, on the caller's own vectors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.arrays import VectorsLike
from vicinal.codecs.code import Code, checked_rows
from vicinal.codecs.codes import Codes
from vicinal.codecs.few_bits import ITQ, PCA, RaBitQ, Recurrent
from vicinal.codecs.pieces import OPQ, PQ
from vicinal.settings import MAX_SEED, one_of, whole_number

__all__ = ["CodecRow", "CodecTable", "compare", "nearest_codes"]

_FACTORS = 12  # bytes beside a row of few bits
_LEAST_DIM = 16  # of a code that is worth measuring
_QUERIES_AT_ONCE = 64


@dataclass(frozen=True)
class CodecRow:
    """What one code came to under one budget.

    Attributes
    ----------
    budget : int
        Bytes a vector that it might take.
    code : Code
        Fitted.
    bytes : int
        Bytes a vector that it takes.
    raw : float
        Recall of the k nearest by its distances to float queries.
    symmetric : float
        The same, of queries that are coded too.
    reranked : float
        Recall when the nearest `rerank` by its distances to float queries meet the vectors.
    lost : float
        Squared error of the decoded vectors, as a share of their spread around their mean.
    fit_seconds : float
    """

    budget: int
    code: Code
    bytes: int
    raw: float
    symmetric: float
    reranked: float
    lost: float
    fit_seconds: float


@dataclass(frozen=True)
class CodecTable:
    """What `compare` measured; `str()` is a table.

    Attributes
    ----------
    rows : tuple of CodecRow
        By budget, then the best first.
    vectors, dim, queries, k, rerank : int
    metric : str
    """

    rows: tuple[CodecRow, ...]
    vectors: int
    dim: int
    queries: int
    metric: str
    k: int
    rerank: int

    @property
    def budgets(self) -> tuple[int, ...]:
        """What was asked for, ascending."""
        return tuple(sorted({row.budget for row in self.rows}))

    def best(self, budget: int, *, reranked: bool = False) -> CodecRow:
        """Return the row of the largest recall under a budget, raw or with the nearest re-ranked. Raises KeyError."""
        under = [row for row in self.rows if row.budget == budget]
        if not under:
            raise KeyError(f"no budget of {budget} bytes was measured: {', '.join(map(str, self.budgets))}")
        return max(under, key=lambda row: (row.reranked if reranked else row.raw, row.raw))

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the rows as plain values, for JSON or a data frame."""
        return [{**vars(row), "code": repr(row.code)} for row in self.rows]

    def __str__(self) -> str:
        head = (
            f"{self.vectors} vectors of {self.dim} dimensions ({4 * self.dim} bytes as float32), {self.metric}; "
            f"recall@{self.k} of {self.queries} queries, re-ranked: the nearest {self.rerank} meet the vectors"
        )
        lines = [head, "", "budget  bytes    raw  symmetric  re-ranked   lost  code"]
        lines += [
            f"{row.budget:6d} {row.bytes:6d}  {row.raw:.3f}      {row.symmetric:.3f}      {row.reranked:.3f}"
            f"  {row.lost:5.3f}  {row.code!r}"
            for row in self.rows
        ]
        return "\n".join(lines)

    def figure(self) -> Any:
        """Draw recall over bytes, one curve a kind of code, raw and re-ranked beside one another.

        Returns
        -------
        matplotlib.figure.Figure
            ``figure().savefig("codes.svg")`` writes it; nothing is shown.

        Raises
        ------
        ImportError
            matplotlib is missing.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("figure() draws with matplotlib: pip install matplotlib") from error
        drawing = Figure(figsize=(10, 4), layout="constrained")
        raw, reranked = drawing.subplots(1, 2, sharey=True)
        curves: dict[str, list[CodecRow]] = {}
        for row in sorted(self.rows, key=lambda row: row.bytes):
            curves.setdefault(_kind(row.code), []).append(row)
        for place, (kind, rows) in enumerate(sorted(curves.items())):
            mark = "osD^vPX*"[place % 8]
            raw.plot([row.bytes for row in rows], [row.raw for row in rows], marker=mark, label=kind)
            reranked.plot([row.bytes for row in rows], [row.reranked for row in rows], marker=mark, label=kind)
        raw.set_ylabel(f"recall@{self.k}")
        raw.set_title("by codes alone")
        reranked.set_title(f"{self.rerank} re-ranked")
        reranked.legend(fontsize="small")
        for axes in (raw, reranked):
            axes.set_xlabel("bytes a vector")
            axes.grid(alpha=0.3)
        return drawing


def compare(
    vectors: VectorsLike,
    queries: VectorsLike,
    budgets: Sequence[int] | None = None,
    *,
    metric: str = "l2",
    k: int = 10,
    rerank: int = 100,
    seed: int = 0,
    threads: int = 0,
) -> CodecTable:
    """Fit every code that a budget of bytes allows and measure what it finds.

    Parameters
    ----------
    vectors : array_like, shape (n, dim)
        What would be stored; codes are fitted to it and measured on it.
    queries : array_like, shape (m, dim)
        Not among the vectors, or each finds itself.
    budgets : sequence of int, optional
        Bytes a vector, with all that distances need. By default what 1, 2 and 4 bits an element take.
    metric : str
        "l2", "ip" or "cosine".
    k : int
        Neighbors that count, at most n.
    rerank : int
        How many of the nearest by codes meet the vectors, at least k.
    seed : int
    threads : int
        The table is the same for any number, but for the times.

    Returns
    -------
    CodecTable

    Raises
    ------
    ValueError
        A budget is below one byte or allows no code, fewer than 256 vectors, or a number is out of range.
    DimensionError, InvalidVectorError
        As `Code.fit`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> data = rng.standard_normal((1100, 8)) @ rng.standard_normal((8, 32))
    >>> table = compare(data[:1000], data[1000:], [24], k=5, rerank=20)
    >>> best = table.best(24)
    >>> best.bytes <= 24, best.raw > 0.8, len(table.rows) > 4
    (True, True, True)
    """
    by = one_of("metric", metric, ("l2", "ip", "cosine"))
    rows = checked_rows(vectors, "vectors", None, by)
    asked = checked_rows(queries, "queries", rows.shape[1], by)
    many = whole_number("k", k, 1, max(len(rows), 1))
    deep = min(whole_number("rerank", rerank, many, 2**31), len(rows))
    workers = whole_number("threads", threads, 0, _core.MAX_THREADS)
    start = whole_number("seed", seed, 0, MAX_SEED)
    dim = rows.shape[1]
    allowed = [dim // 8 + _FACTORS, dim // 4 + _FACTORS, dim // 2 + _FACTORS] if budgets is None else list(budgets)
    allowed = sorted({whole_number("a budget", budget, 1, 2**31) for budget in allowed})
    if not allowed or not len(asked):
        raise ValueError("budgets or queries are empty, expected at least one of each")
    truth = _core.exact_search(rows, asked, many, by, workers)[0]
    measured: list[CodecRow] = []
    for budget in allowed:
        codes = list(_codes_within(budget, dim, by, start))
        if not codes:
            raise ValueError(f"a budget of {budget} bytes allows no code of {dim} dimensions: 1 byte is a piece of PQ")
        under = [_measured(budget, code, rows, asked, truth, deep, workers) for code in codes]
        measured += sorted(under, key=lambda row: (-row.raw, -row.reranked, row.bytes))
    return CodecTable(tuple(measured), len(rows), dim, len(asked), by, many, deep)


def nearest_codes(
    code: Code, queries: NDArray[np.float32] | Codes, codes: Codes, n: int, threads: int = 0
) -> NDArray[np.int64]:
    """Return the numbers of the n nearest codes to each query, nearest first, equals by number: shape (m, n)."""
    found = np.empty((len(queries), n), np.int64)
    for first in range(0, len(queries), _QUERIES_AT_ONCE):
        far = code.distances(queries[first : first + _QUERIES_AT_ONCE], codes, threads=threads)
        near = np.sort(np.argpartition(far, n - 1, axis=1)[:, :n], axis=1)
        order = np.argsort(np.take_along_axis(far, near, 1), axis=1, kind="stable")
        found[first : first + len(far)] = np.take_along_axis(near, order, 1)
    return found


def share_found(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Return which share of the true numbers are among those found."""
    return float((truth[:, :, None] == found[:, None, :]).any(axis=2).mean())


def _measured(
    budget: int,
    code: Code,
    rows: NDArray[np.float32],
    queries: NDArray[np.float32],
    truth: NDArray[np.int64],
    rerank: int,
    threads: int,
) -> CodecRow:
    begin = time.perf_counter()
    code.fit(rows, threads=threads)
    seconds = time.perf_counter() - begin
    codes = code.encode(rows, threads=threads)
    k = truth.shape[1]
    found = nearest_codes(code, queries, codes, rerank, threads)
    coded = nearest_codes(code, code.encode(queries, threads=threads), codes, k, threads)
    spread = float(np.square(rows - rows.mean(0)).sum())
    lost = float(np.square(code.decode(codes, threads=threads) - rows).sum()) / max(spread, 1e-30)
    return CodecRow(
        budget,
        code,
        code.bytes_per_vector,
        share_found(found[:, :k], truth),
        share_found(coded, truth),
        share_found(found, truth),
        lost,
        seconds,
    )


def _codes_within(budget: int, dim: int, metric: str, seed: int) -> Iterator[Code]:
    """Every kind of code, as large as it may be, that uses more than half of a budget."""
    room = budget - _FACTORS
    for bits in (1, 2, 4, 8):
        elements = min(dim, room * 8 // bits)
        if elements < min(dim, _LEAST_DIM) or 2 * ((elements * bits + 7) // 8 + _FACTORS) <= budget:
            continue
        yield Recurrent(bits, metric=metric, code_dim=elements, seed=seed)
        if bits == 1:
            yield RaBitQ(metric=metric, code_dim=elements, seed=seed)
            yield ITQ(elements, metric=metric, seed=seed)
        if elements < dim:
            yield PCA(elements, bits, metric=metric, seed=seed)
    pieces = max((n for n in range(1, min(budget, dim) + 1) if dim % n == 0), default=0)
    if 2 * pieces > budget:
        yield PQ(pieces, metric=metric, seed=seed)
        yield OPQ(pieces, metric=metric, seed=seed)


def _kind(code: Code) -> str:
    bits = getattr(code, "bits", None)
    name = type(code).__name__
    return name if bits is None or name in ("ITQ", "RaBitQ") else f"{name}, {bits} bit{'s' if bits > 1 else ''}"

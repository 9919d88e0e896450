"""Queries of a new embedding model on codes of an old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.arrays import VectorsLike
from vicinal.codecs.axes import as_float32, nearest_rotation
from vicinal.codecs.code import Code, checked_rows
from vicinal.codecs.codes import Codes
from vicinal.errors import DimensionError, MismatchError
from vicinal.settings import MAX_SEED, one_of, whole_number

__all__ = ["Audit", "Compatible"]

_LEAST_PAIRS = 100
_HELD_OUT = 0.2
_RIDGES = (0.001, 0.01, 0.1, 1.0)  # of the mean variance of an axis
_SHUFFLED = 0.25  # of vectors that belong together, half rank nearer than a quarter of all others


@dataclass(frozen=True)
class Audit:
    """What a map from a new model to an old one loses, on pairs that it was not fitted to.

    Attributes
    ----------
    kind : str
        "orthogonal" or "ridge".
    pairs, held_out : int
    median_rank : float
        Share of the old vectors held out whose direction from their center is nearer to that of a mapped vector than
        its own's; 0.5 is chance.
    own_first : float
        Share of mapped vectors whose own old vector is the nearest in that sense.
    recall : float
        Share of the `k` nearest old vectors that the mapped vector finds among its own k nearest, codes left out.
    coded_recall : float
        The same by codes: the mapped vector on codes of the old ones.
    same_version : float
        What the old vector itself finds on codes.
    k : int
    """

    kind: str
    pairs: int
    held_out: int
    median_rank: float
    own_first: float
    recall: float
    coded_recall: float
    same_version: float
    k: int

    def __str__(self) -> str:
        kept = self.coded_recall / self.same_version if self.same_version else float("nan")
        return (
            f"{self.kind} map of {self.pairs} pairs, looked at on {self.held_out} others: own vector first "
            f"{self.own_first:.3f}, median rank {self.median_rank:.4f}; recall@{self.k} by vectors {self.recall:.3f}, "
            f"by codes {self.coded_recall:.3f} where the old model itself has {self.same_version:.3f}: "
            f"{100 * kept:.1f} % kept"
        )


class Compatible:
    """Map vectors of a new embedding model to where an old one had them, so that nothing is coded again.

    Parameters
    ----------
    old : Code
        Fitted; what the stored codes are of.
    old_vectors : array_like, shape (n, old dim)
        The same texts, pictures, ... by both models, at least 100; a thousand are good.
    new_vectors : array_like, shape (n, new dim)
    kind : str
        ``"orthogonal"``: a rotation (and a part of one where dimensions differ), which few pairs determine.
        ``"ridge"``: any linear map, held small. ``"auto"``: the one that finds more among pairs it has not seen.
    seed : int
        Which pairs are held out.
    threads : int

    Attributes
    ----------
    audit : Audit
        What is lost.

    Raises
    ------
    MismatchError
        The pairs do not belong together: one side was shuffled, or the models have nothing in common.
    NotTunedError
        `old` is not fitted.
    DimensionError
        Old vectors have another dimension than `old`, or the sides have different lengths.
    InvalidVectorError, ValueError
        As `Code.fit`; fewer than 100 pairs.

    References
    ----------
    Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 1966. Gan et al., KDD 2023,
    arXiv 2302.08714, train such a map with the codes.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.codecs import Recurrent
    >>> rng = np.random.default_rng(0)
    >>> old = rng.standard_normal((1000, 16)).astype(np.float32)
    >>> new = old @ np.linalg.qr(rng.standard_normal((16, 16)))[0]
    >>> code = Recurrent(4).fit(old)
    >>> model = Compatible(code, old[:400], new[:400])
    >>> int(model.distances(new[7], code.encode(old)).argmin()), model.audit.own_first
    (7, 1.0)
    >>> Compatible(code, old[:400], new[:400][::-1])
    Traceback (most recent call last):
        ...
    vicinal.errors.MismatchError: the pairs do not belong together: ...
    """

    def __init__(
        self,
        old: Code,
        old_vectors: VectorsLike,
        new_vectors: VectorsLike,
        *,
        kind: str = "auto",
        seed: int = 0,
        threads: int = 0,
    ) -> None:
        if not isinstance(old, Code):
            raise TypeError(f"old is {type(old).__name__}, expected a fitted code of vicinal.codecs")
        old.check_same_space(old.dim or 0, old.metric)
        wanted = one_of("kind", kind, ("auto", "orthogonal", "ridge"))
        workers = whole_number("threads", threads, 0, _core.MAX_THREADS)
        rng = np.random.default_rng(whole_number("seed", seed, 0, MAX_SEED))
        olds = checked_rows(old_vectors, "old_vectors", old.dim, old.metric)
        news = checked_rows(new_vectors, "new_vectors", None, old.metric)
        if len(olds) != len(news):
            raise DimensionError(f"there are {len(olds)} old_vectors and {len(news)} new_vectors, expected pairs")
        if len(olds) < _LEAST_PAIRS:
            raise ValueError(f"there are {len(olds)} pairs, expected at least {_LEAST_PAIRS}")
        shuffled = rng.permutation(len(olds))
        held = shuffled[: int(_HELD_OUT * len(olds))]
        seen = shuffled[len(held) :]
        maps = list(_fitted(olds[seen], news[seen], wanted, old.metric, rng))
        tried = [_audit(one, old, olds[held], news[held], len(olds), workers) for one in maps]
        best = max(range(len(maps)), key=lambda i: (tried[i].recall, -tried[i].median_rank))
        if tried[best].median_rank > _SHUFFLED:
            raise MismatchError(
                f"the pairs do not belong together: of {len(held)} pairs held out, half the mapped vectors have "
                f"{100 * tried[best].median_rank:.0f} % of all old vectors nearer than their own (50 % is chance); "
                "was one side shuffled, or do the models have nothing in common?"
            )
        again = _fitted(olds, news, wanted, old.metric, rng)  # with the pairs held out
        self._map = list(again)[best]
        self.old = old
        self.new_dim = news.shape[1]
        self.audit = tried[best]

    def queries(self, vectors: VectorsLike) -> NDArray[np.float32]:
        """Return vectors of the new model as the old one would have them, shape (m, old dim) or (old dim,).

        Raises DimensionError, InvalidVectorError.
        """
        given = np.asarray(vectors)
        rows = checked_rows(given[None] if given.ndim == 1 else vectors, "queries", self.new_dim, self.old.metric)
        mapped: NDArray[np.float32] = self._map(rows)
        return mapped[0] if given.ndim == 1 else mapped

    def distances(self, queries: VectorsLike, codes: Codes, *, threads: int = 0) -> NDArray[np.float32]:
        """Estimate distances of vectors of the new model to codes of the old one, as `Code.distances`."""
        return self.old.distances(self.queries(queries), codes, threads=threads)


@dataclass(frozen=True)
class _Map:
    kind: str
    matrix: NDArray[np.float64]  # (new dim, old dim)
    new_center: NDArray[np.float64]
    old_center: NDArray[np.float64]

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return as_float32(np.einsum("ij,jk->ik", rows - self.new_center, self.matrix) + self.old_center)


def _fitted(
    olds: NDArray[np.float32], news: NDArray[np.float32], kind: str, metric: str, rng: np.random.Generator
) -> Any:
    """Every map of the kinds asked for."""
    centers = [np.zeros(side.shape[1]) if metric == "ip" else side.mean(0, np.float64) for side in (news, olds)]
    a, b = news - centers[0], olds - centers[1]
    across = np.einsum("ij,ik->jk", a, b)
    if kind != "ridge":
        tall = across.shape[0] >= across.shape[1]
        turn = nearest_rotation(across, rng) if tall else nearest_rotation(np.ascontiguousarray(across.T), rng).T
        size = float(np.einsum("ij,ij->", across, turn)) / max(
            float(np.square(np.einsum("ij,jk->ik", a, turn)).sum()), 1e-300
        )
        yield _Map("orthogonal", turn * size, centers[0], centers[1])
    if kind != "orthogonal":
        within = np.einsum("ij,ik->jk", a, a)
        values, axes = _core.symmetric_eigen((within + within.T) / 2)
        along = np.einsum("ij,jk->ik", axes, across)
        for ridge in _RIDGES:
            shrunk = along / (np.maximum(values, 0) + ridge * max(float(values.mean()), 1e-300))[:, None]
            yield _Map("ridge", np.einsum("ji,jk->ik", axes, shrunk), centers[0], centers[1])


def _audit(
    one: _Map, old: Code, olds: NDArray[np.float32], news: NDArray[np.float32], pairs: int, threads: int
) -> Audit:
    """Look at a map with pairs held out. Neighbors are sought among their old vectors, each but itself."""
    k = min(10, len(olds) - 1)
    mapped = one(news)
    # By direction from the center: a ridge makes vectors shorter, and under ip long vectors are near to all.
    turned = [_usable(as_float32(side - one.old_center), "cosine") for side in (olds, mapped)]
    by_direction = _core.exact_search(turned[0], turned[1], len(olds), "cosine", threads)[0]
    rank = (by_direction == np.arange(len(olds))[:, None]).argmax(axis=1)
    by_mapped = _core.exact_search(olds, _usable(mapped, old.metric), len(olds), old.metric, threads)[0]
    truth = _others(_core.exact_search(olds, olds, k + 1, old.metric, threads)[0], k)
    codes = old.encode(olds, threads=threads)
    return Audit(
        one.kind,
        pairs,
        len(olds),
        float(np.median(rank)) / max(len(olds) - 1, 1),
        float((rank == 0).mean()),
        _found(_others(by_mapped, k), truth),
        _found(_others(_order(old.distances(_usable(mapped, old.metric), codes, threads=threads)), k), truth),
        _found(_others(_order(old.distances(olds, codes, threads=threads)), k), truth),
        k,
    )


def _usable(rows: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    """Zeros have no direction: a map that sends something there is told by what it finds, not by an error."""
    if metric == "cosine":
        rows = rows.copy()
        rows[~rows.any(axis=1), 0] = 1
    return rows


def _order(distances: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.argsort(distances, axis=1, kind="stable").astype(np.int64)


def _others(found: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Take each row's own number out of what it found, and the first k of what is left."""
    own = found == np.arange(len(found))[:, None]
    own[~own.any(axis=1), -1] = True
    others: NDArray[np.int64] = found[~own].reshape(len(found), -1)[:, :k]
    return others


def _found(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    return float((truth[:, :, None] == found[:, None, :]).any(axis=2).mean())

"""An index of documents that are many vectors each."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.arrays import id_numbers
from vicinal.errors import CorruptIndexError, DuplicateIdError, NotAnIndexError, UnknownIdError
from vicinal.index import Index
from vicinal.multivector.generators import GENERATORS, MOST_TOKENS, Generator, make_generator
from vicinal.multivector.scoring import score_lists
from vicinal.multivector.sets import VectorSets
from vicinal.settings import MAX_SEED, one_of, share, truth, whole_number

__all__ = ["MultiVectorIndex", "MultiVectorResult"]

FORMAT = 1
CURVE = (10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class MultiVectorResult:
    """What a search found; unpacks as ids, scores.

    Attributes
    ----------
    ids : ndarray of int64, shape (m, k), or (k,) for one query
        Best first, equal scores in the order of ids; -1 where there are no more.
    scores : ndarray of float32, same shape
        MaxSim, exact; -inf where there are no more.
    scored : ndarray of int64, shape (m,)
        Documents that were scored.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    scored: NDArray[np.int64]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.ids, self.scores))

    @property
    def distances(self) -> NDArray[np.float32]:
        """Minus the scores: smaller is nearer."""
        return -self.scores


@dataclass
class Calibration:
    """How many candidates each generator needs; see `MultiVectorIndex.calibrate`."""

    k: int
    recall: float
    queries: int
    documents: int
    curves: dict[str, dict[int, float]] = field(default_factory=dict)  # by generator: share found within N
    chosen: str = ""
    n_candidates: int = 0

    def __str__(self) -> str:
        """Return a table of them."""
        sizes = sorted({n for curve in self.curves.values() for n in curve})
        head = f"{'recall@' + str(self.k) + ' within':>18}" + "".join(f"{n:>8}" for n in sizes)
        rows = [
            f"{name + (' *' if name == self.chosen else ''):>18}"
            + "".join(f"{curve[n]:>8.3f}" if n in curve else f"{'':>8}" for n in sizes)
            for name, curve in self.curves.items()
        ]
        return "\n".join([head, *rows, f"* is used, with {self.n_candidates} candidates for a recall of {self.recall}"])


class MultiVectorIndex:
    """Find documents by MaxSim: candidates from an index of single vectors, which are scored exactly.

    Parameters
    ----------
    dim : int
        Of the vectors.
    candidates : str
        Who finds candidates: ``"mean"`` (the mean vector of a document), ``"fde"`` (its fixed-dimensional encoding,
        MUVERA), ``"token"`` (all vectors in one graph), or ``"auto"``: the one that `calibrate` finds to need the
        fewest; before that, the mean.
    dtype : str
        What vectors are kept as: ``"f16"`` or ``"f32"``.
    normalize : bool
        Bring every vector to length one, those of queries too.
    seed : int

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> rng = np.random.default_rng(0)
    >>> documents = [rng.standard_normal((rng.integers(5, 20), 32)) for _ in range(50)]
    >>> index = vicinal.MultiVectorIndex(32)
    >>> ids = index.add(documents)
    >>> ids, scores = index.search(documents[7][:4], k=3)
    >>> int(ids[0])
    7
    """

    def __init__(
        self, dim: int, candidates: str = "auto", *, dtype: str = "f16", normalize: bool = True, seed: int = 0
    ) -> None:
        self.dim = whole_number("dim", dim, 1, _core.MAX_DIM)
        self.asked = one_of("candidates", candidates, ("auto", *GENERATORS))
        self.dtype = one_of("dtype", dtype, ("f16", "f32"))
        self.normalize = truth("normalize", normalize)
        self.seed = whole_number("seed", seed, 0, MAX_SEED)
        self.calibration: Calibration | None = None
        self._pieces: list[VectorSets] = []
        self._ids = np.empty(0, np.int64)  # by number, those of removed documents too
        self._live = np.empty(0, np.bool_)
        self._numbers: dict[int, int] = {}  # of the live, by id
        self._name = "mean" if self.asked == "auto" else self.asked
        self._generator: Generator = make_generator(self._name, self.dim, self.seed)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, id: object) -> bool:  # noqa: A002
        return id in self._numbers

    def __repr__(self) -> str:
        return f"<MultiVectorIndex of {len(self)} documents: dim={self.dim}, candidates={self.candidates!r}>"

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids: int64, ascending."""
        return np.sort(self._ids[self._live])

    @property
    def candidates(self) -> str:
        """Who finds candidates now."""
        return self._name

    # -- changing it

    def add(
        self, vectors: ArrayLike | Sequence[ArrayLike], offsets: ArrayLike | None = None, ids: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Add documents.

        Parameters
        ----------
        vectors : list of array_like (n_i, dim), or array_like (n, dim) with `offsets`
            One array alone is one document.
        offsets : array_like of int, shape (documents + 1,), optional
            Document i has the rows offsets[i] to offsets[i + 1].
        ids : array_like of int, shape (documents,), optional
            By default numbers on from the largest that was ever used.

        Returns
        -------
        ndarray of int64
            The ids.

        Raises
        ------
        ValueError
            A document is empty, or `offsets` do not fit; nothing is added then, nor with the others.
        DimensionError, InvalidVectorError
            Vectors have another dimension; NaN, an infinity, or zeros where vectors are brought to length one.
        DuplicateIdError
            An id is there, or comes twice.
        """
        sets = self._checked(vectors, offsets, "vectors")
        if (sets.counts > MOST_TOKENS).any():
            raise ValueError(f"a document has {sets.counts.max()} vectors, expected at most {MOST_TOKENS}")
        given = self._fresh_ids(ids, len(sets))
        if not len(sets):
            return given
        numbers = np.arange(len(self._ids), len(self._ids) + len(sets))
        self._generator.add(sets, numbers)
        self._pieces.append(sets)
        self._ids = np.concatenate([self._ids, given])
        self._live = np.concatenate([self._live, np.ones(len(sets), np.bool_)])
        self._numbers.update(zip(given.tolist(), numbers.tolist(), strict=True))
        return given

    def remove(self, ids: ArrayLike) -> None:
        """Remove documents. Raises UnknownIdError; nothing is removed then."""
        numbers = self._known(ids)
        self._generator.remove(numbers, self._whole().counts[numbers])
        self._live[numbers] = False
        for one in self._ids[numbers].tolist():
            del self._numbers[one]

    def get(self, id: int) -> NDArray[Any]:  # noqa: A002
        """Return the vectors of a document as they are kept: (n, dim). Raises UnknownIdError."""
        (number,) = self._known([id])
        sets = self._whole()
        return sets.rows[sets.offsets[number] : sets.offsets[number + 1]]

    # -- asking it

    def search(
        self,
        queries: ArrayLike | Sequence[ArrayLike],
        k: int = 10,
        *,
        n_candidates: int | None = None,
        filter: ArrayLike | None = None,  # noqa: A002
        exact: bool = False,
        threads: int = 0,
    ) -> MultiVectorResult:
        """Find the documents that score highest with each query.

        Parameters
        ----------
        queries : list of array_like (t_i, dim), or array_like (t, dim)
            A list of sets, or one set, whose result has one dimension.
        k : int
        n_candidates : int, optional
            How many documents to score; by default what `calibrate` found, or max(100, 10 k).
        filter : array_like of int, optional
            Ids that may be reported; unknown ones admit nothing.
        exact : bool
            Score every document.
        threads : int
            0 takes all cores this process may use. The result is the same.

        Returns
        -------
        MultiVectorResult
            Unpacks as ``ids, scores``.

        Raises
        ------
        ValueError, DimensionError, InvalidVectorError
            As for `add`.
        """
        single = not isinstance(queries, (list, tuple))
        asked = self._checked(queries, None, "queries")
        wanted = whole_number("k", k, 1, 10**6)
        workers = whole_number("threads", threads, 0, _core.MAX_THREADS)
        n = self._effort(wanted, n_candidates)
        admitted = self._admitted(filter)
        if exact or n >= (len(self) if admitted is None else len(admitted)):
            every = np.flatnonzero(self._live) if admitted is None else admitted
            lists = np.tile(every, (len(asked), 1))
        else:
            lists = self._generator.candidates(asked, n, admitted, workers)
        result = self._best(asked, lists, wanted, workers)
        return MultiVectorResult(result.ids[0], result.scores[0], result.scored) if single else result

    def calibrate(
        self, queries: Sequence[ArrayLike], k: int = 10, *, recall: float = 0.98, threads: int = 0
    ) -> Calibration:
        """Measure how many candidates each generator needs, and with ``candidates="auto"`` take the best.

        Parameters
        ----------
        queries : list of array_like (t_i, dim)
            Like those to come; 100 or more say something.
        k : int
        recall : float
            The share of the k that score highest of all which candidates have to hold: above 0, at most 1.
        threads : int

        Returns
        -------
        Calibration
            Of each generator the recall within N candidates; prints as a table. What it says is kept with the index.

        Raises
        ------
        ValueError
            There are no documents or no queries, or `recall` is out of range.
        """
        target = share("recall", recall)
        asked = self._checked(list(queries), None, "queries")
        if not len(self) or not len(asked):
            raise ValueError(f"{len(asked)} queries and {len(self)} documents: calibrate needs both")
        wanted = whole_number("k", k, 1, 10**6)
        live = np.flatnonzero(self._live)
        best = self._best(asked, np.tile(live, (len(asked), 1)), min(wanted, len(live)), threads)
        truth_numbers = np.vectorize(self._numbers.__getitem__, otypes=[np.int64])(best.ids)
        found = Calibration(wanted, target, len(asked), len(live))
        sizes = [n for n in CURVE if wanted <= n < len(live)] or [len(live)]
        generators = {name: self._of_name(name, live) for name in GENERATORS if self.asked in ("auto", name)}
        for name, generator in generators.items():
            found.curves[name] = {
                n: _share_within(generator.candidates(asked, n, None, threads), truth_numbers) for n in sizes
            }
        needed = {name: next((n for n in sizes if curve[n] >= target), None) for name, curve in found.curves.items()}
        found.chosen = min(needed, key=lambda name: (needed[name] or len(live), -found.curves[name][sizes[0]]))
        found.n_candidates = needed[found.chosen] or len(live)
        self._name, self._generator = found.chosen, generators[found.chosen]
        self.calibration = found
        return found

    # -- keeping it

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file, replaced all or nothing; what is removed is left out. Raises OSError."""
        live = np.flatnonzero(self._live)
        sets = self._whole().take(live) if len(live) else self._empty()
        generator = self._of_name(self._name, live, numbers=np.arange(len(live)))
        about = {
            "format": FORMAT,
            "dim": self.dim,
            "asked": self.asked,
            "dtype": self.dtype,
            "normalize": self.normalize,
            "seed": self.seed,
            "name": self._name,
            "generator": generator.settings(),
            "calibration": None if self.calibration is None else vars(self.calibration),
        }
        fresh = Path(f"{os.fsdecode(path)}.{os.getpid()}.tmp")
        try:
            with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as file:
                file.writestr("vicinal-multivector.json", json.dumps(about))
                for name, array in (("rows", sets.rows), ("offsets", sets.offsets), ("ids", self._ids[live])):
                    with file.open(f"{name}.npy", "w", force_zip64=True) as part:
                        np.lib.format.write_array(part, np.ascontiguousarray(array), allow_pickle=False)
                file.writestr("candidates.vic", generator.index.to_bytes())
            fresh.replace(os.fsdecode(path))
        finally:
            fresh.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MultiVectorIndex:
        """Read what `save` wrote. Raises NotAnIndexError, CorruptIndexError, OSError."""
        name = os.fsdecode(path)
        try:
            with zipfile.ZipFile(name) as file:
                about = json.loads(file.read("vicinal-multivector.json"))
                rows, offsets, ids = (
                    np.lib.format.read_array(io.BytesIO(file.read(f"{part}.npy")), allow_pickle=False)
                    for part in ("rows", "offsets", "ids")
                )
                inner = file.read("candidates.vic")
        except (zipfile.BadZipFile, KeyError) as error:
            raise NotAnIndexError(f"{name} is no index of documents: {error}") from error
        except (ValueError, EOFError, NotImplementedError) as error:
            raise CorruptIndexError(f"{name} is damaged: {error}") from error
        try:
            return cls._restored(about, rows, offsets, ids, inner)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptIndexError(f"{name} is damaged: {error}") from error

    @classmethod
    def _restored(
        cls, about: dict[str, Any], rows: NDArray[Any], offsets: NDArray[Any], ids: NDArray[Any], inner: bytes
    ) -> MultiVectorIndex:
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']}, expected {FORMAT}")
        index = cls(
            about["dim"], about["asked"], dtype=about["dtype"], normalize=about["normalize"], seed=about["seed"]
        )
        sets = VectorSets.of(rows, offsets, index.dim, "vectors", unit=False) if len(ids) else index._empty()
        if rows.dtype != sets.rows.dtype or len(ids) != len(sets):
            raise ValueError(f"{len(ids)} ids stand for {len(sets)} documents")
        numbers = np.arange(len(ids))
        given = index._fresh_ids(ids, len(ids))
        index._name = one_of("name", about["name"], GENERATORS)
        generator = make_generator(index._name, index.dim, index.seed, Index.from_bytes(inner), **about["generator"])
        expected = len(sets.rows) if index._name == "token" else len(sets)
        if len(generator.index) != expected:
            raise ValueError(f"{len(generator.index)} vectors find {len(sets)} documents")
        index._generator = generator
        index._pieces = [sets] if len(ids) else []
        index._ids, index._live = given, np.ones(len(ids), np.bool_)
        index._numbers = dict(zip(given.tolist(), numbers.tolist(), strict=True))
        if about["calibration"] is not None:
            index.calibration = Calibration(**about["calibration"])
            index.calibration.curves = {
                name: {int(n): value for n, value in curve.items()} for name, curve in index.calibration.curves.items()
            }
        return index

    # -- inside

    def _empty(self) -> VectorSets:
        element = np.float16 if self.dtype == "f16" else np.float32
        return VectorSets(np.empty((0, self.dim), element), np.zeros(1, np.int64))

    def _checked(self, vectors: Any, offsets: ArrayLike | None, name: str) -> VectorSets:
        sets = VectorSets.of(vectors, offsets, self.dim, name, unit=self.normalize)
        if name == "queries":
            return VectorSets(sets.rows.astype(np.float32, copy=False), sets.offsets)
        return VectorSets(sets.rows.astype(np.float16 if self.dtype == "f16" else np.float32), sets.offsets)

    def _whole(self) -> VectorSets:
        """All documents that were ever added, in one piece."""
        if len(self._pieces) > 1:
            rows = np.concatenate([piece.rows for piece in self._pieces])
            counts = np.concatenate([piece.counts for piece in self._pieces])
            self._pieces = [VectorSets(rows, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))]
        return self._pieces[0] if self._pieces else self._empty()

    def _fresh_ids(self, ids: ArrayLike | None, n: int) -> NDArray[np.int64]:
        if ids is None:
            start = int(self._ids.max(initial=-1)) + 1
            return np.arange(start, start + n, dtype=np.int64)
        given = id_numbers(ids, "ids")
        if len(given) != n:
            raise ValueError(f"{len(given)} ids for {n} documents")
        seen: set[int] = set()
        for one in given.tolist():
            if one in self._numbers or one in seen:
                raise DuplicateIdError(f"id {one} is in the index already, or named twice")
            seen.add(one)
        return given

    def _known(self, ids: ArrayLike) -> NDArray[np.int64]:
        given = id_numbers(ids, "ids")
        for one in given.tolist():
            if one not in self._numbers:
                raise UnknownIdError(f"no document has id {one}")
        if len(np.unique(given)) != len(given):
            raise DuplicateIdError("an id is named twice")
        return np.array([self._numbers[one] for one in given.tolist()], np.int64)

    def _admitted(self, ids: ArrayLike | None) -> NDArray[np.int64] | None:
        if ids is None:
            return None
        given = np.unique(id_numbers(ids, "filter"))
        return np.array([self._numbers[one] for one in given.tolist() if one in self._numbers], np.int64)

    def _effort(self, k: int, n_candidates: int | None) -> int:
        if n_candidates is not None:
            return max(k, whole_number("n_candidates", n_candidates, 1, 10**6))
        return max(k, self.calibration.n_candidates) if self.calibration is not None else max(100, 10 * k)

    def _of_name(self, name: str, live: NDArray[np.int64], numbers: NDArray[np.int64] | None = None) -> Generator:
        """Return the generator in use where it will do, else one made anew of the live documents."""
        if name == self._name and (numbers is None or (len(numbers) == len(self._ids) and self._live.all())):
            return self._generator
        generator = make_generator(name, self.dim, self.seed)
        if len(live):
            generator.add(self._whole().take(live), live if numbers is None else numbers)
        return generator

    def _best(self, asked: VectorSets, lists: NDArray[np.int64], k: int, threads: int) -> MultiVectorResult:
        """Score the documents of each list, of which -1 stand for none, and take the best."""
        m = len(asked)
        there = lists >= 0
        scored = there.sum(axis=1).astype(np.int64)
        ids = np.full((m, k), -1, np.int64)
        scores = np.full((m, k), -np.inf, np.float32)
        if m and scored.any():
            starts = np.concatenate([[0], np.cumsum(scored)])
            which = lists[there]
            values = score_lists(asked, self._whole(), starts, which, threads)
            names = self._ids[which]
            for query in range(m):
                part = slice(starts[query], starts[query + 1])
                order = np.lexsort((names[part], -values[part]))[:k]
                ids[query, : len(order)] = names[part][order]
                scores[query, : len(order)] = values[part][order]
        return MultiVectorResult(ids, scores, scored)


def _share_within(ranked: NDArray[np.int64], truth_numbers: NDArray[np.int64]) -> float:
    hits = sum(len(np.intersect1d(one, other)) for one, other in zip(ranked, truth_numbers, strict=True))
    return hits / truth_numbers.size

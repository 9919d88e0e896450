"""An index of documents that are many vectors each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.arrays import MAX_ID, id_numbers
from vicinal.errors import CorruptIndexError, DuplicateIdError, Interrupted, UnknownIdError
from vicinal.multivector.best import best_of, best_of_all
from vicinal.multivector.generators import GENERATORS, MOST_TOKENS, Generator, make_generator
from vicinal.multivector.held import Held
from vicinal.multivector.results import Calibration, MultiVectorResult
from vicinal.multivector.sets import VectorSets, four_bits, halves, kept_sets
from vicinal.multivector.turning import Turning
from vicinal.parts import PartsFile
from vicinal.settings import MAX_SEED, one_of, share, truth, whole_number
from vicinal.writer import Writer

__all__ = ["DOCUMENTS", "MultiVectorIndex"]

DOCUMENTS = PartsFile(b"vicinMV\x01", "index of documents")

CURVE = (10, 20, 50, 100, 200, 500, 1000)


class MultiVectorIndex:
    """Find documents by MaxSim: candidates from an index of single vectors, which are scored exactly.

    Parameters
    ----------
    dim : int
        Of the vectors.
    candidates : str
        Who finds candidates: ``"mean"`` (the mean vector of a document), ``"fde"`` (its fixed-dimensional encoding,
        MUVERA), ``"token"`` (all vectors in one graph), ``"centroid"`` (lists of the documents that have a vector near
        a centroid, PLAID), or ``"auto"``: the one that `calibrate` finds to need the fewest; before that, the mean.
    dtype : str
        What vectors are kept as: ``"f16"``, ``"f32"``, or ``"b4"``: four bits an element and a factor for each vector,
        an eighth of ``"f32"``. Scores are exact for the vectors that are kept.
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
        self.dtype = one_of("dtype", dtype, ("f16", "f32", "b4"))
        self.normalize = truth("normalize", normalize)
        self.seed = whole_number("seed", seed, 0, MAX_SEED)
        self.calibration: Calibration | None = None
        self._writer = Writer()
        self._turning = Turning(self.dim, self.seed) if self.dtype == "b4" else None
        self._held = Held.of(self._empty(), np.empty(0, np.int64))
        self._numbers: dict[int, int] = {}  # of the live, by id
        self._next = 0  # the id that the next document gets
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
        held = self._held
        return np.sort(held.ids[held.numbers])

    @property
    def candidates(self) -> str:
        """Who finds candidates now."""
        return self._name

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the lock, as it is at one moment."""
        with self._writer.alone():
            state = dict(self.__dict__)
        del state["_writer"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _writer=Writer())

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
        with self._writer.alone():
            given = self._fresh_ids(ids, len(sets))
            if not len(sets):
                return given
            numbers = np.arange(len(self._held.ids), len(self._held.ids) + len(sets))
            held = self._held.with_added(sets, given)
            generator = self._generator
            try:
                generator.add(sets.floats(), numbers)
                if generator.worn():
                    generator = self._anew(self._name, held)
            except BaseException as error:  # Ctrl-C too: an add of documents is all or nothing
                self._generator.remove(numbers, sets.counts)
                if isinstance(error, Interrupted):
                    raise Interrupted(np.empty(0, np.int64)) from error
                raise
            self._held, self._generator = held, generator
            self._numbers.update(zip(given.tolist(), numbers.tolist(), strict=True))
            self._next = min(max(self._next, int(given.max()) + 1), MAX_ID)
        return given

    def remove(self, ids: ArrayLike) -> None:
        """Remove documents. Raises UnknownIdError; nothing is removed then."""
        with self._writer.alone():
            numbers = self._known(ids)
            held = self._held
            counts = held.sets.counts[held.places[numbers]]
            self._held = held.without(numbers)
            for one in held.ids[numbers].tolist():
                del self._numbers[one]
            self._generator.remove(numbers, counts)

    def get(self, id: int) -> NDArray[Any]:  # noqa: A002
        """Return the vectors of a document as they are kept: (n, dim). Raises UnknownIdError."""
        rows = self._held.of_numbers(self._known([id])).floats().rows
        return rows if self._turning is None else self._turning.back(rows)

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
        held = self._held  # of one moment, whatever is written meanwhile
        admitted = self._admitted(filter, held)
        every = held.numbers if admitted is None else admitted
        if exact or n >= len(every):
            result = best_of_all(held, asked, every, wanted, workers)
        else:
            found = held.of_live(self._generator.candidates(asked, n, admitted, workers))
            result = best_of(held, asked, found, wanted, workers)
            short = np.flatnonzero(result.scored < min(wanted, len(every)))
            if len(short):  # they look at all documents
                result.put(short, best_of_all(held, asked.take(short), every, wanted, workers))
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
        wanted = whole_number("k", k, 1, 10**6)
        with self._writer.alone():
            held = self._held
            n = len(held.numbers)
            if not n or not len(asked):
                raise ValueError(f"{len(asked)} queries and {n} documents: calibrate needs both")
            best = best_of_all(held, asked, held.numbers, min(wanted, n), threads)
            number_of = np.vectorize(self._numbers.__getitem__, otypes=[np.int64])
            found = Calibration(wanted, target, len(asked), n)
            sizes = [size for size in CURVE if wanted <= size < n] or [n]
            generators = {name: self._of_name(name) for name in GENERATORS if self.asked in ("auto", name)}
            for name, generator in generators.items():
                found.curves[name] = {
                    size: _share_within(generator.candidates(asked, size, None, threads), number_of(best.ids))
                    for size in sizes
                }
            needed = {
                name: next((size for size in sizes if curve[size] >= target), n) for name, curve in found.curves.items()
            }
            found.chosen = min(needed, key=lambda name: (needed[name], -found.curves[name][sizes[0]]))
            found.n_candidates = needed[found.chosen]
            self._name, self._generator = found.chosen, generators[found.chosen]
            self.calibration = found
        return found

    # -- keeping it

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file, replaced all or nothing; what is removed is left out. Raises OSError."""
        with self._writer.alone():
            held = self._held
            sets = held.of_numbers(held.numbers)
            ids = held.ids[held.numbers]
            whole = len(ids) == len(held.ids)
            generator = self._generator if whole else self._anew(self._name, Held.of(sets, ids))
            about = {
                "dim": self.dim,
                "asked": self.asked,
                "dtype": self.dtype,
                "normalize": self.normalize,
                "seed": self.seed,
                "name": self._name,
                "next": self._next,
                "generator": generator.settings(),
                "calibration": None if self.calibration is None else vars(self.calibration),
            }
            parts = {
                "rows": sets.rows,
                "offsets": sets.offsets,
                "ids": ids,
            }
            DOCUMENTS.write(path, about, parts | generator.parts())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MultiVectorIndex:
        """Read what `save` wrote.

        Raises
        ------
        NotAnIndexError, CorruptIndexError, FormatTooNewError
            What is in the file is no index of documents that can be trusted.
        OSError
            The file cannot be read.
        """
        about, parts = DOCUMENTS.read(path)
        try:
            return cls._restored(about, parts)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CorruptIndexError(f"{os.fsdecode(path)} is damaged: {error}") from error

    @classmethod
    def _restored(cls, about: dict[str, Any], parts: dict[str, NDArray[Any]]) -> MultiVectorIndex:
        index = cls(
            about["dim"], about["asked"], dtype=about["dtype"], normalize=about["normalize"], seed=about["seed"]
        )
        rows, ids, sets = parts["rows"], parts["ids"], index._empty()
        if rows.dtype != sets.rows.dtype:
            raise ValueError(f"rows are of {rows.dtype}, expected {sets.rows.dtype}")
        if len(ids):
            sets = kept_sets(rows, parts["offsets"], sets)
        if len(ids) != len(sets):
            raise ValueError(f"{len(ids)} ids stand for {len(sets)} documents")
        given = index._fresh_ids(ids, len(ids))
        least = min(int(given.max(initial=-1)) + 1, MAX_ID)
        index._next = whole_number("the next id", about["next"], least, MAX_ID)
        index._name = one_of("name", about["name"], GENERATORS)
        index._generator = make_generator(index._name, index.dim, index.seed, parts, **about["generator"])
        index._generator.check(sets)
        index._held = Held.of(sets, given)
        index._numbers = {one: number for number, one in enumerate(given.tolist())}
        if about["calibration"] is not None:
            index.calibration = Calibration.of(about["calibration"])
        return index

    # -- inside

    def _empty(self) -> VectorSets:
        none = VectorSets(
            np.empty((0, self.dim), np.float16 if self.dtype == "f16" else np.float32), np.zeros(1, np.int64)
        )
        return four_bits(none, "none") if self.dtype == "b4" else none

    def _checked(self, vectors: Any, offsets: ArrayLike | None, name: str) -> VectorSets:
        sets = VectorSets.of(vectors, offsets, self.dim, name, unit=self.normalize)
        if self._turning is not None:
            sets = VectorSets(self._turning(sets.rows), sets.offsets)
        if name == "queries":
            return VectorSets(sets.rows.astype(np.float32, copy=False), sets.offsets)
        if self.dtype == "b4":
            return four_bits(sets, name)
        if self.dtype == "f32":
            return VectorSets(sets.rows.astype(np.float32), sets.offsets)  # a copy: the caller's array is the caller's
        return VectorSets(halves(sets, name), sets.offsets)

    def _fresh_ids(self, ids: ArrayLike | None, n: int) -> NDArray[np.int64]:
        if ids is None:
            if n > MAX_ID - self._next:
                raise OverflowError(f"there are no {n} ids from {self._next} on: name them")
            return np.arange(self._next, self._next + n, dtype=np.int64)
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

    def _admitted(self, ids: ArrayLike | None, held: Held) -> NDArray[np.int64] | None:
        if ids is None:
            return None
        wanted = np.unique(id_numbers(ids, "filter"))
        return held.numbers[np.isin(held.ids[held.numbers], wanted)]

    def _effort(self, k: int, n_candidates: int | None) -> int:
        if n_candidates is not None:
            return max(k, whole_number("n_candidates", n_candidates, 1, 10**6))
        return max(k, self.calibration.n_candidates) if self.calibration is not None else max(100, 10 * k)

    def _of_name(self, name: str) -> Generator:
        """Return the generator in use where it is the one, else one made anew."""
        return self._generator if name == self._name else self._anew(name, self._held)

    def _anew(self, name: str, held: Held) -> Generator:
        generator = make_generator(name, self.dim, self.seed)
        if len(held.numbers):
            generator.add(held.of_numbers(held.numbers).floats(), held.numbers)
        return generator


def _share_within(ranked: NDArray[np.int64], truth_numbers: NDArray[np.int64]) -> float:
    hits = sum(len(np.intersect1d(one, other)) for one, other in zip(ranked, truth_numbers, strict=True))
    return hits / truth_numbers.size

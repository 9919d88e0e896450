"""Fixed-dimensional encodings (MUVERA): a set of vectors as one, whose inner products go as MaxSim does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.errors import NotTunedError
from vicinal.multivector.clusters import find_centroids
from vicinal.multivector.sets import VectorSets
from vicinal.multivector.turning import Turning
from vicinal.settings import MAX_SEED, one_of, truth, whole_number

__all__ = ["FDE"]

PARTITIONS = ("kmeans", "simhash", "centered")
MOST = 2**20  # floats of an encoding


class FDE:
    """Encode sets of vectors as single vectors.

    The inner product of a query's encoding with a document's is about ``reps`` times their MaxSim. It is an estimate to
    find candidates by; score these exactly (`maxsim`).

    Each repetition parts the space into cells and takes `dproj` elements of the vectors, which have been turned by a
    random rotation; over the repetitions every element is taken equally often, so that of vectors that share their
    cells the whole product is counted. (The paper sketches with random signs, whose noise was measured to cost more
    than it saves.)

    Parameters
    ----------
    dim : int
        Of the vectors.
    reps : int
        Repetitions: partitions of the space, each with its part of the encoding.
    ksim : int
        A partition has 2**ksim cells.
    dproj : int
        Elements that are taken in each cell, at most 256; `dim` takes all of them.
    fill : bool
        Whether an empty cell of a document takes the vector that is nearest to it.
    partition : str
        ``"kmeans"``: cells around centers that k-means finds in the vectors that `fit` sees. ``"simhash"``: hyperplanes
        through the origin, as in the paper. ``"centered"``: through the mean of the vectors that `fit` sees.
    seed : int

    Raises
    ------
    ValueError
        A setting is out of range, or the encoding would be longer than 2**20.

    References
    ----------
    Dhulipala, Hadian, Jayaram, Lee, Mirrokni, MUVERA: Multi-Vector Retrieval via Fixed Dimensional Encodings, NeurIPS
    2024, arXiv 2405.19504.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> documents = [rng.standard_normal((20, 16)) for _ in range(5)]
    >>> fde = FDE(16, reps=8, ksim=3, dproj=8).fit(documents)
    >>> fde.documents(documents).shape, fde.queries(documents[:1]).shape
    ((5, 512), (1, 512))
    """

    def __init__(
        self,
        dim: int,
        *,
        reps: int = 10,
        ksim: int = 5,
        dproj: int = 16,
        fill: bool = True,
        partition: str = "kmeans",
        seed: int = 0,
    ) -> None:
        self.dim = whole_number("dim", dim, 1, _core.MAX_DIM)
        self.reps = whole_number("reps", reps, 1, 4096)
        self.ksim = whole_number("ksim", ksim, 0, 20)
        self.dproj = min(whole_number("dproj", dproj, 1, 256), self.dim)
        self.fill = truth("fill", fill)
        self.partition = one_of("partition", partition, PARTITIONS)
        self.seed = whole_number("seed", seed, 0, MAX_SEED)
        if self.length > MOST:
            raise ValueError(
                f"an encoding would have {self.length} dimensions ({4 * self.length} bytes), expected at most {MOST}"
            )
        self._turning = Turning(self.dim, self.seed)
        self._places, self._signs = _taken(self.dim, self.reps, self.dproj)
        self._planes: NDArray[np.float32] | None = None  # or centers
        self._origin: NDArray[np.float32] | None = None  # of planes; of centers half their squares
        if self.partition != "kmeans":
            planes = np.random.default_rng(self.seed).standard_normal((self.reps * self.ksim, self.dim))
            self._planes = planes.astype(np.float32)
        if self.partition == "simhash":
            self._origin = np.zeros(self.dim, np.float32)

    @property
    def length(self) -> int:
        """Dimensions of an encoding: reps * 2**ksim * dproj."""
        return int(self.reps * 2**self.ksim * self.dproj)

    def fit(self, sets: ArrayLike | Sequence[ArrayLike], offsets: ArrayLike | None = None) -> FDE:
        """Learn where the vectors lie; ``partition="simhash"`` does not need it. Shapes as `documents`."""
        return self.fit_sets(VectorSets.of(sets, offsets, self.dim, "sets", unit=False))

    def fit_sets(self, sets: VectorSets) -> FDE:
        """Fit to sets that have been checked. Raises ValueError where there are none."""
        if not len(sets):
            raise ValueError("there are no sets to fit to")
        rows = self._turning(sets.rows)
        if self.partition == "centered":
            self._origin = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        elif self.partition == "kmeans":
            cells = 2**self.ksim
            found = [find_centroids(rows, cells, (self.seed + one) % MAX_SEED) for one in range(self.reps)]
            # Where there are fewer vectors than cells, the last cells are as the first, which comes before them.
            self.take_centers(np.concatenate([one[np.arange(cells) % len(one)] for one in found]))
        return self

    @property
    def fitted(self) -> bool:
        """Whether it can encode."""
        return self._planes is not None and self._origin is not None

    def take_centers(self, centers: NDArray[np.float32]) -> None:
        """Part the space by these, of vectors that have been turned; shape (reps * 2**ksim, dim)."""
        self._planes = np.ascontiguousarray(centers)
        self._origin = np.einsum("ij,ij->i", centers, centers) / np.float32(2)

    def documents(
        self, sets: ArrayLike | Sequence[ArrayLike], offsets: ArrayLike | None = None, *, threads: int = 0
    ) -> NDArray[np.float32]:
        """Encode documents.

        Parameters
        ----------
        sets : list of array_like (n_i, dim), or array_like (n, dim) with `offsets`
        offsets : array_like of int, shape (documents + 1,), optional
        threads : int
            0 takes all cores this process may use. The result is the same.

        Returns
        -------
        ndarray of float32, shape (documents, length)

        Raises
        ------
        NotTunedError
            `fit` was not called, and the partition needs it.
        ValueError, DimensionError, InvalidVectorError
            As `maxsim`.
        """
        return self.encode(VectorSets.of(sets, offsets, self.dim, "sets", unit=False), False, threads)

    def queries(
        self, sets: ArrayLike | Sequence[ArrayLike], offsets: ArrayLike | None = None, *, threads: int = 0
    ) -> NDArray[np.float32]:
        """Encode queries, of which cells hold sums. As `documents`."""
        return self.encode(VectorSets.of(sets, offsets, self.dim, "sets", unit=False), True, threads)

    def encode(self, sets: VectorSets, queries: bool, threads: int = 0) -> NDArray[np.float32]:
        """Encode sets that have been checked."""
        if self._planes is None or self._origin is None:
            raise NotTunedError(f"an FDE whose partition is {self.partition} has to be fitted: call fit(sets) first")
        side = "query" if queries else "filled" if self.fill else "document"
        return _core.encode_sets(
            self._turning(sets.rows),
            sets.offsets,
            self.ksim,
            self.dproj,
            self._planes.ravel(),
            self._origin,
            self._places.ravel(),
            self._signs.ravel(),
            side,
            whole_number("threads", threads, 0, _core.MAX_THREADS),
        )


def _taken(dim: int, reps: int, each: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return where in a block each element of a vector goes, and with which factor (0: it is not taken).

    Repetitions take one element after the other, and begin anew after the last. Factors make the sum over repetitions
    `reps` times the product where all elements are taken, and on average over rotations where they are too many.
    """
    taken = np.arange(reps * each).reshape(reps, each) % dim
    times = np.bincount(taken.ravel(), minlength=dim)
    factors = np.sqrt(reps / times if times.all() else np.full(dim, dim / each)).astype(np.float32)
    places, signs = np.zeros((reps, dim), np.uint8), np.zeros((reps, dim), np.float32)
    rows = np.arange(reps)[:, None]
    places[rows, taken] = np.arange(each)
    signs[rows, taken] = factors[taken]
    return places, signs

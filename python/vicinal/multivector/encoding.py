"""Fixed-dimensional encodings (MUVERA): a set of vectors as one, whose inner products go as MaxSim does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.errors import NotTunedError
from vicinal.multivector.sets import VectorSets
from vicinal.settings import MAX_SEED, one_of, truth, whole_number

__all__ = ["FDE"]

MOST = 2**20  # floats of an encoding


class FDE:
    """Encode sets of vectors as single vectors.

    The inner product of a query's encoding with a document's is about ``reps`` times their MaxSim. It is an estimate to
    find candidates by; score these exactly (`maxsim`).

    Parameters
    ----------
    dim : int
        Of the vectors.
    reps : int
        Repetitions: partitions of the space, each with its part of the encoding.
    ksim : int
        Hyperplanes of a partition, which has 2**ksim cells.
    dproj : int
        Dimensions that vectors are sketched to in each cell, at most 256; `dim` takes them as they are.
    fill : bool
        Whether an empty cell of a document takes the vector whose cell is nearest. The paper fills; on short documents
        it was measured to hurt.
    partition : str
        ``"simhash"``: hyperplanes through the origin, as in the paper. ``"centered"``: through the mean of the vectors
        that `fit` sees.
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
        reps: int = 20,
        ksim: int = 4,
        dproj: int = 16,
        fill: bool = False,
        partition: str = "centered",
        seed: int = 0,
    ) -> None:
        self.dim = whole_number("dim", dim, 1, _core.MAX_DIM)
        self.reps = whole_number("reps", reps, 1, 4096)
        self.ksim = whole_number("ksim", ksim, 0, 20)
        self.dproj = min(whole_number("dproj", dproj, 1, 256), self.dim)
        self.fill = truth("fill", fill)
        self.partition = one_of("partition", partition, ("simhash", "centered"))
        self.seed = whole_number("seed", seed, 0, MAX_SEED)
        if self.length > MOST:
            raise ValueError(
                f"an encoding would have {self.length} dimensions ({4 * self.length} bytes), expected at most {MOST}"
            )
        rng = np.random.default_rng(self.seed)
        self._planes = rng.standard_normal((self.reps * self.ksim, self.dim)).astype(np.float32)
        if self.dproj == self.dim:
            self._places = np.tile(np.arange(self.dim, dtype=np.uint8), (self.reps, 1))
            self._signs = np.ones((self.reps, self.dim), np.float32)
        else:
            self._places = rng.integers(0, self.dproj, (self.reps, self.dim), dtype=np.uint8)
            self._signs = rng.choice(np.array([-1, 1], np.float32), (self.reps, self.dim))
        self._origin = np.zeros(self.dim, np.float32) if self.partition == "simhash" else None

    @property
    def length(self) -> int:
        """Dimensions of an encoding: reps * 2**ksim * dproj."""
        return int(self.reps * 2**self.ksim * self.dproj)

    def fit(self, sets: ArrayLike | Sequence[ArrayLike], offsets: ArrayLike | None = None) -> FDE:
        """Learn where the vectors lie; only ``partition="centered"`` needs it. Shapes as `documents`."""
        return self.fit_sets(VectorSets.of(sets, offsets, self.dim, "sets", unit=False))

    def fit_sets(self, sets: VectorSets) -> FDE:
        """Fit to sets that have been checked. Raises ValueError where there are none."""
        if not len(sets):
            raise ValueError("there are no sets to fit to")
        if self.partition == "centered":
            self._origin = sets.rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        return self

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
            ``partition="centered"``, and `fit` was not called.
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
        if self._origin is None:
            raise NotTunedError("an FDE whose partition is centered has to be fitted: call fit(sets) first")
        side = "query" if queries else "filled" if self.fill else "document"
        return _core.encode_sets(
            sets.rows,
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

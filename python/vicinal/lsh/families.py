"""Families of locality-sensitive hash functions, and how likely each is to give two items one value."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.arrays import VectorsLike, vector_rows
from vicinal.errors import InvalidVectorError
from vicinal.lsh.items import token_sets
from vicinal.settings import MAX_SEED, whole_number

MAX_HASHES = 65_536
MAX_DIM = 65_536


class Family:
    """What all families share.

    Attributes
    ----------
    name : str
        As `pairs` takes it.
    hashes : int
        Functions drawn.
    larger_is_nearer : bool
        Whether scores are similarities or distances.
    """

    name = ""
    larger_is_nearer = True
    hashes: int
    seed: int
    dim = 0
    _core: _core.HashFamily

    def _draw(
        self,
        dim: int,
        hashes: int,
        seed: int,
        *,
        width: float = 0,
        weighted: bool = False,
        center: Any = (),
        axes: VectorsLike | None = None,
    ) -> None:
        spanning = np.empty((0, dim), dtype=np.float32) if axes is None else vector_rows(axes, "axes", dim, "f32")
        if axes is not None and not 1 <= len(spanning) <= dim:
            raise ValueError(f"axes has {len(spanning)} rows, expected 1 to dim, {dim}")
        _check_finite(spanning, "axes")
        self.hashes = whole_number("hashes", hashes, 1, MAX_HASHES)
        self.seed = whole_number("seed", seed, 0, MAX_SEED)
        self.dim = dim
        self._core = _core.HashFamily(
            self.name,
            dim,
            self.hashes,
            self.seed,
            width,
            weighted,
            np.asarray(center, dtype=np.float32),
            np.ascontiguousarray(spanning, dtype=np.float32),
        )

    def _read(self, items: Any, name: str) -> Any:
        return vector_rows(items, name, self.dim, "f32")

    def hash(self, items: Any, *, threads: int = 0) -> NDArray[np.uint32]:
        """Return the values of all functions: uint32, shape (n, hashes). Only equality means anything.

        Raises InvalidVectorError for NaN and infinities, ValueError for `threads`, and what reading the items raises.
        """
        workers = whole_number("threads", threads, 0, _core.MAX_THREADS)
        given = self._read(items, "items")
        if isinstance(given, np.ndarray) and given.dtype.kind == "f":
            _check_finite(given, "items")
        return self._core._hash(given, workers)

    def collision_probability(self, similarity: float) -> float:
        """Return how likely one function is to give two items of this similarity (or distance) one value."""
        raise NotImplementedError


def principal_axes(vectors: VectorsLike, count: int, *, sample: int = 20_000) -> NDArray[np.float32]:
    """Return the directions along which vectors vary most, for `SimHash` and `PStable` to be drawn along.

    Parameters
    ----------
    vectors : array_like, shape (n, dim)
    count : int
        From 1 to dim.
    sample : int
        Of more vectors than that, so many are looked at, evenly spread over their order.

    Returns
    -------
    ndarray of float32, shape (count, dim)
        Orthonormal, the one of the largest variance first.

    Raises
    ------
    InvalidVectorError, DimensionError, TypeError
        As `vicinal.Index.add` raises them.
    ValueError
        `count` or `sample` is out of its range; there are no vectors.

    Examples
    --------
    >>> import numpy as np
    >>> flat = np.random.default_rng(0).standard_normal((100, 8)) * [1, 1, 1, 9, 1, 9, 1, 1]
    >>> np.flatnonzero(np.abs(principal_axes(flat, 2)).sum(axis=0) > 0.5).tolist()
    [3, 5]
    """
    given = np.asarray(vectors)
    rows = vector_rows(given, "vectors", given.shape[-1] if given.ndim else 1, "f32")
    if not len(rows):
        raise ValueError("vectors has no rows, expected some to find the axes of")
    taken = whole_number("count", count, 1, rows.shape[1])
    step = -(-len(rows) // whole_number("sample", sample, 1, 2**31))
    _check_finite(rows[::step], "vectors")
    looked_at = rows[::step].astype(np.float64)
    looked_at -= looked_at.mean(axis=0)
    _, axes = np.linalg.eigh(looked_at.T @ looked_at)
    return np.ascontiguousarray(axes.T[::-1][:taken], dtype=np.float32)


def _check_finite(rows: NDArray[np.float32], name: str) -> None:
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InvalidVectorError(f"{name} row {np.flatnonzero(bad)[0]} holds NaN or an infinity")


class SimHash(Family):
    """On which side of a random plane a vector lies: for the cosine (Charikar 2002).

    Parameters
    ----------
    dim, hashes : int
        Elements of a vector; planes.
    center : array_like, shape (dim,), optional
        The planes go through this point in place of zero. Vectors that all lie to one side of zero are told apart
        better around their mean; the probability then speaks of the cosine seen from there.
    axes : array_like, shape (r, dim), optional
        What planes see of a vector: its products with these. Where data vary along few directions, their principal
        axes (`principal_axes`) tell them apart with fewer candidates, and hash them in fewer steps; the probability
        then speaks of the cosine of the products.
    seed : int

    Examples
    --------
    >>> import numpy as np
    >>> family = SimHash(3, 64)
    >>> family.hash(np.eye(3, dtype=np.float32)).shape
    (3, 64)
    >>> round(family.collision_probability(0.0), 6)
    0.5
    """

    name = "simhash"

    def __init__(
        self,
        dim: int,
        hashes: int = 128,
        *,
        center: VectorsLike | None = None,
        axes: VectorsLike | None = None,
        seed: int = 0,
    ) -> None:
        dim = whole_number("dim", dim, 1, MAX_DIM)
        middle = [] if center is None else vector_rows(np.asarray(center)[None], "center", dim, "f32")[0]
        _check_finite(np.atleast_2d(middle), "center")
        self._draw(dim, hashes, seed, center=middle, axes=axes)

    def collision_probability(self, similarity: float) -> float:
        """1 - angle / pi, of the cosine."""
        return 1 - math.acos(max(-1.0, min(1.0, similarity))) / math.pi


class PStable(Family):
    """In which interval of a random line a vector falls: for Euclidean distance (Datar et al. 2004, E2LSH).

    Parameters
    ----------
    dim, hashes : int
        Elements of a vector; lines.
    width : float
        Of an interval, in the unit of the distance.
    axes : array_like, shape (r, dim), optional
        As for `SimHash`; the probability then speaks of the distance between the products.
    seed : int

    Examples
    --------
    >>> family = PStable(8, 32, width=4.0)
    >>> round(family.collision_probability(1.0), 4)
    0.8005
    """

    name = "pstable"
    larger_is_nearer = False

    def __init__(
        self, dim: int, hashes: int = 128, *, width: float, axes: VectorsLike | None = None, seed: int = 0
    ) -> None:
        self.width = float(width)
        self._draw(whole_number("dim", dim, 1, MAX_DIM), hashes, seed, width=self.width, axes=axes)

    def collision_probability(self, similarity: float) -> float:
        """1 - 2 Phi(-t) - 2 (1 - exp(-t² / 2)) / (sqrt(2 pi) t), t = width / distance."""
        if similarity <= 0:
            return 1.0
        t = self.width / similarity
        tails = math.erfc(t / math.sqrt(2))
        return 1 - tails - 2 / (math.sqrt(2 * math.pi) * t) * -math.expm1(-t * t / 2)


class CrossPolytope(Family):
    """Which signed axis is nearest after a random rotation: for the cosine (Andoni et al. 2015).

    One function has 2 dim values, so a band needs few of them.

    Examples
    --------
    >>> family = CrossPolytope(64, 4)
    >>> 0.1 < family.collision_probability(0.8) < 0.5
    True
    """

    name = "crosspolytope"

    def __init__(self, dim: int, hashes: int = 32, *, seed: int = 0) -> None:
        self._draw(whole_number("dim", dim, 1, MAX_DIM), hashes, seed)

    def collision_probability(self, similarity: float) -> float:
        """That two normal vectors, correlated by the cosine, have their largest coordinate at one place, same sign."""
        return _one_largest(1 << (self.dim - 1).bit_length(), float(similarity))


class MinHash(Family):
    """The smallest of a set's hashes: for the Jaccard similarity of sets (Broder 1997; as SuperMinHash, Ertl 2017).

    Parameters
    ----------
    hashes : int
        Length of a signature.
    shingle : "words" or int
        How texts become sets: words in lower case, or every so many characters that follow each other.
    weighted : bool
        Items are mappings from token to weight, compared by sum of smaller by sum of larger weights (Ioffe 2010).
    seed : int

    Examples
    --------
    >>> family = MinHash(64)
    >>> values = family.hash(["a rose is a rose", "is a rose a rose"])
    >>> bool((values[0] == values[1]).all())
    True
    >>> family.collision_probability(0.8)
    0.8
    """

    name = "minhash"

    def __init__(
        self, hashes: int = 128, *, shingle: str | int = "words", weighted: bool = False, seed: int = 0
    ) -> None:
        self.shingle = shingle
        self.weighted = weighted
        self._draw(0, hashes, seed, weighted=weighted)

    def _read(self, items: Any, name: str) -> Any:
        return token_sets(items, name, shingle=self.shingle, weighted=self.weighted)

    def collision_probability(self, similarity: float) -> float:
        """The similarity itself."""
        return float(similarity)


class BitSample(Family):
    """One bit of a packed vector: for the number of bits that differ (Indyk, Motwani 1998).

    Examples
    --------
    >>> BitSample(64, 16).collision_probability(16)
    0.75
    """

    name = "bitsample"
    larger_is_nearer = False

    def __init__(self, dim: int, hashes: int = 128, *, seed: int = 0) -> None:
        self._draw(whole_number("dim", dim, 8, MAX_DIM), hashes, seed)

    def _read(self, items: Any, name: str) -> Any:
        return vector_rows(items, name, self.dim, "b1")

    def collision_probability(self, similarity: float) -> float:
        """1 - differing bits / bits."""
        return 1 - float(similarity) / self.dim


FAMILIES = ("minhash", "simhash", "pstable", "crosspolytope", "bitsample")


@functools.lru_cache(maxsize=256)
def _one_largest(dim: int, cosine: float) -> float:
    """Integrate 2 dim f(x, y) P(|u| < x, |v| < y)^(dim - 1) over x, y > 0, for normal u, v with this correlation."""
    rho = max(-1.0, min(1.0, cosine))
    if rho >= 1 - 1e-9:
        return 1.0
    if rho <= -1 + 1e-9 or dim < 2:
        return 0.0 if dim >= 2 else 1 - math.acos(rho) / math.pi
    nodes, weights = np.polynomial.legendre.leggauss(96)
    top = 7.0
    grid, step = (nodes + 1) * top / 2, weights * top / 2
    spread = math.sqrt(1 - rho * rho)
    cdf = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)))
    density = np.exp(-grid * grid / 2) / math.sqrt(2 * math.pi)
    # inner[y, s] = P(|v| < y | u = s): then summed over |s| < x by trapezoids on a fine line of its own.
    line = np.linspace(0, top, 701)
    inner = cdf((grid[:, None] - rho * line) / spread) - cdf((-grid[:, None] - rho * line) / spread)
    inner *= 2 * np.exp(-line * line / 2) / math.sqrt(2 * math.pi)
    sums = np.concatenate([np.zeros((len(grid), 1)), np.cumsum((inner[:, 1:] + inner[:, :-1]) / 2, axis=1)], axis=1)
    box = np.stack([np.interp(grid, line, row * (line[1] - line[0])) for row in sums])  # [y, x]
    joint = density * np.exp(-((grid[:, None] - rho * grid) ** 2) / (2 * spread**2)) / (spread * math.sqrt(2 * math.pi))
    return float(2 * dim * (step[:, None] * step * joint * np.clip(box, 0, 1) ** (dim - 1)).sum())

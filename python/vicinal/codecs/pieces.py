"""Codes that cut vectors into pieces and name each by its nearest centroid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.codecs.axes import as_float32, nearest_rotation, principal_axes, sample, scatter
from vicinal.codecs.code import Code
from vicinal.settings import whole_number

__all__ = ["OPQ", "PQ"]

MOST_CENTROIDS = 256
_ROWS_PER_CENTROID = 4  # at least, or there are fewer centroids
_MOST_ROWS = 64 * MOST_CENTROIDS
_ROUNDS = 12
_TURNS = 8
_TABLES_AT_ONCE = 16


class PQ(Code):
    """Product quantization: each of `pieces` parts of a vector becomes one of 256 centroids, a byte.

    Fitted to fewer than 1 024 vectors it has a quarter as many centroids as these. Distances of float queries sum
    a table of distances to centroids; distances between codes do so for the decoded query.

    Parameters
    ----------
    pieces : int
        Bytes of a code. The vectors' dimension is a multiple.
    metric : str
        "l2", "ip" or "cosine".
    seed : int

    Raises
    ------
    ValueError
        A setting is out of range; in `fit`, `pieces` does not divide the dimension.

    References
    ----------
    Jégou, Douze, Schmid, Product Quantization for Nearest Neighbor Search, TPAMI 2011.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).standard_normal((2000, 16)).astype(np.float32)
    >>> code = PQ(4).fit(vectors)
    >>> code.bytes_per_vector, code.distances(vectors[:2], code.encode(vectors)).shape
    (4, (2, 2000))
    """

    _arrays: tuple[str, ...] = ("_books",)  # type: ignore[misc]
    _books: NDArray[np.float32]

    def __init__(self, pieces: int, *, metric: str = "l2", seed: int = 0) -> None:
        super().__init__(metric, seed)
        self.pieces = whole_number("pieces", pieces, 1, _core.MAX_DIM)

    def settings(self) -> dict[str, Any]:
        """Return the arguments that make such a code again."""
        return {"pieces": self.pieces, "metric": self.metric, "seed": self.seed}

    def _check_dim(self, dim: int) -> None:
        if dim % self.pieces:
            known = ", ".join(str(pieces) for pieces in range(1, dim + 1) if dim % pieces == 0)
            raise ValueError(f"pieces is {self.pieces}, expected a divisor of the {dim} dimensions: {known}")

    def _turned(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.float32]:  # noqa: ARG002
        return rows

    def _turned_back(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.float32]:  # noqa: ARG002
        return rows

    def _fit(self, rows: NDArray[np.float32], threads: int) -> None:
        rng = np.random.default_rng(self.seed)
        learned = sample(rows, _MOST_ROWS, rng)
        self._books = cluster(first_books(learned, self.pieces, rng), learned, _ROUNDS, threads)

    def _encode(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.uint8]:
        return _core.nearest_centroids(self._books, self._turned(rows, threads), threads)[0]

    def _decode(self, rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        back = self._turned_back(decoded(self._books, self._known(rows)), threads)
        if self.metric == "cosine":
            back = back / np.maximum(np.sqrt(np.einsum("ij,ij->i", back, back)), 1e-30)[:, None]
        return as_float32(back)

    def _known(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Rows that come from elsewhere may name centroids there are not: these are taken for the last."""
        known: NDArray[np.uint8] = np.minimum(rows, self._books.shape[1] - 1).astype(np.uint8)
        return known

    def _asymmetric(self, queries: NDArray[np.float32], rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        return self._from_turned(self._turned(queries, threads), rows, threads)

    def _symmetric(self, queries: NDArray[np.uint8], rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        return self._from_turned(decoded(self._books, self._known(queries)), rows, threads)

    def _from_turned(self, queries: NDArray[np.float32], rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        found = np.empty((len(queries), len(rows)), np.float32)
        for first in range(0, len(queries), _TABLES_AT_ONCE):
            some = queries[first : first + _TABLES_AT_ONCE]
            found[first : first + len(some)] = _core.table_sums(self._tables(some), rows, threads)
        if self.metric == "cosine":
            found /= 2
        if self.metric == "ip":
            found += 1
        return found

    def _tables(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each centroid of each piece adds to a query's distance, shape (m, pieces * 256)."""
        places, count, width = self._books.shape
        parts = queries.reshape(len(queries), places, 1, width)
        tables = np.zeros((len(queries), places, MOST_CENTROIDS), np.float32)
        if self.metric == "ip":
            tables[:, :, :count] = -np.einsum("mpzi,pci->mpc", parts, self._books)
        else:
            off = parts - self._books
            tables[:, :, :count] = np.einsum("mpci,mpci->mpc", off, off)
        return tables.reshape(len(queries), -1)

    def _check_arrays(self) -> bool:
        shape = self._books.shape
        return (
            len(shape) == 3
            and 1 <= shape[1] <= MOST_CENTROIDS
            and (shape[0], shape[0] * shape[2]) == (self.pieces, self.dim)
            and self._books.dtype == np.float32
        )

    def _row_bytes(self) -> int:
        return self.pieces


class OPQ(PQ):
    """Product quantization of vectors that have been turned so that it loses less.

    Principal axes are dealt out so that the variances of each piece multiply to about the same, then the rotation and
    the centroids are improved in turn.

    Parameters
    ----------
    pieces : int
        Bytes of a code. The vectors' dimension is a multiple.
    metric : str
        "l2", "ip" or "cosine".
    seed : int

    Raises
    ------
    ValueError
        As `PQ`.

    References
    ----------
    Ge, He, Ke, Sun, Optimized Product Quantization, CVPR 2013.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.standard_normal((2000, 16)) @ rng.standard_normal((16, 16))
    >>> def lost(code):
    ...     return float(np.square(code.decode(code.fit(vectors).encode(vectors)) - vectors).sum())
    >>> lost(OPQ(4)) < lost(PQ(4))
    True
    """

    _arrays: tuple[str, ...] = ("_books", "_axes")  # type: ignore[misc]
    _axes: NDArray[np.float32]

    def _turned(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        return _core.products(rows, self._axes, threads)

    def _turned_back(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        return _core.products(rows, as_float32(self._axes.T), threads)

    def _fit(self, rows: NDArray[np.float32], threads: int) -> None:
        rng = np.random.default_rng(self.seed)
        learned = sample(rows, _MOST_ROWS, rng)
        axes, variances = principal_axes(as_float32(learned - learned.mean(0, np.float64)), threads)
        self._axes = as_float32(axes[dealt_out(variances, self.pieces)])
        turned = self._turned(learned, threads)
        self._books = cluster(first_books(turned, self.pieces, rng), turned, _ROUNDS, threads)
        for _ in range(_TURNS):
            coded = decoded(self._books, _core.nearest_centroids(self._books, turned, threads)[0])
            self._axes = as_float32(nearest_rotation(scatter(coded, learned, threads), rng))
            turned = self._turned(learned, threads)
            self._books = cluster(self._books, turned, 2, threads)

    def _check_arrays(self) -> bool:
        return super()._check_arrays() and self._axes.shape == (self.dim, self.dim) and self._axes.dtype == np.float32


def dealt_out(variances: NDArray[np.float64], pieces: int) -> NDArray[np.intp]:
    """Return an order of axes in which each run of dim / pieces has variances of about the same product."""
    width = len(variances) // pieces
    hands: list[list[int]] = [[] for _ in range(pieces)]
    products = np.zeros(pieces)
    smallest = max(float(variances[0]), 1e-300) * 1e-9
    for axis, variance in enumerate(variances):
        open_hands = [hand for hand in range(pieces) if len(hands[hand]) < width]
        hand = min(open_hands, key=lambda one: products[one])
        hands[hand].append(axis)
        # Counted from the smallest, so that every axis weighs something.
        products[hand] += float(np.log(max(float(variance), smallest) / smallest))
    return np.array([axis for hand in hands for axis in hand], np.intp)


def first_books(rows: NDArray[np.float32], pieces: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return rows, drawn and cut, as the first centroids: shape (pieces, count, width)."""
    count = min(MOST_CENTROIDS, len(rows) // _ROWS_PER_CENTROID)
    drawn = rows[rng.permutation(len(rows))[:count]].reshape(count, pieces, -1)
    return as_float32(drawn.transpose(1, 0, 2))


def cluster(books: NDArray[np.float32], rows: NDArray[np.float32], rounds: int, threads: int) -> NDArray[np.float32]:
    """Improve the centroids of all pieces by Lloyd's rounds. One that nobody is near to goes beside the fullest."""
    places, count, width = books.shape
    books = books.copy()
    columns = np.ascontiguousarray(rows.T, np.float64)
    for _ in range(rounds):
        codes = _core.nearest_centroids(books, rows, threads)[0]
        for place in range(places):
            mine = codes[:, place]
            members = np.bincount(mine, minlength=count)
            for i in range(width):
                sums = np.bincount(mine, columns[place * width + i], minlength=count)
                books[place, :, i] = np.where(members > 0, sums / np.maximum(members, 1), books[place, :, i])
            for empty in np.flatnonzero(members == 0):
                fullest = int(members.argmax())
                books[place, empty] = books[place, fullest] * np.float32(1.001)
                members[empty] = members[fullest] // 2
                members[fullest] -= members[empty]
    return books


def decoded(books: NDArray[np.float32], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the centroids that codes name, side by side: shape (n, dim)."""
    return as_float32(books[np.arange(len(books)), codes].reshape(len(codes), books.shape[0] * books.shape[2]))

"""Codes that turn vectors and round each element to a few bits."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.codecs.axes import as_float32, nearest_rotation, principal_axes, random_axes, sample, scatter
from vicinal.codecs.code import Code
from vicinal.codecs.codes import Codes
from vicinal.settings import one_of, whole_number

__all__ = ["ITQ", "PCA", "RaBitQ", "Recurrent"]

BITS = (1, 2, 4, 8)
_MOST_ROWS = 20_000  # that axes are learned from
_ITQ_ROUNDS = 20


class _FewBits(Code):
    """Rows are moved by a center (not under ip, whose products it would change), laid along axes, and rounded.

    `_center` has shape (dim,), `_axes` (code_dim, dim).
    """

    _arrays = ("_center", "_axes")
    _center: NDArray[np.float32]
    _axes: NDArray[np.float32]
    _unbiased = False

    def __init__(self, bits: int, code_dim: int | None, metric: str, seed: int) -> None:
        super().__init__(metric, seed)
        if isinstance(bits, bool) or bits not in BITS:
            raise ValueError(f"bits is {bits!r}, expected one of {', '.join(map(str, BITS))}")
        self.bits = int(bits)
        self.code_dim = None if code_dim is None else whole_number("code_dim", code_dim, 1, _core.MAX_DIM)

    def products(self, queries: Codes, codes: Codes, *, threads: int = 0) -> NDArray[np.uint32]:
        """Return the sums of products of levels' numbers, exactly: the whole-number part of symmetric distances.

        With t = 2**bits - 1, the product of two decoded rows is their scales times
        ``4 * products - 2 * t * (sum of both rows' levels) + code_dim * t**2``.

        Parameters
        ----------
        queries, codes : Codes
        threads : int

        Returns
        -------
        ndarray of uint32, shape (m, n)

        Raises
        ------
        NotTunedError, MismatchError
            As `distances`.
        """
        workers = self._ready(threads)
        rows = self._own(codes, "codes")
        return _core.level_products(self._own(queries, "queries"), rows, len(self._axes), self.bits, workers)

    def hamming(self, queries: Codes, codes: Codes, *, threads: int = 0) -> NDArray[np.int64]:
        """Count differing bits of codes of one bit, shape (m, n).

        Raises ValueError where codes have more bits, NotTunedError and MismatchError as `distances`.
        """
        if self.bits != 1:
            raise ValueError(f"hamming counts bits of codes of 1 bit, and this one has {self.bits}")
        common = self.products(queries, codes, threads=threads).astype(np.int64)
        ones = [self._sums(side)[:, None] for side in (queries, codes)]
        differing: NDArray[np.int64] = ones[0] + ones[1].T - 2 * common
        return differing

    def _sums(self, codes: Codes) -> NDArray[np.int64]:
        return np.ascontiguousarray(codes.rows[:, -4:]).view("<u4").reshape(-1).astype(np.int64)

    def _check_dim(self, dim: int) -> None:
        if self.code_dim is not None and self.code_dim > dim:
            raise ValueError(f"code_dim is {self.code_dim}, expected at most the {dim} dimensions of the vectors")

    @abstractmethod
    def _axes_for(self, rows: NDArray[np.float32], rng: np.random.Generator, threads: int) -> NDArray[np.float64]: ...

    def _fit(self, rows: NDArray[np.float32], threads: int) -> None:
        rng = np.random.default_rng(self.seed)
        dim = rows.shape[1]
        self._center = np.zeros(dim, np.float32) if self.metric == "ip" else as_float32(rows.mean(0, np.float64))
        learned = sample(rows, _MOST_ROWS, rng)
        self._axes = as_float32(self._axes_for(as_float32(learned - self._center), rng, threads))

    def _along(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        return _core.products(as_float32(rows - self._center), self._axes, threads)

    def _encode(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.uint8]:
        return _core.encode_few_bits(self._along(rows, threads), self.bits, self._unbiased, threads)

    def _decode(self, rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        values = _core.decode_few_bits(rows, len(self._axes), self.bits)
        back = _core.products(values, as_float32(self._axes.T), threads) + self._center
        if self.metric == "cosine":
            back /= np.maximum(np.sqrt(np.einsum("ij,ij->i", back, back)), 1e-30)[:, None]
        return as_float32(back)

    def _asymmetric(self, queries: NDArray[np.float32], rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        return _core.float_distances(self._along(queries, threads), rows, self.bits, self.metric, threads)

    def _symmetric(self, queries: NDArray[np.uint8], rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        return _core.code_distances(queries, rows, len(self._axes), self.bits, self.metric, threads)

    def _check_arrays(self) -> bool:
        dim = self.dim
        return (
            self._center.shape == (dim,)
            and self._axes.ndim == 2
            and self._axes.shape == (self._code_dim(int(dim or 0)), dim)
            and self._center.dtype == self._axes.dtype == np.float32
        )

    def _code_dim(self, dim: int) -> int:
        return dim if self.code_dim is None else self.code_dim

    def _row_bytes(self) -> int:
        return (len(self._axes) * self.bits + 7) // 8 + 12


class Recurrent(_FewBits):
    """Turn vectors at random and round each element to 1, 2, 4 or 8 bits.

    The levels of an element lie evenly around zero, as far apart as suits a row of that length. That is what recurrent
    binarization (a sign, then signs of what is left, each worth half of the one before) comes to without learned maps:
    ``bits`` is its number of signs. A row holds its code, its length and the sum of its levels, so that the distance of
    two rows is a whole number times two scales. What is decoded is as long as the vector.

    Parameters
    ----------
    bits : int
        1, 2, 4 or 8 for each element of the code.
    metric : str
        "l2", "ip" or "cosine".
    code_dim : int, optional
        Elements of the code; those of the vectors by default. Fewer keep less, as many as four times those of the
        vectors more.
    rotation : str
        ``"random"``, or ``"none"``, which is measurably worse and there to show it.
    seed : int

    Raises
    ------
    ValueError
        A setting is out of range.

    References
    ----------
    Gan et al., Binary Embedding-based Retrieval at Tencent, KDD 2023, arXiv 2302.08714.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).standard_normal((500, 32)).astype(np.float32)
    >>> code = Recurrent(bits=4).fit(vectors)
    >>> codes = code.encode(vectors)
    >>> code.bytes_per_vector, int(code.distances(vectors[7], codes).argmin())
    (28, 7)
    >>> int(code.distances(codes[7:8], codes).argmin())
    7
    """

    def __init__(
        self,
        bits: int = 4,
        *,
        metric: str = "l2",
        code_dim: int | None = None,
        rotation: str = "random",
        seed: int = 0,
    ) -> None:
        super().__init__(bits, code_dim, metric, seed)
        self.rotation = one_of("rotation", rotation, ("random", "none"))
        if rotation == "none" and code_dim is not None:
            raise ValueError(f"code_dim is {code_dim}, expected None where nothing is turned")

    def settings(self) -> dict[str, Any]:
        """Return the arguments that make such a code again."""
        return {
            "bits": self.bits,
            "metric": self.metric,
            "code_dim": self.code_dim,
            "rotation": self.rotation,
            "seed": self.seed,
        }

    def _check_dim(self, dim: int) -> None:
        if self.code_dim is not None and self.code_dim > 4 * dim:
            raise ValueError(f"code_dim is {self.code_dim}, expected at most 4 times the {dim} of the vectors")

    def _axes_for(
        self,
        rows: NDArray[np.float32],
        rng: np.random.Generator,
        threads: int,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        dim = rows.shape[1]
        return np.eye(dim) if self.rotation == "none" else random_axes(self._code_dim(dim), dim, rng)


class RaBitQ(_FewBits):
    """Turn vectors at random, keep signs, and correct distances for what that loses.

    A row's scale is its squared length over its product with its code, which makes the estimate of a product with a
    float query right on average. Distances between codes use the same scale.

    Parameters
    ----------
    metric : str
        "l2", "ip" or "cosine".
    code_dim : int, optional
        Bits; as many as the vectors have dimensions by default, at most four times as many.
    seed : int

    Raises
    ------
    ValueError
        A setting is out of range.

    References
    ----------
    Gao and Long, RaBitQ, SIGMOD 2024, arXiv 2405.12497.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32)
    >>> code = RaBitQ(metric="cosine").fit(vectors)
    >>> code.bytes_per_vector, code.distances(vectors[:3], code.encode(vectors)).argmin(axis=1).tolist()
    (20, [0, 1, 2])
    """

    _unbiased = True

    def __init__(self, *, metric: str = "l2", code_dim: int | None = None, seed: int = 0) -> None:
        super().__init__(1, code_dim, metric, seed)

    def settings(self) -> dict[str, Any]:
        """Return the arguments that make such a code again."""
        return {"metric": self.metric, "code_dim": self.code_dim, "seed": self.seed}

    def _check_dim(self, dim: int) -> None:
        if self.code_dim is not None and self.code_dim > 4 * dim:
            raise ValueError(f"code_dim is {self.code_dim}, expected at most 4 times the {dim} of the vectors")

    def _axes_for(
        self,
        rows: NDArray[np.float32],
        rng: np.random.Generator,
        threads: int,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        return random_axes(self._code_dim(rows.shape[1]), rows.shape[1], rng)


class PCA(_FewBits):
    """Keep the principal axes, turn what they hold at random, and round each element to a few bits.

    Parameters
    ----------
    code_dim : int
        How many axes.
    bits : int
        1, 2, 4 or 8 for each.
    metric : str
        "l2", "ip" (axes through the origin) or "cosine".
    seed : int

    Raises
    ------
    ValueError
        A setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> vectors = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 32))
    >>> code = PCA(4).fit(vectors)
    >>> lost = np.square(code.decode(code.encode(vectors)) - vectors).sum() / np.square(vectors).sum()
    >>> code.bytes_per_vector, bool(lost < 0.001)
    (16, True)
    """

    def __init__(self, code_dim: int, bits: int = 8, *, metric: str = "l2", seed: int = 0) -> None:
        super().__init__(bits, code_dim, metric, seed)

    def settings(self) -> dict[str, Any]:
        """Return the arguments that make such a code again."""
        return {"code_dim": self.code_dim, "bits": self.bits, "metric": self.metric, "seed": self.seed}

    def _axes_for(self, rows: NDArray[np.float32], rng: np.random.Generator, threads: int) -> NDArray[np.float64]:
        kept = self._code_dim(rows.shape[1])
        axes, _ = principal_axes(rows, threads)
        turned: NDArray[np.float64] = np.einsum("ij,jk->ik", random_axes(kept, kept, rng), axes[:kept])
        return turned


class ITQ(_FewBits):
    """Keep the principal axes, turn them so that signs lose least, and keep the signs.

    Parameters
    ----------
    code_dim : int
        Bits, at most as many as the vectors have dimensions.
    metric : str
        "l2", "ip" or "cosine".
    seed : int

    Raises
    ------
    ValueError
        A setting is out of range.

    References
    ----------
    Gong, Lazebnik, Gordo, Perronnin, Iterative Quantization, TPAMI 2013.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).standard_normal((500, 32)).astype(np.float32)
    >>> code = ITQ(16).fit(vectors)
    >>> codes = code.encode(vectors)
    >>> code.hamming(codes[:2], codes).shape, int(code.hamming(codes[:1], codes)[0, 0])
    ((2, 500), 0)
    """

    def __init__(self, code_dim: int, *, metric: str = "l2", seed: int = 0) -> None:
        super().__init__(1, code_dim, metric, seed)

    def settings(self) -> dict[str, Any]:
        """Return the arguments that make such a code again."""
        return {"code_dim": self.code_dim, "metric": self.metric, "seed": self.seed}

    def _axes_for(self, rows: NDArray[np.float32], rng: np.random.Generator, threads: int) -> NDArray[np.float64]:
        kept = self._code_dim(rows.shape[1])
        axes = principal_axes(rows, threads)[0][:kept]
        held = _core.products(rows, as_float32(axes), threads)
        turn = random_axes(kept, kept, rng)
        for _ in range(_ITQ_ROUNDS):
            signs = np.where(_core.products(held, as_float32(turn), threads) < 0, -1, 1)
            turn = nearest_rotation(scatter(as_float32(signs), held, threads), rng)
        turned: NDArray[np.float64] = np.einsum("ij,jk->ik", turn, axes)
        return turned

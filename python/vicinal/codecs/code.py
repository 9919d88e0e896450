"""What all codes have in common: the calls, what they check, and the file."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.arrays import VectorsLike, float_rows
from vicinal.codecs.codes import Codes
from vicinal.errors import CorruptIndexError, DimensionError, InvalidVectorError, MismatchError, NotTunedError
from vicinal.parts import PartsFile
from vicinal.settings import MAX_SEED, one_of, whole_number

__all__ = ["Code", "checked_rows", "load"]

_FILE = PartsFile(b"vicinCD\x01", "code")
METRICS = ("l2", "ip", "cosine")
LEAST_ROWS = 256
_LONGEST = 1e18  # whose square, and the square of a sum of two such, float32 holds
_KINDS: dict[str, type[Code]] = {}

Own = TypeVar("Own", bound="Code")


class Code(ABC):
    """A way to write vectors in few bytes.

    A subclass says which settings it has and how it fits, encodes, decodes and measures rows that have been checked;
    under cosine they have length one.
    """

    _arrays: ClassVar[tuple[str, ...]]  # attributes that `fit` makes, and files hold

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if not cls.__name__.startswith("_"):
            _KINDS[cls.__name__] = cls

    def __init__(self, metric: str, seed: int) -> None:
        self.metric = one_of("metric", metric, METRICS)
        self.seed = whole_number("seed", seed, 0, MAX_SEED)
        self.dim: int | None = None
        self._signature = ""

    # What a subclass has to say.

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the arguments that make such a code again, unfitted."""

    @abstractmethod
    def _check_dim(self, dim: int) -> None:
        """Raise ValueError where the settings do not suit vectors of `dim` dimensions."""

    @abstractmethod
    def _fit(self, rows: NDArray[np.float32], threads: int) -> None: ...

    @abstractmethod
    def _encode(self, rows: NDArray[np.float32], threads: int) -> NDArray[np.uint8]: ...

    @abstractmethod
    def _decode(self, rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]: ...

    @abstractmethod
    def _asymmetric(
        self, queries: NDArray[np.float32], rows: NDArray[np.uint8], threads: int
    ) -> NDArray[np.float32]: ...

    @abstractmethod
    def _symmetric(self, queries: NDArray[np.uint8], rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]: ...

    @abstractmethod
    def _check_arrays(self) -> bool:
        """Whether arrays that came from a file have the shapes they must have."""

    @abstractmethod
    def _row_bytes(self) -> int: ...

    # What callers use.

    @property
    def bytes_per_vector(self) -> int:
        """Length of a row of `encode`, with all that distances need. Raises NotTunedError before `fit`."""
        self._check_fitted()
        return self._row_bytes()

    @property
    def signature(self) -> str:
        """What the code is and a digest of all it has learned, which `Codes` carry. NotTunedError before `fit`."""
        self._check_fitted()
        return self._signature

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__name__}({said})"

    def fit(self: Own, vectors: VectorsLike, *, threads: int = 0) -> Own:
        """Learn from vectors that are like those to be encoded.

        Parameters
        ----------
        vectors : array_like, shape (n, dim)
            At least 256; some ten thousand are plenty.
        threads : int
            0 takes all cores this process may use. What is learned is the same, byte for byte.

        Returns
        -------
        The code itself.

        Raises
        ------
        ValueError
            Fewer than 256 vectors, or a setting does not suit their dimension.
        InvalidVectorError
            NaN, an infinity, a vector too long to square, or, under cosine, zeros.
        DimensionError
            Not two dimensions.
        """
        workers = whole_number("threads", threads, 0, _core.MAX_THREADS)
        rows = checked_rows(vectors, "vectors", None, self.metric)
        if len(rows) < LEAST_ROWS:
            raise ValueError(f"vectors has {len(rows)} rows, expected at least {LEAST_ROWS} to fit a code to")
        self._check_dim(rows.shape[1])
        # On a copy, so that a code stays what it was when this is interrupted.
        fresh = type(self)(**self.settings())
        fresh.dim = rows.shape[1]
        fresh._fit(rows, workers)
        fresh._sign()
        self.__dict__.update(fresh.__dict__)
        return self

    def encode(self, vectors: VectorsLike, *, threads: int = 0) -> Codes:
        """Write vectors as codes.

        Parameters
        ----------
        vectors : array_like, shape (n, dim)
        threads : int
            The codes are the same for any number.

        Returns
        -------
        Codes

        Raises
        ------
        NotTunedError
            Before `fit`.
        DimensionError, InvalidVectorError
            As `fit`, or the dimension is another one.
        """
        workers = self._ready(threads)
        rows = checked_rows(vectors, "vectors", self.dim, self.metric)
        return Codes(self._encode(rows, workers), self._signature)

    def decode(self, codes: Codes, *, threads: int = 0) -> NDArray[np.float32]:
        """Return about the vectors that were encoded, float32 of shape (n, dim); under cosine, brought to length one.

        Raises NotTunedError before `fit`, MismatchError where another code made the codes.
        """
        workers = self._ready(threads)
        return self._decode(self._own(codes, "codes"), workers)

    def distances(self, queries: VectorsLike | Codes, codes: Codes, *, threads: int = 0) -> NDArray[np.float32]:
        """Estimate the distance of every query to every code.

        Parameters
        ----------
        queries : array_like, shape (m, dim) or (dim,), or Codes
            Vectors are compared as they are (asymmetric), codes as codes (symmetric), which is faster and less exact.
        codes : Codes
        threads : int
            The distances are the same for any number.

        Returns
        -------
        ndarray of float32, shape (m, n), or (n,) for a single vector
            In the unit of the metric, smaller is nearer: squared Euclidean, ``1 - x·y``, ``1 - cos``.

        Raises
        ------
        NotTunedError
            Before `fit`.
        MismatchError
            Another code, or this one fitted on other data, made the codes.
        DimensionError, InvalidVectorError
            As `encode`.
        """
        workers = self._ready(threads)
        rows = self._own(codes, "codes")
        if isinstance(queries, Codes):
            return self._symmetric(self._own(queries, "queries"), rows, workers)
        given = float_rows(queries, "queries")
        asked = checked_rows(given[None] if given.ndim == 1 else given, "queries", self.dim, self.metric)
        found = self._asymmetric(asked, rows, workers)
        return found[0] if given.ndim == 1 else found

    def adopt(self, rows: NDArray[np.uint8]) -> Codes:
        """Take rows of bytes, kept by other means than `Codes.save`, for codes of this code: nothing tells if they are.

        Raises NotTunedError before `fit`, DimensionError where rows have another length or type.
        """
        self._check_fitted()
        given = np.ascontiguousarray(rows)
        if given.dtype != np.uint8 or given.ndim != 2 or given.shape[1] != self._row_bytes():
            raise DimensionError(
                f"rows are {given.dtype} of shape {given.shape}, expected uint8 of shape (n, {self._row_bytes()})"
            )
        return Codes(given, self._signature)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file, all or nothing. Raises NotTunedError before `fit`, OSError."""
        self._check_fitted()
        about = {"kind": type(self).__name__, "settings": self.settings(), "dim": self.dim}
        _FILE.write(path, about, {name: getattr(self, name) for name in self._arrays})

    @classmethod
    def load(cls: type[Own], path: str | os.PathLike[str]) -> Own:
        """Read what `save` wrote.

        Raises
        ------
        MismatchError
            The file holds another kind of code.
        NotAnIndexError, CorruptIndexError, FormatTooNewError, OSError
        """
        code = load(path)
        if not isinstance(code, cls):
            raise MismatchError(f"{os.fsdecode(path)} holds {type(code).__name__}, expected {cls.__name__}")
        return code

    def check_same_space(self, dim: int, metric: str) -> None:
        """Raise MismatchError unless the code is for vectors of `dim` dimensions under `metric`.

        Raises NotTunedError before `fit`.
        """
        self._check_fitted()
        if (dim, metric) != (self.dim, self.metric):
            raise MismatchError(
                f"{self._signature} is for dim={self.dim}, metric={self.metric!r}, but dim={dim}, metric={metric!r} "
                "was asked for"
            )

    # How it works.

    def _check_fitted(self) -> None:
        if not self._signature:
            raise NotTunedError(f"{self!r} is not fitted: call fit(vectors) first")

    def _ready(self, threads: int) -> int:
        self._check_fitted()
        return whole_number("threads", threads, 0, _core.MAX_THREADS)

    def _own(self, codes: object, name: str) -> NDArray[np.uint8]:
        if not isinstance(codes, Codes):
            raise TypeError(f"{name} is {type(codes).__name__}, expected Codes as encode() returns; see adopt()")
        if codes.made_by != self._signature:
            raise MismatchError(f"{name} were made by {codes.made_by}, but this is {self._signature}")
        if codes.rows.ndim != 2 or codes.rows.shape[1] != self._row_bytes() or codes.rows.dtype != np.uint8:
            raise DimensionError(
                f"{name} have rows of shape {codes.rows.shape}, expected (n, {self._row_bytes()}) of uint8"
            )
        return np.ascontiguousarray(codes.rows)

    def _sign(self) -> None:
        digest = hashlib.sha256(json.dumps([type(self).__name__, self.settings(), self.dim]).encode())
        for name in self._arrays:
            part = np.ascontiguousarray(getattr(self, name))
            part.flags.writeable = False
            setattr(self, name, part)
            digest.update(part.data)
        self._signature = f"{self!r} of dim {self.dim}, #{digest.hexdigest()[:16]}"


def load(path: str | os.PathLike[str]) -> Code:
    """Read a fitted code of any kind.

    Parameters
    ----------
    path : path
        What `save` of a code wrote.

    Raises
    ------
    NotAnIndexError
        The file is something else.
    CorruptIndexError
        It is damaged.
    FormatTooNewError
        A later version wrote it.
    OSError
        It cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal import codecs
    >>> vectors = np.random.default_rng(0).standard_normal((300, 16))
    >>> code = codecs.PCA(8, bits=8).fit(vectors)
    >>> code.save("pca.code")
    >>> codecs.load("pca.code").signature == code.signature
    True
    """
    name = os.fsdecode(path)
    about, parts = _FILE.read(path)
    kind = _KINDS.get(str(about.get("kind")))
    dim = about.get("dim")
    try:
        if kind is None or not isinstance(dim, int) or not 1 <= dim <= _core.MAX_DIM or set(parts) != set(kind._arrays):
            raise ValueError(f"it says it is a {about.get('kind')} of dim {dim} with {', '.join(parts)}")
        code = kind(**about["settings"])
        code._check_dim(dim)
        code.dim = dim
        for part, array in parts.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"{part} holds NaN or an infinity")
            setattr(code, part, array)
        if not code._check_arrays():
            raise ValueError(f"its arrays have shapes {[array.shape for array in parts.values()]}")
        code._sign()
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptIndexError(f"{name} is damaged: {error}") from error
    return code


def checked_rows(vectors: VectorsLike, name: str, dim: int | None, metric: str) -> NDArray[np.float32]:
    """Return vectors as float32 of shape (n, dim), under cosine of length one.

    Raises DimensionError, InvalidVectorError, TypeError, ValueError.
    """
    rows: NDArray[np.float32] = np.ascontiguousarray(float_rows(vectors, name), np.float32)
    if rows.ndim != 2 or (dim is not None and rows.shape[1] != dim) or not 1 <= rows.shape[1] <= _core.MAX_DIM:
        raise DimensionError(f"{name} has shape {rows.shape}, expected (n, {'dim' if dim is None else dim})")
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    if not (squares < _LONGEST**2).all():
        row = int(np.flatnonzero(~(squares < _LONGEST**2))[0])
        held = "NaN or an infinity" if not np.isfinite(rows[row]).all() else f"a vector longer than {_LONGEST:g}"
        raise InvalidVectorError(f"{name} row {row} holds {held}")
    if metric == "cosine":
        if not squares.all():
            row = int(np.flatnonzero(squares == 0)[0])
            raise InvalidVectorError(f"{name} row {row} is zero, which has no direction under cosine")
        rows = (rows / np.sqrt(squares)[:, None]).astype(np.float32)
    return rows

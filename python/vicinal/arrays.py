"""The one gate for incoming arrays.

Whatever numpy understands comes in, is checked, and leaves as rows the core can read in place: two dimensions,
row after row without gaps, native byte order, of the type that `dtype` says. A copy is made only where the layout or
the type calls for one; a C-contiguous float32 array never is.

Values that no distance can be computed from (NaN, infinities, zero vectors under cosine) are the core's to find: it
reads every element anyway.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.errors import DimensionError, InvalidVectorError

__all__ = ["MAX_ID", "IdsLike", "VectorsLike", "id_numbers", "one_id", "query_rows", "vector_rows"]

MAX_ID = 2**63 - 1


class SupportsDLPack(Protocol):
    """An array of another library that shares its memory by DLPack."""

    def __dlpack__(self) -> Any: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


VectorsLike = ArrayLike | SupportsDLPack
IdsLike = ArrayLike | SupportsDLPack

_READABLE_DEVICES = (1, 3, 11)  # DLPack's numbers for memory of the processor, and for the same pinned by CUDA, ROCm
_BIT_TYPE = "b1"
_INTEGER_TYPES = {"i8": np.dtype(np.int8), "u8": np.dtype(np.uint8)}
_KINDS = {"b": "bool", "c": "complex numbers", "O": "Python objects", "S": "bytes", "U": "strings", "V": "records"}


def vector_rows(vectors: VectorsLike, name: str, dim: int, dtype: str) -> NDArray[Any]:
    """Return `vectors` as rows for the core.

    Parameters
    ----------
    vectors : array_like, shape (n, dim); packed bits: shape (n, dim // 8)
        Anything numpy understands, CPU tensors by DLPack, or an Arrow array of fixed-size lists.
    name : str
        What messages call the array.
    dim : int
        Elements of a vector; for packed bits, bits.
    dtype : str
        The stored type, as `vicinal.Index` names it.

    Returns
    -------
    ndarray of float32, int8 or uint8, shape (n, dim) or (n, dim // 8)
        The same memory where it already is as the core wants it.

    Raises
    ------
    DimensionError
        The shape is another one.
    InvalidVectorError
        An element does not fit the stored type.
    TypeError
        The elements are not numbers, or lie on another device.
    ValueError
        The rows have different lengths.

    Examples
    --------
    >>> vector_rows([[1, 2], [3, 4]], "vectors", 2, "f32")
    array([[1., 2.],
           [3., 4.]], dtype=float32)
    """
    return _rows(vectors, name, dim, dtype, f"(n, {_width(dim, dtype)})")


def query_rows(queries: VectorsLike, dim: int, dtype: str) -> tuple[NDArray[Any], bool]:
    """Return queries as rows for the core, and whether they were a single vector of one dimension.

    Examples
    --------
    >>> query_rows([1, 2], 2, "f32")
    (array([[1., 2.]], dtype=float32), True)
    """
    width = _width(dim, dtype)
    given = _opened(queries, "queries")
    if given.shape == (width,):
        return _rows(given.reshape(1, width), "queries", dim, dtype, ""), True
    again = queries if given.size == 0 else given
    return _rows(again, "queries", dim, dtype, f"(m, {width}) or ({width},)"), False


def id_numbers(ids: IdsLike, name: str = "ids") -> NDArray[np.int64]:
    """Return `ids` as int64, in one dimension.

    Raises
    ------
    OverflowError
        One is negative or above 2**63 - 1.
    TypeError
        One is no integer.
    DimensionError
        They have not one dimension.

    Examples
    --------
    >>> id_numbers([3, 1])
    array([3, 1])
    """
    if isinstance(ids, (list, tuple)):
        kinds = set(map(type, ids))
        if bool in kinds:
            raise TypeError(f"{name} holds a bool, expected integers")
        if kinds <= {int}:
            _check_range(min(ids, default=0), max(ids, default=0), name)
            return np.array(ids, dtype=np.int64)
    given = _opened(ids, name) if not isinstance(ids, range) else np.array(ids, dtype=np.int64)
    if given.dtype.kind == "O" and given.size:
        _check_range(min(given.flat), max(given.flat), name)
    if given.dtype.kind not in "iuO":
        raise TypeError(f"{name} holds {_described(given.dtype)}, expected integers")
    if given.ndim != 1:
        raise DimensionError(f"{name} has shape {given.shape}, expected (n,)")
    if given.size:
        _check_range(given.min(), given.max(), name)
    return np.require(given, np.int64, ["C", "A"])


def float_rows(rows: Any, name: str) -> NDArray[Any]:
    """Return rows of numbers, whatever holds them, as float32 or, where they are that, float16; of any shape.

    Raises
    ------
    TypeError
        The elements are not numbers, or lie on another device.
    InvalidVectorError
        A number is beyond what float32 holds.
    ValueError
        The rows have different lengths.

    Examples
    --------
    >>> float_rows([[1, 2]], "rows")
    array([[1., 2.]], dtype=float32)
    """
    given = _opened(rows, name)
    if given.size:
        _check_numbers(given.dtype, name)
    return np.require(given, requirements=["C", "A"]) if given.dtype == np.float16 else _as_float32(given, name)


def one_id(id: object) -> int | None:  # noqa: A002
    """Return `id` as an int if it is one number, None if it is something else (probably many).

    Raises
    ------
    OverflowError
        It is negative or above 2**63 - 1.
    TypeError
        It is a bool or a float.

    Examples
    --------
    >>> one_id(5), one_id([5])
    (5, None)
    """
    if isinstance(id, np.ndarray) and id.ndim == 0:
        id = id[()]  # noqa: A001
    if isinstance(id, (bool, np.bool_, float, np.floating)):
        raise TypeError(f"id is {id!r}, expected an integer")
    if not isinstance(id, (int, np.integer)):
        return None
    _check_range(id, id, "id")
    return int(id)


def _check_range(least: Any, most: Any, name: str) -> None:
    for number in (least, most):
        if isinstance(number, (bool, float)) or not isinstance(number, (int, np.integer)):
            raise TypeError(f"{name} holds {number!r}, expected integers")
        if not 0 <= int(number) <= MAX_ID:
            raise OverflowError(f"{name} holds {number}, expected 0 to 2**63 - 1 ({MAX_ID})")


def _opened(array: Any, name: str) -> NDArray[Any]:
    """Return any array as a numpy array, on the same memory where possible, whatever it holds."""
    if type(array) is np.ndarray:
        return array
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; fill it (.filled(value)) or drop the masked rows first")
    if isinstance(array, np.ndarray):
        return np.asarray(array)
    if (arrow := sys.modules.get("pyarrow")) is not None and isinstance(array, (arrow.Array, arrow.ChunkedArray)):
        return _from_arrow(array, name, arrow)
    if hasattr(array, "__cuda_array_interface__"):
        raise TypeError(f"{name} lies on a GPU; bring it to the CPU first: .cpu() in PyTorch, .get() in CuPy")
    if hasattr(array, "__dlpack_device__"):
        return _from_dlpack(array, name)
    if hasattr(array, "toarray") and hasattr(array, "nnz"):
        raise TypeError(f"{name} is a sparse matrix; make it dense first: .toarray()")
    try:
        return np.asarray(array)
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"{name} is ragged: its rows have different lengths, expected one length") from error
        raise


def _from_dlpack(array: Any, name: str) -> NDArray[Any]:
    device = int(array.__dlpack_device__()[0])
    if device not in _READABLE_DEVICES:
        raise TypeError(f"{name} lies on another device (DLPack number {device}); bring it to the CPU first: .cpu()")
    try:
        return np.from_dlpack(array)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise TypeError(
            f"{name}: numpy cannot read this {type(array).__name__} ({error}); "
            "hand in a detached float32 tensor on the CPU: .detach().float()"
        ) from error


def _from_arrow(array: Any, name: str, arrow: Any) -> NDArray[Any]:
    if isinstance(array, arrow.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    array = getattr(array, "storage", array)  # of an extension type, such as a tensor of fixed shape
    if array.null_count:
        first = array.is_null().to_pylist().index(True)
        raise ValueError(f"{name} row {first} is null; drop the null rows first: .drop_null()")
    if arrow.types.is_fixed_size_list(array.type):
        rows: NDArray[Any] = array.flatten().to_numpy(zero_copy_only=False)
        return rows.reshape(len(array), array.type.list_size)
    if arrow.types.is_primitive(array.type):  # a single vector, or ids
        return np.asarray(array.to_numpy(zero_copy_only=False))
    raise TypeError(f"{name} is an Arrow array of {array.type}, expected fixed_size_list (pyarrow.list_(type, dim))")


def _width(dim: int, dtype: str) -> int:
    return dim // 8 if dtype == _BIT_TYPE else dim


def _rows(array: Any, name: str, dim: int, dtype: str, expected: str) -> NDArray[Any]:
    given = _opened(array, name)
    _check_numbers(given.dtype, name)
    width = _width(dim, dtype)
    if isinstance(array, (list, tuple)) and len(array) == 0:
        given = given.reshape(0, width)
    if given.ndim != 2 or given.shape[1] != width:
        hint = ""
        if dtype == _BIT_TYPE:
            hint = f": {dim} bits packed into bytes, as numpy.packbits(array, axis=-1) does"
        elif given.shape == (width,):
            hint = "; for a single vector, write array[None]"
        raise DimensionError(f"{name} has shape {given.shape}, expected {expected}{hint}")
    if dtype in _INTEGER_TYPES:
        return _as_integers(given, name, dtype, _INTEGER_TYPES[dtype])
    if dtype != _BIT_TYPE:
        return _as_float32(given, name)
    if given.dtype.kind not in "iu":
        raise TypeError(f"{name} holds {given.dtype}, expected packed bits in uint8: numpy.packbits(array, axis=-1)")
    return _as_integers(given, name, dtype, _INTEGER_TYPES["u8"])


def _check_numbers(element: np.dtype[Any], name: str) -> None:
    if element.kind not in "iuf" and element.name != "bfloat16":
        hint = "; pack bits into bytes with numpy.packbits(array, axis=-1)" if element.kind == "b" else ""
        raise TypeError(f"{name} holds {_described(element)}, expected numbers{hint}")


def _as_float32(given: NDArray[Any], name: str) -> NDArray[np.float32]:
    if given.dtype.kind != "f" or given.dtype.itemsize <= 4:
        return np.require(given, np.float32, ["C", "A"])
    with np.errstate(over="ignore", under="ignore"):
        rows = np.require(given, np.float32, ["C", "A"])
    lost = np.isinf(rows)
    if lost.any() and (lost := lost & np.isfinite(given)).any():
        row, column = np.argwhere(lost)[0]
        value = given[row, column]
        raise InvalidVectorError(f"{name} row {row} holds {value!s}, beyond what float32 holds (3.4e38)")
    return rows


def _as_integers(given: NDArray[Any], name: str, dtype: str, element: np.dtype[Any]) -> NDArray[Any]:
    if given.dtype == element:
        return np.require(given, element, ["C", "A"])
    least, most = np.iinfo(element).min, np.iinfo(element).max
    bad = (given < least) | (given > most)
    if given.dtype.kind not in "iu":
        bad |= given != np.floor(given)  # also true of NaN
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InvalidVectorError(
            f"{name} row {row} holds {given[row, column]!s}, expected whole numbers from {least} to {most} "
            f'for dtype "{dtype}"' + ("" if dtype == "b1" else '; for fractions use dtype="f32" with codes="8bit"')
        )
    return np.require(given, element, ["C", "A"])


def _described(element: np.dtype[Any]) -> str:
    return f"{_KINDS.get(element.kind, 'no numbers')} (dtype {element})"

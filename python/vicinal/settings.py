"""The gate for settings that are not arrays: numbers in range, and names other libraries use."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")

MAX_SEED = 2**64 - 1
METRICS = ("l2", "ip", "cosine", "hamming", "jaccard")
DTYPES = ("f32", "f16", "bf16", "i8", "u8", "b1")
DURABILITIES = ("none", "batched", "every_call")
LIFTS = ("auto", "on", "off")
TRAVERSALS = ("auto", "exact", "u8", "sq8", "sq4")
CODES = ("2bit", "4bit", "8bit")
TIERS = ("memory", "disk")


def whole_number(name: str, value: object, least: int, most: int) -> int:
    """Return `value` as an int, or raise a ValueError that names its range.

    Examples
    --------
    >>> whole_number("k", 10, 1, 100)
    10
    >>> whole_number("k", 0, 1, 100)
    Traceback (most recent call last):
        ...
    ValueError: k is 0, expected a whole number from 1 to 100
    """
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or not least <= int(value) <= most:  # type: ignore[call-overload]
        raise ValueError(f"{name} is {value!r}, expected a whole number from {least} to {most}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def share(name: str, value: object) -> float:
    """Return `value` as a float, or raise a ValueError: a number above 0, at most 1.

    Examples
    --------
    >>> share("recall", 0.95)
    0.95
    >>> share("recall", 95)
    Traceback (most recent call last):
        ...
    ValueError: recall is 95, expected a number above 0, at most 1
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not 0 < float(value) <= 1:  # type: ignore[arg-type]
        raise ValueError(f"{name} is {value!r}, expected a number above 0, at most 1")
    return float(value)  # type: ignore[arg-type]


def truth(name: str, value: object) -> bool:
    """Return `value` if it is a bool, or raise a TypeError."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}, expected True or False")
    return bool(value)


def one_of(name: str, value: object, known: tuple[str, ...]) -> str:
    """Return `value` if it is one of the `known` names, or raise a ValueError that lists them."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(map(repr, known))}")
    return value


def metric_and_dtype(metric: object, dtype: object) -> tuple[str, str]:
    """Return both by name; without a `dtype`, bits for the metrics of bits and float32 for the others."""
    known = one_of("metric", metric, METRICS)
    if dtype is None:
        return known, "b1" if known in ("hamming", "jaccard") else "f32"
    return known, one_of("dtype", dtype, DTYPES)


def codes_and_tier(codes: object, vectors: object, traversal: str) -> tuple[str, str]:
    """Return the codes by name, "" for none, and where the vectors they stand for are to lie.

    Examples
    --------
    >>> codes_and_tier("2bit", "disk", "auto")
    ('2bit', 'disk')
    >>> codes_and_tier(None, "disk", "auto")
    Traceback (most recent call last):
        ...
    ValueError: vectors is 'disk' and there are no codes to search by: name codes ('2bit', '4bit', '8bit') too
    """
    if vectors is None:
        raise ValueError("vectors is None: an index of codes alone is not offered; expected 'memory' or 'disk'")
    tier = one_of("vectors", vectors, TIERS)
    if codes is None:
        if tier != "memory":
            raise ValueError(
                f"vectors is {tier!r} and there are no codes to search by: "
                f"name codes ({', '.join(map(repr, CODES))}) too"
            )
        return "", tier
    name = one_of("codes", codes, CODES)
    if traversal != "auto":
        raise ValueError(
            f"codes is {name!r} and traversal is {traversal!r}: searches walk on the codes, so name only one of them"
        )
    return name, tier


def accepts(**aliases: str) -> Callable[[Callable[Parameters, Returned]], Callable[Parameters, Returned]]:
    """Let a function take some arguments by the names that other libraries give them.

    The signature and the documentation stay as they are; naming one argument twice is a TypeError.

    Parameters
    ----------
    **aliases : str
        The name accepted = the name in the signature.

    Examples
    --------
    >>> @accepts(count="k")
    ... def take(k=10):
    ...     return k
    >>> take(count=3)
    3
    >>> take(5, count=3)
    Traceback (most recent call last):
        ...
    TypeError: take() got both k and count, which mean the same
    """

    def decorate(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
        positions = {name: place for place, name in enumerate(inspect.signature(function).parameters)}

        @wraps(function)
        def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
            for alias in aliases.keys() & kwargs.keys():
                name = aliases[alias]
                if name in kwargs or positions[name] < len(args):
                    raise TypeError(f"{function.__name__}() got both {name} and {alias}, which mean the same")
                kwargs[name] = kwargs.pop(alias)
            return function(*args, **kwargs)

        return call

    return decorate

"""The gate for what is hashed: texts, token lists or sets, weighted sets, vectors, packed bits."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vicinal import _core
from vicinal.errors import DataWarning

Sets = tuple[Any, ...]


def token_sets(items: Iterable[Any], name: str, *, shingle: str | int, weighted: bool) -> Sets:
    """Return `items` as the core takes them: where each set begins, and the hashes of its tokens.

    Examples
    --------
    >>> offsets, tokens = token_sets(["a rose is a rose"], "items", shingle="words", weighted=False)
    >>> offsets.tolist(), len(tokens)
    ([0, 3], 3)
    """
    given = _listed(items, name)
    if weighted:
        sets: Sets = _core.weighted_sets([_weights(item, name, row) for row, item in enumerate(given)])
    elif given and isinstance(given[0], (str, bytes)):
        sets = _core.sets_of_texts(_texts(given, name), characters_of(shingle))
    else:
        sets = _core.sets_of_tokens([_tokens(item, name, row) for row, item in enumerate(given)])
    empty = np.flatnonzero(np.diff(sets[0]) == 0)
    if len(empty):
        warnings.warn(
            f"{name} row {empty[0]} has no tokens, as have {len(empty)} of {len(given)} in all: "
            "an empty set is near nothing",
            DataWarning,
            stacklevel=4,
        )
    return sets


def _listed(items: Iterable[Any], name: str) -> list[Any]:
    if isinstance(items, (str, bytes, Mapping)) or not hasattr(items, "__iter__"):
        raise TypeError(f"{name} is one {type(items).__name__}, expected a list of texts or of token lists or sets")
    if hasattr(items, "to_pylist"):  # an Arrow array
        return list(items.to_pylist())
    return list(items)


def _texts(given: list[Any], name: str) -> list[Any]:
    for row, text in enumerate(given):
        if not isinstance(text, (str, bytes)):
            raise TypeError(f"{name} row {row} is {_kind(text)}, expected a text, as in row 0")
        if isinstance(text, str) and not _is_encodable(text):
            raise ValueError(f"{name} row {row} has half a character (a lone surrogate), expected a text")
    return [text.lower() for text in given]


def _tokens(item: Any, name: str, row: int) -> Any:
    if isinstance(item, (str, bytes, Mapping)) or not hasattr(item, "__iter__"):
        raise TypeError(f"{name} row {row} is {_kind(item)}, expected a list or set of tokens (str, bytes or int)")
    tokens = item.tolist() if isinstance(item, np.ndarray) else list(item)
    return [_token(token, name, row) for token in tokens]


def _token(token: Any, name: str, row: int) -> str | bytes | int:
    if isinstance(token, bool) or not isinstance(token, (str, bytes, int, np.integer)):
        raise TypeError(f"{name} row {row} holds {_kind(token)}, expected tokens that are str, bytes or int")
    if isinstance(token, str) and not _is_encodable(token):
        raise ValueError(f"{name} row {row} holds {token!r}, which has half a character (a lone surrogate)")
    if isinstance(token, (str, bytes)):
        return token
    if not -(2**63) <= token < 2**64:
        raise ValueError(f"{name} row {row} holds {token}, expected a number of 64 bits: -2**63 to 2**64 - 1")
    return int(token)


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _weights(item: Any, name: str, row: int) -> dict[Any, float]:
    if not isinstance(item, Mapping):
        raise TypeError(f"{name} row {row} is {_kind(item)}, expected a mapping from token to weight")
    given: dict[Any, float] = {}
    for token, weight in item.items():
        if isinstance(weight, bool) or not isinstance(weight, (numbers.Real, np.number)):
            raise TypeError(f"{name} row {row} gives {token!r} {_kind(weight)} as weight, expected a number above 0")
        if not 1e-30 <= float(weight) <= 1e30:
            raise ValueError(f"{name} row {row} gives {token!r} the weight {weight!r}, expected a number above 0")
        given[_token(token, name, row)] = float(weight)
    return given


def characters_of(shingle: str | int) -> int:
    """Return how many characters a token has, 0 for words, or raise a ValueError."""
    if shingle == "words":
        return 0
    if isinstance(shingle, bool) or not isinstance(shingle, int) or not 1 <= shingle <= 1000:
        raise ValueError(f'shingle is {shingle!r}, expected "words" or a number of characters from 1 to 1000')
    return shingle


def _kind(thing: object) -> str:
    return "None" if thing is None else f"a {type(thing).__name__}"

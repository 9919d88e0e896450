"""What a client asks of a service over shards, checked against the manifest alone, and the answer it gets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal._core import ALWAYS_ALLOWED_K
from vicinal.arrays import query_rows
from vicinal.settings import truth, whole_number
from vicinal.shards.coverage import Coverage
from vicinal.shards.efforts import widths
from vicinal.shards.manifest import Manifest
from vicinal.shards.merge import Hits, merged_hits

__all__ = ["MAX_BYTES", "Question", "answer", "call", "nothing", "read_question"]

MAX_BYTES = 16 << 20  # of a request: a thousand queries of a thousand numbers
MAX_QUERIES = 10_000
MAX_HITS = 1_000_000  # queries times k: what an answer may hold
KEYS = {"queries", "k", "ef", "recall", "exact"}


@dataclass(frozen=True)
class Question:
    """A search, as every shard is asked it.

    Attributes
    ----------
    rows : ndarray, shape (m, dim)
    k : int
    efforts : tuple of int
        Width of the beam in each shard.
    exact, is_single : bool
    """

    rows: NDArray[Any]
    k: int
    efforts: tuple[int, ...]
    exact: bool
    is_single: bool


def read_question(body: bytes, manifest: Manifest) -> Question:
    """Read ``{"queries": [[...], ...], "k": 10, "ef" | "recall" | "exact": ...}``.

    Raises
    ------
    ValueError, TypeError, OverflowError, NotTunedError
        The message says what is wrong with the request.
    """
    if len(body) > MAX_BYTES:
        raise ValueError(f"the request has {len(body)} bytes, expected at most {MAX_BYTES}")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the request is no JSON: {error}") from None
    if not isinstance(asked, dict) or "queries" not in asked or not set(asked) <= KEYS:
        raise ValueError(f"the request is not an object with queries and of {', '.join(sorted(KEYS))}")
    rows, is_single = query_rows(asked["queries"], manifest.settings["dim"], manifest.settings["dtype"])
    whole_number("number of queries", len(rows), 0, MAX_QUERIES)
    k = whole_number("k", asked.get("k", 10), 1, max(manifest.vectors, ALWAYS_ALLOWED_K))
    if len(rows) * k > MAX_HITS:
        raise ValueError(f"{len(rows)} queries for k={k} ask for {len(rows) * k} hits, expected at most {MAX_HITS}")
    width = widths(manifest, k, asked.get("ef"), asked.get("recall"))
    efforts = tuple(width(number) for number in range(len(manifest.shards)))
    return Question(rows, k, efforts, truth("exact", asked.get("exact", False)), is_single)


def answer(question: Question, manifest: Manifest, lists: Mapping[int, Hits], missing: Mapping[int, str]) -> bytes:
    """Merge what shards found, and say which part of the data it covers, as JSON."""
    ids, distances = merged_hits([lists[number] for number in sorted(lists)], len(question.rows), question.k)
    held = sum(manifest.shards[number].vectors for number in lists)
    told = Coverage(held, manifest.vectors, len(manifest.shards), missing)
    # JSON knows no infinity, which stands beside the padding id -1.
    finite = [[None if math.isinf(distance) else distance for distance in row] for row in distances.tolist()]
    single = question.is_single
    page = {
        "ids": (ids[0] if single else ids).tolist(),
        "distances": finite[0] if single else finite,
        "coverage": {
            "share": told.share,
            "vectors": told.vectors,
            "of": told.of,
            "missing": {str(number): why for number, why in sorted(missing.items())},
        },
    }
    return json.dumps(page, separators=(",", ":")).encode()


def call(question: Question, manifest: Manifest, number: int) -> tuple[NDArray[Any], int, int, bool]:
    """Return what shard `number` is asked: rows, k, ef, exact."""
    held = manifest.shards[number].vectors
    return question.rows, min(question.k, max(held, 1)), question.efforts[number], question.exact


def nothing(manifest: Manifest) -> Question:
    """Return a question of no queries, which whoever is well can answer."""
    dim, dtype = manifest.settings["dim"], manifest.settings["dtype"]
    rows, _ = query_rows(np.empty((0, dim // 8 if dtype == "b1" else dim), dtype=np.uint8), dim, dtype)
    return Question(rows, 1, (0,) * len(manifest.shards), False, False)

"""The recall of a running service, seen on a few of its own queries."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vicinal._core import ALWAYS_ALLOWED_K
from vicinal.arrays import VectorsLike, query_rows
from vicinal.estimate import Recall, recall_of_queries
from vicinal.index.trials import Truth, hits_of

if TYPE_CHECKING:
    from vicinal.index import Index
    from vicinal.result import SearchResult

__all__ = ["Monitor"]

WAITING = 64  # queries that wait for their check; beyond that the oldest is forgotten, so that memory has a bound
LIMITS = ("filter", "radius", "per_group")  # options that say what may be found; the others say how to look
REMEMBERED = 10_000  # checks the estimate stands on: the latest


@dataclass(frozen=True)
class _Answer:
    """One query, what was found for it, and what might be found: arrays of one row."""

    query: NDArray[Any]
    ids: NDArray[np.int64]
    distances: NDArray[np.float32]
    limits: dict[str, Any]


class Monitor:
    """Searches an index and now and then compares an answer with the truth; made by `vicinal.Index.monitor`.

    A query in a thousand, say, is put aside with its answer. Its exact search, which costs a look at every vector, is
    done by the thread that calls `search`, after its own search and only while all checks so far have taken less than
    their share of the time that searches took; or by whoever calls `check`, in a quiet moment. No thread is started.

    Thread safety: any number of threads may search and check at once; a search never waits for another's check.

    Attributes
    ----------
    searched : int
        Queries so far.
    checked : int
        Of these, how many have been compared with the truth.
    waiting : int
        How many are put aside.

    Examples
    --------
    >>> import vicinal
    >>> index = vicinal.Index(2)
    >>> _ = index.add([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]])
    >>> monitor = index.monitor(rate=1.0, budget=1.0)
    >>> monitor.search([[0.0, 1.0]], k=2).ids.tolist()
    [[0, 1]]
    >>> monitor.check().value
    1.0
    """

    def __init__(self, index: Any, rate: float, budget: float, seed: int) -> None:
        self._index: Index = index
        self._rate, self._budget = rate, budget
        self._random = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._aside: deque[_Answer] = deque(maxlen=WAITING)
        self._outcomes: deque[tuple[int, int, int]] = deque(maxlen=REMEMBERED)  # hits, there, k
        self._searching = self._checking = 0.0  # seconds
        self._busy = False
        self.searched = self.checked = 0
        self._next = self._gap() - 1  # the number of the next query to put aside

    @property
    def waiting(self) -> int:
        """How many queries are put aside."""
        return len(self._aside)

    def search(self, queries: VectorsLike, *arguments: Any, **options: Any) -> SearchResult:
        """Search as `vicinal.Index.search` does, with the same arguments and the same result."""
        begun = time.perf_counter()
        result = self._index.search(queries, *arguments, **options)
        spent = time.perf_counter() - begun
        with self._lock:
            self._searching += spent
            chosen = self._choose(1 if result.ids.ndim == 1 else len(result.ids))
        if chosen:
            self._put_aside(chosen, queries, result, options)
        while self._aside and self._checking < self._budget * self._searching:
            if not self._check_one():
                break
        return result

    def check(self, seconds: float = np.inf) -> Recall:
        """Check what waits, for about so many seconds at most, whatever the budget; return the estimate."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and self._check_one():
            pass
        return self.estimate()

    def estimate(self) -> Recall:
        """Return the recall of the latest checks with its interval; NaN and the whole range before the first."""
        with self._lock:
            outcomes = np.array(self._outcomes, dtype=np.int64).reshape(-1, 3)
        k = int(outcomes[-1, 2]) if len(outcomes) else 0
        return recall_of_queries(outcomes[:, 0], outcomes[:, 1], k)

    def _gap(self) -> int:
        return int(self._random.geometric(self._rate))

    def _choose(self, queries: int) -> list[int]:
        """Count these queries and return which of them are due."""
        chosen = []
        while self._next < self.searched + queries:
            chosen.append(self._next - self.searched)
            self._next += self._gap()
        self.searched += queries
        return chosen

    def _put_aside(
        self, chosen: list[int], queries: VectorsLike, result: SearchResult, options: dict[str, Any]
    ) -> None:
        rows, _ = query_rows(queries, self._index.dim, self._index.dtype)
        ids, distances = np.atleast_2d(result.ids), np.atleast_2d(result.distances)
        limits = {name: options[name] for name in LIMITS if options.get(name) is not None}
        for row in chosen:
            one = slice(row, row + 1)
            if isinstance(options.get("filter"), list):  # a filter for each query
                limits = {**limits, "filter": options["filter"][one]}
            self._aside.append(_Answer(rows[one].copy(), ids[one].copy(), distances[one].copy(), limits))

    def _check_one(self) -> bool:
        """Compare one answer with the truth; False when none waits or another thread is at it."""
        with self._lock:
            if self._busy or not self._aside:
                return False
            self._busy = True
            answer = self._aside.popleft()
        begun = time.perf_counter()
        try:
            k = answer.ids.shape[1]
            if k <= max(len(self._index), ALWAYS_ALLOWED_K):
                found = self._index.search(answer.query, k, exact=True, threads=1, **answer.limits)
                hits, there = hits_of(answer.ids, answer.distances, Truth(answer.query, found.ids, found.distances), k)
                self._outcomes.append((int(hits[0]), int(there[0]), k))
                self.checked += 1
        finally:
            with self._lock:
                self._checking += time.perf_counter() - begun
                self._busy = False
        return True

"""An index that knows what a recall takes: tuned on queries, and asked how well it does."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal._core import ALWAYS_ALLOWED_K, MAX_EF, MAX_THREADS
from vicinal.arrays import VectorsLike, query_rows
from vicinal.errors import DataWarning
from vicinal.estimate import Recall, recall_of_queries
from vicinal.index.calibrate import calibrated
from vicinal.index.monitor import Monitor
from vicinal.index.stored import StoredIndex
from vicinal.index.trials import Trials, Truth, hits_of
from vicinal.settings import share, whole_number

__all__ = ["TunedIndex"]

TARGETS = (0.9, 0.95, 0.99)
NEIGHBORS = (1, 10, 100)
FEW = 100  # queries below which the interval is too wide to promise much
ENOUGH = 1000  # queries that choose among rules; all of them decide how far the chosen one goes
CHANGED = 0.2


class TunedIndex(StoredIndex):
    """The part of `vicinal.Index` that is about recall: promised, estimated and watched."""

    __slots__ = ()

    def tune(self, queries: VectorsLike, k: int = 10, *, recall: float = 0.95, threads: int = 0) -> dict[str, Any]:
        """Find out what effort reaches which recall, and remember it.

        Afterwards ``search(recall=0.95)`` knows its effort, and a search that asks for nothing takes the effort for
        0.95. Besides `recall` and `k` the targets 0.90, 0.95 and 0.99 and k = 1, 10 and 100 are calibrated; a search
        for another k takes the next larger one. What is found replaces what was known; it is saved with the index.

        An effort is chosen when the lower bound of its recall's 95 % interval meets the target, so queries to come
        should reach it too, if they are like these. It is a beam's width and, where that compares clearly fewer
        vectors, a rule by which easy queries stop early and hard ones go on: when the nearest candidate left is
        farther than a multiple of the distance of one of the best so far.

        Parameters
        ----------
        queries : array_like, shape (m, dim); packed bits: (m, dim // 8)
            Like those to come, and not stored in the index: a stored vector is found more easily. Some 1000 make a
            good calibration.
        k : int
            Neighbors per query, 1 to max(len(index), 10 000).
        recall : float
            The share of the k nearest that shall be found, above 0, at most 1.
        threads : int
            0 takes all cores this process may use. The result is the same for any number.

        Returns
        -------
        dict
            As ``stats()["tuned"]``: ``"size"`` (vectors at this time), ``"queries"``, ``"changed"`` (the share by which
            the size has changed since) and ``"efforts"``, for each k and target a dict: ``"k"``, ``"recall"`` (the
            target), ``"ef"`` (the beam that reaches it alone), ``"width"``, ``"anchor"`` and ``"stretch"`` of the
            effort chosen (anchor 0: no rule), ``"measured"`` (its recall), ``"low"`` (the lower bound), ``"distances"``
            (the mean number of vectors compared) and ``"reached"``.

        Raises
        ------
        DimensionError, InvalidVectorError
            As for ``search``.
        ValueError
            `k`, `recall` or `threads` is out of range, there are no queries, the index is empty, or most of the
            queries are stored in it.

        Warns
        -----
        DataWarning
            There are fewer than 100 queries, some are stored in the index (these are left out), or `recall` was not
            reached; the message says what would help.

        References
        ----------
        Al-Jazzazi et al., Distance Adaptive Beam Search for Provably Accurate Graph-Based Nearest Neighbor Search,
        2025: the rule.

        Examples
        --------
        >>> import numpy as np
        >>> import vicinal
        >>> rng = np.random.default_rng(0)
        >>> index = vicinal.Index(8)
        >>> _ = index.add(rng.random((3000, 8), dtype=np.float32))
        >>> tuned = index.tune(rng.random((500, 8), dtype=np.float32), k=10, recall=0.9)
        >>> tuned["size"], tuned["queries"]
        (3000, 500)
        >>> index.search(rng.random(8), k=10, recall=0.9).ids.shape
        (10,)
        """
        target = share("recall", recall)
        rows, _ = query_rows(queries, self._dim(), self._settings["dtype"])
        wanted = whole_number("k", k, 1, max(len(self), ALWAYS_ALLOWED_K))
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        if len(rows) == 0:
            raise ValueError("queries has no rows, expected one query or more; some 1000 make a good calibration")
        with self._alone():
            size = len(self)
            if size == 0:
                raise ValueError("the index is empty: there is nothing to tune it on before vectors are added")
            neighbors = sorted({wanted, *(k for k in NEIGHBORS if k <= size)})
            truth = _without_stored(self, Truth.of(self, rows, neighbors[-1], workers))
            targets = sorted({target, *TARGETS})
            efforts = [effort for k in neighbors for effort in self._efforts(truth, k, targets, workers)]
            self._calibrate({"size": size, "queries": len(truth.queries), "efforts": efforts})
        asked = next(effort for effort in efforts if (effort["k"], effort["recall"]) == (wanted, target))
        _warn_of_weakness(asked, len(truth.queries))
        tuned = self._tuned()
        assert tuned is not None
        return tuned

    def recall_estimate(
        self,
        queries: VectorsLike,
        k: int = 10,
        *,
        sample: int | None = None,
        ef: int | None = None,
        recall: float | None = None,
        threads: int = 0,
    ) -> Recall:
        """Estimate the recall of searches for queries like these, by comparing some with every vector.

        Parameters
        ----------
        queries : array_like, shape (m, dim); packed bits: (m, dim // 8)
            The true neighbors are found by exact search, so nothing need be known of them.
        k : int
            Neighbors per query, 1 to max(len(index), 10 000).
        sample : int, optional
            How many of the queries to look at, drawn by the index's seed: the same on every call. By default all.
        ef, recall : optional
            The effort, as for ``search``.
        threads : int
            0 takes all cores this process may use.

        Returns
        -------
        Recall
            ``value``, with ``low`` and ``high`` of its 95 % interval: Wilson's, for as many independent trials as
            would scatter as the queries do. NaN and the whole range where there is nothing to find.

        Raises
        ------
        DimensionError, InvalidVectorError, ValueError, NotTunedError
            As for ``search``.

        Examples
        --------
        >>> import numpy as np
        >>> import vicinal
        >>> rng = np.random.default_rng(0)
        >>> index = vicinal.Index(8)
        >>> _ = index.add(rng.random((3000, 8), dtype=np.float32))
        >>> estimate = index.recall_estimate(rng.random((500, 8), dtype=np.float32), k=10, sample=200)
        >>> estimate.low <= estimate.value <= estimate.high
        True
        """
        rows, _ = query_rows(queries, self._dim(), self._settings["dtype"])
        wanted = whole_number("k", k, 1, max(len(self), ALWAYS_ALLOWED_K))
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        width, target = self._effort(ef, recall)
        if sample is not None:
            most = whole_number("sample", sample, 1, max(len(rows), 1))
            rng = np.random.default_rng(self._settings["seed"])
            rows = rows[np.sort(rng.permutation(len(rows))[:most])]
        ids, distances, _ = self._search(rows, wanted, width, False, workers, False, target)
        hits, there = hits_of(ids, distances, Truth.of(self, rows, wanted, workers), wanted)
        return recall_of_queries(hits, there, wanted)

    def monitor(self, rate: float = 0.001, *, budget: float = 0.01, seed: int = 0) -> Monitor:
        """Watch the recall of a running service.

        Parameters
        ----------
        rate : float
            The share of queries to check, above 0, at most 1.
        budget : float
            The share of the time spent in searches that checks may take, above 0, at most 1.
        seed : int
            Of the choice of queries. Same seed and calls: the same queries.

        Returns
        -------
        Monitor
            Its ``search`` stands in for the index's own and checks a query now and then; its ``estimate`` says how
            well searches do.

        Examples
        --------
        >>> import numpy as np
        >>> import vicinal
        >>> rng = np.random.default_rng(0)
        >>> index = vicinal.Index(8)
        >>> _ = index.add(rng.random((3000, 8), dtype=np.float32))
        >>> monitor = index.monitor(rate=0.1, budget=1.0)
        >>> for query in rng.random((300, 8), dtype=np.float32):
        ...     ids, distances = monitor.search(query, k=10)
        >>> monitor.check().value > 0.9
        True
        """
        return Monitor(self, share("rate", rate), share("budget", budget), whole_number("seed", seed, 0, 2**64 - 1))

    def _dim(self) -> int:
        return self._settings["dim"]  # type: ignore[no-any-return]

    def _efforts(self, truth: Truth, k: int, targets: list[float], threads: int) -> Sequence[dict[str, Any]]:
        trials, few = Trials(self, truth, k, threads), Trials(self, truth.thinned(ENOUGH), k, threads)
        # An inner product may be negative, so that a multiple of it is no bound.
        rules = self._settings["metric"] != "ip"
        return [
            {
                "k": k,
                "recall": target,
                "ef": ef,
                "width": effort.width,
                "anchor": effort.anchor,
                "stretch": effort.stretch,
                "measured": outcome.recall.value,
                "low": outcome.recall.low,
                "distances": outcome.distances,
            }
            for target, ef, effort, outcome in calibrated(trials, few, targets, rules=rules)
        ]

    def _effort(self, ef: int | None, recall: float | None) -> tuple[int, float]:
        """Return the beam's width and the target, 0 for what is not given; warn when the calibration is old."""
        if recall is None:
            return 0 if ef is None else whole_number("ef", ef, 1, MAX_EF), 0.0
        target = share("recall", recall)
        if ef is not None:
            raise ValueError(f"ef={ef!r} and recall={recall!r} are both given, expected one of them")
        then, now = self._tuned_size(), len(self)
        if then and abs(now - then) > CHANGED * then:
            warnings.warn(
                f"the index was tuned with {then} vectors and has {now} now, {abs(now - then) / then:.0%} off: "
                f"recall={target} may be missed until tune is called again",
                DataWarning,
                stacklevel=4,
            )
        return 0, target

    def _tuned(self) -> dict[str, Any] | None:
        known = self._calibration()
        if known is not None:
            known["changed"] = abs(len(self) - known["size"]) / known["size"]
        return known


def _without_stored(index: TunedIndex, truth: Truth) -> Truth:
    """Leave out the queries that are vectors of the index: such a one lies among its own links."""
    stored = _is_stored(index, truth)
    count = int(np.count_nonzero(stored))
    if count == 0:
        return truth
    if 2 * count > len(stored):
        raise ValueError(
            f"{count} of {len(stored)} queries are stored in the index: these are found more easily than others, so "
            "tune on queries that are not; hold some vectors back, or take them from a log"
        )
    warnings.warn(
        f"{count} of {len(stored)} queries are stored in the index, the first in row "
        f"{int(np.flatnonzero(stored)[0])}: they are left out, because a stored vector is found more easily",
        DataWarning,
        stacklevel=3,
    )
    return Truth(truth.queries[~stored], truth.ids[~stored], truth.distances[~stored])


def _is_stored(index: TunedIndex, truth: Truth) -> NDArray[np.bool_]:
    # A stored vector is its own nearest, except for the inner product, where it is often among the nearest at least.
    columns = min(10, truth.ids.shape[1]) if index._settings["metric"] == "ip" else 1
    precision = {"f16": 2.0**-11, "bf16": 2.0**-8}.get(index._settings["dtype"], 0.0)
    stored = np.zeros(len(truth.queries), dtype=bool)
    for column in range(columns):
        there = np.flatnonzero(truth.ids[:, column] >= 0)
        rows, asked = index._get(truth.ids[there, column]), truth.queries[there]
        same = np.abs(rows - asked) <= precision * np.abs(asked) if precision else rows == asked
        stored[there] |= same.all(axis=1)
    return stored


def _warn_of_weakness(asked: dict[str, Any], queries: int) -> None:
    what = f"recall={asked['recall']} at k={asked['k']}"
    found = f"{asked['measured']:.4f}, at least {asked['low']:.4f}"
    if queries < FEW:
        width = 2 * (asked["measured"] - asked["low"])
        warnings.warn(
            f"{queries} queries are few: {what} was measured as {found}, an interval some {width:.3f} wide; "
            f"expected {FEW} queries or more, better 1000",
            DataWarning,
            stacklevel=3,
        )
    if asked["low"] < asked["recall"]:
        helps = (
            "more queries would make the bound tighter"
            if asked["measured"] >= asked["recall"]
            else 'an index with a larger M and ef_construction would find more, or one with traversal="exact"'
        )
        warnings.warn(f"{what} was not reached: {found}, with ef={asked['ef']}; {helps}", DataWarning, stacklevel=3)

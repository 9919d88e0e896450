"""What effort in each shard makes the merged answer reach a recall."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal._core import ALWAYS_ALLOWED_K, MAX_EF, MAX_THREADS
from vicinal.arrays import VectorsLike, query_rows
from vicinal.errors import DataWarning, MismatchError, NotTunedError
from vicinal.estimate import Recall, recall_of_queries
from vicinal.index.calibrate import widest_beam
from vicinal.settings import share, whole_number
from vicinal.shards.locked import only_writer
from vicinal.shards.manifest import Manifest, read_manifest
from vicinal.shards.merge import merged_hits
from vicinal.shards.opened import OpenShards, State
from vicinal.shards.routing import shard_of
from vicinal.shards.shard import Shard, search_one

__all__ = ["TunedShards", "widths"]

TARGETS = (0.9, 0.95, 0.99)
USUAL = 0.95  # what a search that asks for nothing takes, where it was tuned
CHANGED = 0.2
FEW = 100


class TunedShards(OpenShards):
    """The part of `ShardedIndex` that knows what a recall takes."""

    def tune(self, queries: VectorsLike, k: int = 10, *, recall: float = 0.95, threads: int = 0) -> dict[str, Any]:
        """Find out what effort in each shard reaches which recall of the merged answer, and keep it in the manifest.

        Of the k nearest of all, a shard holds some; its beam is the narrowest that finds enough of just these, by the
        lower bound of the 95 % interval. So the merged answer finds enough of all. What a shard holds of the k nearest
        are its very nearest, which are found more easily than k of its own: its beam is narrower than if each shard
        were to find its own k nearest with that recall.

        Parameters
        ----------
        queries : array_like, shape (m, dim); packed bits: (m, dim // 8)
            Like those to come, and not stored in the index. Some 1000 or more.
        k : int
            Neighbors per query. A search for another k takes the next larger one that was tuned.
        recall : float
            Besides it the targets 0.90, 0.95 and 0.99 are calibrated.
        threads : int
            0 takes all cores this process may use.

        Returns
        -------
        dict
            As ``stats()["tuned"]``: ``"size"``, ``"queries"`` and ``"efforts"``, for each k and target a dict: ``"k"``,
            ``"recall"`` (the target), ``"ef"`` (one beam per shard), ``"measured"``, ``"low"`` (of the merged answer)
            and ``"reached"``.

        Raises
        ------
        DimensionError, InvalidVectorError, ValueError
            As for `vicinal.Index.tune`.
        MismatchError
            A shard is missing, or the folder was changed since it was opened.

        Warns
        -----
        DataWarning
            There are fewer than 100 queries, some are stored (these are left out), or `recall` was not reached.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> import vicinal
        >>> rng = np.random.default_rng(0)
        >>> folder = tempfile.TemporaryDirectory()
        >>> index = vicinal.shards.build_sharded(rng.random((2000, 8), dtype=np.float32), folder.name, shards=2)
        >>> tuned = index.tune(rng.random((500, 8), dtype=np.float32), k=10, recall=0.95)
        >>> tuned["efforts"][-1]["recall"], len(tuned["efforts"][-1]["ef"])
        (0.99, 2)
        >>> index.search(rng.random(8), k=10, recall=0.95).ids.shape
        (10,)
        >>> index.close()
        >>> folder.cleanup()
        """
        target = share("recall", recall)
        state = self._state
        rows, _ = query_rows(queries, self.dim, self.dtype)
        wanted = whole_number("k", k, 1, max(len(self), ALWAYS_ALLOWED_K))
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        if state.missing:
            raise MismatchError(f"the sharded index cannot be tuned while it answers in part: {state.coverage}")
        if state.manifest.vectors == 0 or len(rows) == 0:
            raise ValueError("there is nothing to tune on: expected vectors in the index, and one query or more")
        rows = _not_stored(self, rows, workers)
        trials = _Trials(state, rows, wanted, workers)
        efforts = [trials.effort(goal) for goal in sorted({target, *TARGETS})]
        known = {"size": state.manifest.vectors, "queries": len(rows), "efforts": efforts}
        self._keep(state, known, wanted)
        asked = next(effort for effort in efforts if effort["recall"] == target)
        if len(rows) < FEW:
            warnings.warn(f"{len(rows)} queries are few, expected {FEW} or more", DataWarning, stacklevel=2)
        if not asked["reached"]:
            warnings.warn(
                f"recall={target} at k={wanted} was not reached: {asked['measured']:.4f}, at least {asked['low']:.4f}; "
                "more queries would make the bound tighter, a larger M and ef_construction would find more",
                DataWarning,
                stacklevel=2,
            )
        return dict(self._state.manifest.calibration or known)

    def _keep(self, state: State, known: dict[str, Any], k: int) -> None:
        """Write what was found, beside what is known of other k at the same size."""
        with only_writer(self._folder):
            if read_manifest(self._folder) != state.manifest:
                raise MismatchError(f"{self._folder}: the folder was changed since it was opened; open it again")
            before = state.manifest.calibration
            if before is not None and before["size"] == known["size"]:
                known["efforts"] = sorted(
                    [*(effort for effort in before["efforts"] if effort["k"] != k), *known["efforts"]],
                    key=lambda effort: (effort["k"], effort["recall"]),
                )
            manifest = replace(state.manifest, calibration=known)
            manifest.write(self._folder)
        self._now = replace(state, manifest=manifest)

    def _widths(self, state: State, k: int, ef: int | None, recall: float | None) -> Callable[[Shard], int]:
        """Return each shard's beam; 0 is a shard's own default."""
        width = widths(state.manifest, k, ef, recall, stacklevel=5)
        return lambda shard: width(shard.number)


def widths(
    manifest: Manifest, k: int, ef: int | None, recall: float | None, *, stacklevel: int = 3
) -> Callable[[int], int]:
    """Return the beam of each shard, by its number, for what a search asks; 0 is a shard's own default."""
    if ef is not None:
        if recall is not None:
            raise ValueError(f"ef={ef!r} and recall={recall!r} are both given, expected one of them")
        width = whole_number("ef", ef, 1, MAX_EF)
        return lambda _: width
    known = manifest.calibration
    found = _calibrated(known, k, USUAL if recall is None else share("recall", recall))
    if recall is None:
        return lambda number: 0 if found is None or not found["reached"] else found["ef"][number]
    if found is None:
        raise NotTunedError(f"recall={recall} at k={k} was not calibrated: call tune(queries, k={k}, recall={recall})")
    if not found["reached"]:
        raise NotTunedError(
            f"recall={recall} at k={k} was not reached when tune was called: {found['measured']:.4f}, "
            f"at least {found['low']:.4f}; tune again with more queries, or build with a larger M"
        )
    _warn_when_old(manifest, recall, stacklevel)
    return lambda number: found["ef"][number]


def _calibrated(known: dict[str, Any] | None, k: int, target: float) -> dict[str, Any] | None:
    fitting = [e for e in (known or {"efforts": []})["efforts"] if e["k"] >= k and e["recall"] == target]
    return min(fitting, key=lambda effort: effort["k"], default=None)


def _warn_when_old(manifest: Manifest, target: float, stacklevel: int) -> None:
    then, now = (manifest.calibration or {"size": 0})["size"], manifest.vectors
    if abs(now - then) > CHANGED * then:
        warnings.warn(
            f"the index was tuned with {then} vectors and has {now} now: recall={target} may be missed until tune is "
            "called again",
            DataWarning,
            stacklevel=stacklevel,
        )


class _Trials:
    """Searches of each shard for its part of the true neighbors."""

    def __init__(self, state: State, rows: NDArray[Any], k: int, threads: int) -> None:
        self._state, self._rows, self._k, self._threads = state, rows, k, threads
        exact = [self._found(shard, 0, exact=True) for shard in state.shards]
        self._truth = merged_hits(exact, len(rows), k)[0]
        owners = np.where(self._truth >= 0, shard_of(self._truth, len(state.shards)), -1)
        self._parts = [owners == shard.number for shard in state.shards]
        self._hits: dict[tuple[int, int], NDArray[np.int64]] = {}

    def effort(self, target: float) -> dict[str, Any]:
        """Return the narrowest beams that meet a target, as the manifest keeps them."""
        widths = [self._narrowest(shard, target) for shard in self._state.shards]
        hits = np.sum([self._found_of_truth(s, ef) for s, ef in zip(self._state.shards, widths, strict=True)], axis=0)
        merged = recall_of_queries(hits, np.count_nonzero(self._truth >= 0, axis=1), self._k)
        return {
            "k": self._k,
            "recall": target,
            "ef": widths,
            "measured": merged.value,
            "low": merged.low,
            "reached": merged.low >= target,
        }

    def _narrowest(self, shard: Shard, target: float) -> int:
        low, high, most = self._k - 1, self._k, widest_beam(self._k)
        while self._recall(shard, high).low < target:
            if high >= most:
                return most
            low, high = high, min(2 * high, most)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._recall(shard, middle).low >= target else (middle, high)
        return high

    def _recall(self, shard: Shard, ef: int) -> Recall:
        there = np.count_nonzero(self._parts[shard.number], axis=1)
        if not there.any():  # nothing to find here: the narrowest beam is as good as any
            return Recall(1.0, 1.0, 1.0, self._k, 0, 0)
        return recall_of_queries(self._found_of_truth(shard, ef), there, self._k)

    def _found_of_truth(self, shard: Shard, ef: int) -> NDArray[np.int64]:
        if (shard.number, ef) not in self._hits:
            ids, _ = self._found(shard, ef, exact=False)
            mine = np.where(self._parts[shard.number], self._truth, -1)
            found = (mine[:, :, None] == ids[:, None, :]) & (mine >= 0)[:, :, None]
            self._hits[shard.number, ef] = found.any(axis=2).sum(axis=1)
        return self._hits[shard.number, ef]

    def _found(self, shard: Shard, ef: int, *, exact: bool) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        k = min(self._k, max(shard.entry.vectors, 1))
        return search_one(shard, self._rows, k, ef, exact, self._threads, False, None)[:2]


def _not_stored(index: OpenShards, rows: NDArray[Any], threads: int) -> NDArray[Any]:
    """Leave out the queries that are vectors of the index: such a one is found more easily than others."""
    stored = np.zeros(len(rows), dtype=bool)
    for shard in index._state.shards:
        if shard.entry.vectors:
            ids = search_one(shard, rows, 1, 0, False, threads, False, None)[0][:, 0]
            stored |= (shard.index()._get(ids) == rows).all(axis=1)
    count = int(np.count_nonzero(stored))
    if 2 * count > len(rows):
        raise ValueError(f"{count} of {len(rows)} queries are stored in the index: tune on queries that are not")
    if count:
        warnings.warn(
            f"{count} of {len(rows)} queries are stored in the index, and left out", DataWarning, stacklevel=3
        )
    return rows[~stored]

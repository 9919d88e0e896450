"""What ails an index, and what would mend it: measured, not supposed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal._core import MAX_EF
from vicinal.index import Index
from vicinal.index.health import LEAST_RECALL, Health

__all__ = ["Diagnosis", "Treatment", "diagnose"]

K = 10
SAMPLE = 500
WORTH = 0.01  # of recall: what is less is within what another sample would show
AS_IS, REPAIRED, ANEW, WIDER = "as it is", "repaired", "built anew", "as wide"
_ROUNDS = 5


@dataclass(frozen=True)
class Treatment:
    """An index as it is, or after something was done to it, and what its searches find then.

    Attributes
    ----------
    name : str
        ``"as it is"``, ``"repaired"``, ``"built anew"`` or ``"as wide"``: as it is, with a beam so wide that as many
        vectors are compared as when it is built anew.
    ef : int
        The width of beam.
    seconds : float
        What it took to do.
    recall : float
        Of the 10 nearest other vectors of a sample of the stored ones, the share that is found.
    distances : float
        Vectors that a search compares.
    microseconds : float
        Processor time of a search on one thread, the quickest of five rounds.
    """

    name: str
    ef: int
    seconds: float
    recall: float
    distances: float
    microseconds: float


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes
    ----------
    facts : dict
        The index's settings and size, by name.
    ef : int
        The width of beam that it is judged by.
    health : Health
        Its ``recall`` is that of searches of default effort.
    treatments : tuple of Treatment
        The index as it is comes first.
    findings : tuple of str
        What is wrong, a sentence each; none where it is well.
    remarks : tuple of str
        What is worth knowing and no fault.

    Examples
    --------
    >>> import numpy as np
    >>> import vicinal
    >>> index = vicinal.Index(4)
    >>> _ = index.add(np.random.default_rng(0).random((300, 4), dtype=np.float32))
    >>> found = diagnose(index, ef=32)
    >>> found.findings, [treatment.name for treatment in found.treatments]
    ((), ['as it is', 'built anew'])
    """

    facts: dict[str, Any]
    ef: int
    health: Health
    treatments: tuple[Treatment, ...]
    findings: tuple[str, ...]
    remarks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Give everything as what JSON can hold."""
        return {**asdict(self), "health": {"ok": self.health.ok, **asdict(self.health)}}

    def __str__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        lines = [facts, str(self.health), f"searches for {K} neighbors, one thread:"]
        lines.append("                  ef  recall  distances  µs a query  done in")
        lines += [
            f"  {one.name:<10}  {one.ef:>6}  {one.recall:.4f}  {one.distances:>9,.0f}  {one.microseconds:>10,.1f}"
            + ("" if one.seconds == 0 else f"  {one.seconds:.1f} s")
            for one in self.treatments
        ]
        lines += [f"finding: {finding}" for finding in self.findings] or ["nothing is wrong with it"]
        return "\n".join([*lines, *(f"remark: {remark}" for remark in self.remarks)])


def diagnose(index: Index, *, ef: int | None = None, rebuild_up_to: int = 100_000, threads: int = 0) -> Diagnosis:
    """Look at an index, and try on copies of it what `vicinal.Index.repair` and a build of our own would gain.

    Parameters
    ----------
    index : vicinal.Index
        Stays as it is.
    ef : int, optional
        The width of beam to judge it by; by default that of a search that names none.
    rebuild_up_to : int
        An index of more vectors is not built anew, as that takes as long as it did. A build on a part of them would
        say nothing: a smaller set is searched more easily.
    threads : int
        For repairs and builds; 0 takes all cores. Searches are timed on one.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        The index is empty.

    Examples
    --------
    >>> import vicinal
    >>> index = vicinal.Index(2)
    >>> _ = index.add([[0.0, 1.0], [1.0, 0.0]])
    >>> print(diagnose(index).health.ok)
    True
    """
    if len(index) == 0:
        raise ValueError("the index is empty: nothing can be found in it")
    width = max(64, 2 * K) if ef is None else ef
    health = index.check()
    indexes, seconds, remarks = {AS_IS: index}, {AS_IS: 0.0}, []
    if health.unreachable:
        indexes[REPAIRED] = copy = Index.from_bytes(index.to_bytes())
        seconds[REPAIRED] = _seconds_of(copy.repair)
    if len(index) <= rebuild_up_to:
        indexes[ANEW] = fresh = Index(
            index.dim,
            index.metric,
            dtype=index.dtype,
            M=index.M,
            ef_construction=index.ef_construction,
            traversal=index.traversal,
            seed=index.seed,
            codes=index.codes,
            vectors=index.vectors,
        )
        ids = index.ids
        rows = index.get(ids)
        seconds[ANEW] = _seconds_of(lambda: fresh.add(rows, ids=ids, threads=threads))
    else:
        remarks.append(f"not built anew, with more than {rebuild_up_to:,} vectors: what that would gain is unknown")
    treatments = _compared(indexes, seconds, width, _Sample(index, threads))
    facts = {"vectors": len(index), "dim": index.dim, "metric": index.metric, "dtype": index.dtype, "M": index.M,
             "ef_construction": index.ef_construction}  # fmt: skip
    remarks += _remarks(health, treatments, len(index))
    return Diagnosis(facts, width, health, treatments, _findings(health, treatments, len(index)), tuple(remarks))


def _seconds_of(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


class _Sample:
    """Stored vectors that indexes of the same vectors are asked for, and how far their true neighbors are."""

    def __init__(self, index: Index, threads: int) -> None:
        ids = index.ids
        self.ids = ids[np.unique(np.linspace(0, len(ids) - 1, min(SAMPLE, len(ids))).astype(np.int64))]
        self.rows = index.get(self.ids)
        self.k = min(K + 1, len(ids))
        exact = index.search(self.rows, self.k, exact=True, threads=threads)
        truth = _of_others(self.ids, exact.ids, exact.distances)
        # A neighbor as near as the last of the true ones is as good as it, and rounding is no error.
        self.bound = truth[:, -1:] + 1e-6 * np.abs(truth[:, -1:])

    def recall_and_work(self, index: Index, ef: int) -> tuple[float, float]:
        """Return the share of true neighbors that is found, and how many vectors a search compares."""
        found = index.search(self.rows, self.k, ef=ef, threads=1, stats=True)
        assert found.stats is not None
        mine = _of_others(self.ids, found.ids, found.distances)
        recall = float((mine <= self.bound).mean()) if mine.size else 1.0
        return recall, float(np.mean(found.stats["distances"]))

    def beam_of_equal_work(self, index: Index, ef: int, work: float) -> int:
        """Return the first beam from `ef` on, up to ten times as wide, by which a search compares so many."""
        most = min(10 * ef, MAX_EF)  # a graph in pieces may never compare so many
        while ef < most and self.recall_and_work(index, ef)[1] < work:
            ef += max(1, ef // 10)
        return min(ef, most)

    def processor_time(self, index: Index, ef: int) -> float:
        """Return microseconds a search; whoever else is busy on this machine costs none of them."""
        begun = time.process_time()
        index.search(self.rows, self.k, ef=ef, threads=1)
        return (time.process_time() - begun) / len(self.rows) * 1e6


def _compared(indexes: dict[str, Index], seconds: dict[str, float], ef: int, sample: _Sample) -> tuple[Treatment, ...]:
    """Ask all of the indexes for the neighbors of the same stored vectors, turn by turn."""
    asked = {name: (one, ef) for name, one in indexes.items()}
    if ANEW in indexes:  # which compares more at the same beam, and finds more by that alone
        work = sample.recall_and_work(indexes[ANEW], ef)[1]
        wider = sample.beam_of_equal_work(indexes[AS_IS], ef, work)
        if wider > ef:
            asked[WIDER] = (indexes[AS_IS], wider)
    times = dict.fromkeys(asked, np.inf)
    for _ in range(_ROUNDS):
        for name, (one, width) in asked.items():
            times[name] = min(times[name], sample.processor_time(one, width))
    return tuple(
        Treatment(name, width, seconds.get(name, 0.0), *sample.recall_and_work(one, width), times[name])
        for name, (one, width) in asked.items()
    )


def _of_others(
    sample: NDArray[np.int64], ids: NDArray[np.int64], distances: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the distances of each row without the vector that was asked for, or without the last."""
    own = ids == sample[:, None]
    own[~own.any(axis=1), -1] = True
    others: NDArray[np.float64] = distances[~own].reshape(len(sample), -1).astype(np.float64)
    return others


def _findings(health: Health, treatments: tuple[Treatment, ...], count: int) -> tuple[str, ...]:
    now = treatments[0]
    after = {one.name: one for one in treatments}
    findings = []
    if health.unreachable:
        repaired = after[REPAIRED]
        findings.append(
            f"{health.unreachable:,} of {count:,} vectors cannot be reached, so that no search finds them: repair() "
            f"links them in {repaired.seconds:.1f} s (recall {now.recall:.3f}, then {repaired.recall:.3f})"
        )
    if count > 1 and health.degrees and health.degrees[0]:
        findings.append(f"{health.degrees[0]:,} nodes have no links")
    if now.recall < LEAST_RECALL:
        findings.append(f"searches find {now.recall:.3f} of the neighbors, expected at least {LEAST_RECALL}")
    anew, wide = after.get(ANEW), after.get(WIDER, now)
    if anew is not None and anew.recall >= wide.recall + WORTH:
        findings.append(
            f"built anew with the same M and ef_construction it finds {anew.recall:.3f} of the neighbors, as it is "
            f"{wide.recall:.3f} when as many vectors are compared (ef {wide.ef})"
        )
    return tuple(findings)


def _remarks(health: Health, treatments: tuple[Treatment, ...], count: int) -> list[str]:
    remarks = []
    if health.zero_in_degree and not health.unreachable:
        remarks.append(f"{health.zero_in_degree:,} nodes are reached from the levels above only")
    if health.duplicates > count // 100:
        remarks.append(f"{health.duplicates:,} groups of vectors are the same: built anew each is one node")
    after = {one.name: one for one in treatments}
    anew, wide = after.get(ANEW), after.get(WIDER, treatments[0])
    if anew is not None and anew.recall < wide.recall + WORTH:
        remarks.append(
            f"built anew it would gain nothing to speak of: it finds {anew.recall:.3f} of the neighbors, as it is "
            f"{wide.recall:.3f} when as many vectors are compared"
        )
    return remarks

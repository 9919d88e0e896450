"""Memory of an index: its own account and the process's growth beside `vicinal.plan()`; copies of the input.

    python bench/memory.py                     # some minutes: 300 000 vectors of 128 dimensions, several types
    python bench/memory.py --rows 100000

Each case has a process of its own. That makes its vectors in place, notes its resident memory, adds them in one call
and notes it again, with the highest it had in between. If `add` copied its input, that peak would show it: the
vectors are as large as all that is stored of them.

Before it is read, the process gives back what its allocator holds of freed memory (malloc_trim): some megabytes of
lists of ids that `add` had while it ran. They are the process's to use again, and no part of the index; how much there
was is printed as `kept`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import vicinal
from vicinal.measure.environment import describe_environment

RESULTS = Path(__file__).resolve().parent / "results" / "memory.json"
BAR = 0.05  # of the forecast


@dataclass(frozen=True)
class Case:
    """An index to build: its settings, and how many vectors, whole numbers or fractions."""

    rows: int
    dim: int
    dtype: str = "f32"
    traversal: str = "auto"
    metric: str = "l2"
    whole: bool = False
    M: int = 16
    ef_construction: int = 40

    def forecast(self) -> int:
        """Ask `plan` for the bytes; of whole numbers under "auto" it wants to be told that they are walked as u8."""
        lossless = self.whole and self.traversal == "auto" and self.metric != "cosine"
        stored_as_floats = self.dtype in ("f32", "f16", "bf16")
        return vicinal.plan(
            self.rows,
            self.dim,
            metric=self.metric,
            dtype=self.dtype,
            M=self.M,
            traversal="u8" if lossless and stored_as_floats else self.traversal,
        ).total

    def __str__(self) -> str:
        kind = "whole" if self.whole else "fractions"
        return f"{self.rows} x {self.dim} {self.dtype} {self.metric} {self.traversal}, {kind}, M={self.M}"


@dataclass(frozen=True)
class Taken:
    """What a case took, in bytes. `grown` and `peak` count from before `add`, when the input was there already.

    `kept` is what the allocator held of freed memory after it, which is no part of `grown`.
    """

    forecast: int
    resident: int
    grown: int
    kept: int
    peak: int
    given: int

    @property
    def account(self) -> float:
        """What the index says it has, by the forecast."""
        return self.resident / self.forecast

    @property
    def growth(self) -> float:
        """What the process grew by, by the forecast."""
        return self.grown / self.forecast

    @property
    def passing(self) -> int:
        """What `add` held for a while beyond what stayed."""
        return self.peak - self.grown


def measure(case: Case) -> Taken:
    """Build the case in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--worker", json.dumps(asdict(case))]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Taken(**json.loads(printed))


def work(case: Case) -> Taken:
    """Build the case in this process."""
    warm = vicinal.Index(case.dim, case.metric, dtype=case.dtype)  # what the first use of anything takes
    warm.add(inputs(replace(case, rows=2000)))
    warm.search(inputs(replace(case, rows=10)))
    del warm

    rows = inputs(case)
    index = vicinal.Index(
        case.dim,
        case.metric,
        dtype=case.dtype,
        M=case.M,
        ef_construction=case.ef_construction,
        traversal=case.traversal,
    )
    trim()
    before = forget_peak()
    index.add(rows)
    peak, untrimmed = status("VmHWM"), status("VmRSS")
    trim()
    after = status("VmRSS")
    resident = index.stats()["memory"]["resident"]
    return Taken(case.forecast(), resident, after - before, untrimmed - after, peak - before, rows.nbytes)


def inputs(case: Case) -> np.ndarray:
    """Draw the vectors a piece at a time, so that nothing but them is held."""
    rng = np.random.default_rng(0)
    element = {"i8": np.int8, "u8": np.uint8}.get(case.dtype, np.float32)
    rows = np.empty((case.rows, case.dim), dtype=element)
    for begin in range(0, case.rows, 4096):
        piece = rows[begin : begin + 4096]
        if case.whole or element != np.float32:
            piece[:] = rng.integers(0, 128 if element == np.int8 else 256, size=piece.shape, dtype=np.uint8)
        else:
            rng.random(out=piece, dtype=np.float32)
    return rows


def status(field: str) -> int:
    """Read a line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {field}, which Linux writes there")


def trim() -> None:
    """Give freed memory back to the system, where the C library is one that can."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def forget_peak() -> int:
    """Bring the highest resident memory so far down to the present one, which is returned."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return status("VmRSS")


def cases(rows: int) -> Iterator[Case]:
    """List what is measured by default."""
    usual = Case(rows, 128)
    yield usual
    yield replace(usual, whole=True)
    yield replace(usual, traversal="exact")
    yield replace(usual, metric="cosine", traversal="sq8")
    yield replace(usual, dtype="f16")
    yield replace(usual, dtype="u8")
    yield replace(usual, dim=384, metric="ip", rows=rows // 2)
    yield replace(usual, dim=24, M=8)


def main() -> None:
    """Measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--worker", metavar="JSON", help="one case, in this process; prints JSON")
    arguments = parser.parse_args()
    if arguments.worker is not None:
        print(json.dumps(asdict(work(Case(**json.loads(arguments.worker))))))
        return

    kept = []
    print(
        f"{'case':<46}{'forecast':>10}{'account':>9}{'growth':>8}{'kept':>7}{'passing':>9}{'input':>8}   B a vector; MB"
    )
    for case in cases(arguments.rows):
        taken = measure(case)
        holds = all(abs(share - 1) <= BAR for share in (taken.account, taken.growth))
        print(
            f"{case!s:<46}{taken.forecast / case.rows:10.1f}{taken.account:9.3f}{taken.growth:8.3f}"
            f"{taken.kept / 1e6:7.1f}{taken.passing / 1e6:9.1f}{taken.given / 1e6:8.1f}"
            f"   {'holds' if holds else 'MISSES'}",
            flush=True,
        )
        kept.append({"case": asdict(case), "bytes": asdict(taken)})
        found = {"environment": asdict(describe_environment()), "cases": kept}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

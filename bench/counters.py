"""Work of searches of fixed indexes of real data by the built-in counters, beside that of the baseline.

    python bench/counters.py             # prints it beside the baseline's
    python bench/counters.py --renew     # writes it into the baseline

Distances, estimates, hops, bytes and re-ranked vectors, summed over the queries, are the same in every run on one set
of kernels (avx2 here, whatever the processor has). tests/quality/test_counters.py fails when one of them differs from
tests/quality/baselines/counters.json: renew it with a change that is meant to change the graph or the walk, and say in
the commit by how much and why.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import vicinal
from vicinal.measure import load_dataset
from vicinal.settings import TRAVERSALS

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "tests" / "quality" / "baselines" / "counters.json"
KERNELS = "avx2"
ROWS = {"sift-20k": 8000, "minilm-5k": 3000}  # the first so many, to build each in about a second
QUERIES, K = 200, 10
EFFORTS = (10, 64, 200)
COUNTERS = ("distances", "estimates", "hops", "bytes", "reranked")

Counters = dict[str, dict[str, int]]


class CannotCountError(RuntimeError):
    """The kernels of the baseline do not run on this processor."""


def count() -> Counters:
    """Build and search in this process: totals of each set, traversal and effort."""
    counted: Counters = {}
    for name, rows in ROWS.items():
        dataset = load_dataset(ROOT / "bench" / "data" / f"{name}.npz")
        for traversal in TRAVERSALS:
            if traversal == "u8" and name != "sift-20k":
                continue  # takes whole numbers from 0 to 255
            index = vicinal.Index(dataset.dim, dataset.metric, traversal=traversal, ef_construction=100)
            index.add(dataset.base[:rows])
            for effort in EFFORTS:
                stats = index.search(dataset.query[:QUERIES], K, ef=effort, stats=True).stats
                assert stats is not None
                totals = {counter: int(stats[counter].sum()) for counter in COUNTERS if counter in stats}
                counted[f"{name} {traversal} ef {effort}"] = totals
    return counted


def count_on_fixed_kernels() -> Counters:
    """Count in a process of its own, which chooses its kernels anew.

    Raises
    ------
    CannotCountError
        The processor cannot run them, or the build lacks them.
    """
    command = [sys.executable, str(Path(__file__).resolve()), "--print"]
    done = subprocess.run(command, env={**os.environ, "VICINAL_KERNELS": KERNELS}, capture_output=True, text=True)
    if "VICINAL_KERNELS is" in done.stderr:
        raise CannotCountError(done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr}")
    counted: Counters = json.loads(done.stdout)
    return counted


def baseline() -> Counters:
    """Read the stored counters."""
    stored: Counters = json.loads(BASELINE.read_text(encoding="utf-8"))
    return stored


def differences(counted: Counters, stored: Counters) -> list[str]:
    """Tell each counter that is not as it was, and each case that only one side has."""
    told = []
    for case in sorted(counted.keys() | stored.keys()):
        if case not in counted or case not in stored:
            told.append(f"{case}: {'not counted any more' if case in stored else 'not in the baseline'}")
            continue
        now, before = counted[case], stored[case]
        told += [
            f"{case}: {counter} {before.get(counter)} -> {now.get(counter)}{_change(before, now, counter)}"
            for counter in sorted(now.keys() | before.keys())
            if now.get(counter) != before.get(counter)
        ]
    return told


def _change(before: dict[str, int], now: dict[str, int], counter: str) -> str:
    old, new = before.get(counter), now.get(counter)
    return f" ({new / old - 1:+.2%})" if old and new is not None else ""


def main() -> None:
    """Count and print; write the baseline when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", action="store_true", help="write the counters into the baseline")
    parser.add_argument("--print", action="store_true", help="count in this process, and print JSON")
    arguments = parser.parse_args()
    if arguments.print:
        print(json.dumps(count()))
        return
    counted = count_on_fixed_kernels()
    for case, totals in counted.items():
        print(f"{case:<28}" + "  ".join(f"{counter} {total:,}" for counter, total in totals.items()))
    changed = differences(counted, baseline() if BASELINE.is_file() else {})
    print("", *changed or ["all as in the baseline"], sep="\n")
    if arguments.renew:
        lines = ",\n".join(f" {json.dumps(case)}: {json.dumps(totals)}" for case, totals in counted.items())
        BASELINE.parent.mkdir(exist_ok=True)
        BASELINE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        print(f"written: {BASELINE.relative_to(ROOT)}")


if __name__ == "__main__":
    try:
        main()
    except CannotCountError as error:
        sys.exit(f"cannot count: {error}")

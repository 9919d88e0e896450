"""The long tests: what takes seconds on every change goes on here for as long as it is given.

    python tests/soak.py MINUTES            # `make soak MINUTES=80` builds what it needs and calls this
    python tests/soak.py MINUTES --seed 7   # the seeds of its rounds count up from here; by default they are drawn

The columns take turns, each round with a seed of its own, so that a run of any length has something of each; counts
add up over the runs. At the end stand the totals. It fails at the first failure of a round, whose command it prints,
and when a column has counted nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "allocator_may_return_null=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclass(frozen=True)
class Column:
    """Something to be done over and over with other seeds, and how its output says how often it was done."""

    name: str
    command: list[str]
    environment: dict[str, str]
    counted: str  # what all its groups match is added up

    def run(self, seed: int) -> tuple[int, str]:
        """Return how much was done, and what was said when it failed."""
        environment = {**os.environ, **SANITIZER_OPTIONS, **self.environment, "VICINAL_SEED": str(seed)}
        done = subprocess.run(
            self.command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            settings = " ".join(f"{name}={value}" for name, value in {**self.environment, "VICINAL_SEED": seed}.items())
            return 0, f"{done.stdout}\nFAILED: {settings} {' '.join(self.command)}"
        found = re.findall(self.counted, done.stdout)
        return sum(int(number) for match in found for number in (match if isinstance(match, tuple) else (match,))), ""


def core(build: str, file: str) -> list[str]:
    """Return the command that runs one file of the core's tests."""
    tests = ROOT / "build" / f"cpp-{build}" / "vicinal_tests"
    launcher = ["setarch", "-R"] if build == "tsan" else []
    return [*launcher, str(tests), f"--source-file=*/{file}.cpp"]


PYTEST = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
COLUMNS = [
    Column(
        "mutations of a file with repaired checksums, under ASan and UBSan",
        core("asan", "persist_mutation"),
        {"VICINAL_MUTATIONS": "40000"},
        r"(\d+) refused, (\d+) loaded and used",
    ),
    Column(
        "mutations of files of hnswlib, faiss and USearch",
        [*PYTEST, "tests/reliability/test_foreign_fuzz.py"],
        {"VICINAL_MUTATIONS": "2500"},
        r"(\d+) refused, (\d+) taken over and used",
    ),
    Column(
        "states after a loss of power",
        core("release", "store_power"),
        {"VICINAL_POWER_ROUNDS": "12"},
        r"(\d+) states after a loss of power",
    ),
    Column(
        "writers killed",
        [*PYTEST, "tests/reliability/test_kill.py", "-k", "after_a_kill"],
        {"VICINAL_KILLS": "40"},
        r"(\d+) kills landed",
    ),
    Column(
        "examples of the model",
        [*PYTEST, "tests/laws/test_model.py", "--hypothesis-show-statistics"],
        {"VICINAL_HYPOTHESIS": "soak", "VICINAL_EXAMPLES": "150", "VICINAL_MODEL_STEPS": "100"},
        r"(\d+) passing(?: examples|,)",
    ),
    Column("rounds of threads under TSan", core("tsan", "stress_threads"), {}, r"test cases: +(\d+) "),
]


def main() -> int:
    """Run the columns in turns until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    first = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    end = time.monotonic() + 60 * asked.minutes
    totals = dict.fromkeys((column.name for column in COLUMNS), 0)
    rounds = 0
    while rounds == 0 or time.monotonic() < end:
        for column in COLUMNS:
            if rounds > 0 and time.monotonic() >= end:
                break
            start = time.monotonic()
            count, complaint = column.run(first + rounds)
            if complaint:
                print(complaint, flush=True)
                return 1
            totals[column.name] += count
            print(f"seed {first + rounds}: {count} {column.name} ({time.monotonic() - start:.0f} s)", flush=True)
        rounds += 1
    print("in all:")
    for name, count in totals.items():
        print(f"{count:10} {name}")
    return 0 if all(totals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

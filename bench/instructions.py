"""Instructions of searches of a fixed index under callgrind, beside those of the baseline.

    python bench/instructions.py             # prints them beside the baseline's
    python bench/instructions.py --renew     # writes them into the baseline, for this compiler

The count does not depend on the load of the machine, as a time does; it does depend on the compiler, so there is a
baseline for each version, in tests/quality/baselines/instructions.json. tests/quality/test_instructions.py fails when
a count leaves it by more than 2 % in either direction: renew it with a change that is meant to change it, and say in
the commit by how much and why. Needs valgrind, which knows AVX2 but not AVX-512: the kernels are those of avx2.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "tests" / "quality" / "baselines" / "instructions.json"
FOLDER = ROOT / "build" / "bench"
TOLERANCE = 0.02
KERNELS = "avx2"

_COLLECTED = re.compile(r"Collected : (\d+)")
_WORK = re.compile(r"kernels (\w+), \d+ queries, distances (\d+), hops (\d+)")


class CannotCountError(RuntimeError):
    """Something that counting needs is not on this machine."""


@dataclass(frozen=True)
class Count:
    """Of all queries of a case; distances and hops tell a walk that changed from code that changed."""

    instructions: int
    distances: int
    hops: int


def program() -> Path:
    """Build bench_instructions, and see that it can be run and watched.

    Raises
    ------
    CannotCountError
        Without valgrind or CMake, or on a processor that cannot run the kernels.
    """
    # The tools that pip installed lie beside the interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for tool in ("valgrind", "cmake"):
        if shutil.which(tool, path=path) is None:
            raise CannotCountError(f"{tool} is not installed (Debian: apt-get install {tool})")
    environment = {**os.environ, "PATH": path}
    configure = ["cmake", "-S", str(ROOT), "-B", str(FOLDER), "-DVICINAL_BENCH=ON", "--log-level=WARNING"]
    if not (FOLDER / "CMakeCache.txt").is_file() and shutil.which("ninja", path=path):
        configure += ["-G", "Ninja"]
    for command in (configure, ["cmake", "--build", str(FOLDER), "--target", "bench_instructions"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return FOLDER / "bench_instructions"


def compiler(built: Path) -> str:
    """Name the compiler and its version, the key of the baseline."""
    return _run([str(built), "compiler"])


def cases(built: Path) -> list[str]:
    """List the cases that the program knows."""
    return _run([str(built), "cases"]).split()


def count(built: Path, case: str) -> Count:
    """Build a case's index as it is, and count its searches under callgrind."""
    with tempfile.TemporaryDirectory(prefix="vicinal-instructions-") as folder:
        file = str(Path(folder) / "index")
        _run([str(built), "build", case, file])
        watch = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=counted_searches"]
        said = _run([*watch, str(built), "search", case, file])
    collected, work = _COLLECTED.search(said), _WORK.search(said)
    if collected is None or work is None or work[1] != KERNELS:
        raise RuntimeError(f"expected a count with {KERNELS} kernels, found:\n{said}")
    return Count(int(collected[1]), int(work[2]), int(work[3]))


def _run(command: list[str]) -> str:
    environment = {**os.environ, "VICINAL_KERNELS": KERNELS}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if "VICINAL_KERNELS is" in said:
        raise CannotCountError(said.strip())
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{said}")
    return said.strip()


def baselines() -> dict[str, dict[str, Count]]:
    """Read the counts of every compiler."""
    stored = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.is_file() else {}
    return {
        compiled_by: {case: Count(**count) for case, count in counts.items()} for compiled_by, counts in stored.items()
    }


def main() -> None:
    """Count and print; write the baseline when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", action="store_true", help="write the counts into the baseline")
    arguments = parser.parse_args()
    built = program()
    compiled_by = compiler(built)
    known = baselines()
    counted = {case: count(built, case) for case in cases(built)}
    print(f"{compiled_by:<16}{'instructions':>14}{'baseline':>14}{'ratio':>8}{'distances':>11}{'hops':>8}")
    for case, found in counted.items():
        before = known.get(compiled_by, {}).get(case)
        beside = f"{before.instructions:>14,}{found.instructions / before.instructions:>8.3f}" if before else " " * 22
        print(f"{case:<16}{found.instructions:>14,}{beside}{found.distances:>11,}{found.hops:>8,}")
    if arguments.renew:
        known[compiled_by] = counted
        plain = {name: {case: asdict(c) for case, c in counts.items()} for name, counts in sorted(known.items())}
        BASELINE.parent.mkdir(exist_ok=True)
        BASELINE.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        print(f"written: {BASELINE.relative_to(ROOT)}")


if __name__ == "__main__":
    try:
        main()
    except CannotCountError as error:
        sys.exit(f"cannot count: {error}")

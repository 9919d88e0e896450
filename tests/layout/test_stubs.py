"""What _core.pyi promises is what the compiled module has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_stub_of_the_core_matches_the_compiled_module(repository: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is missing: pip install 'vicinal[lint]'")

    stubtest = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "vicinal._core"],
        cwd=repository,
        env={**os.environ, "MYPYPATH": str(repository / "python")},
        capture_output=True,
        text=True,
    )

    assert stubtest.returncode == 0, stubtest.stdout + stubtest.stderr

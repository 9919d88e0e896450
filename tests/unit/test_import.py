"""Importing the package: what it needs, and beside whom it works."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import vicinal


def run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout


def test_the_version_is_that_of_the_package(repository: Path) -> None:
    assert f'version = "{vicinal.__version__}"' in (repository / "pyproject.toml").read_text()
    assert re.fullmatch(r"\d+\.\d+\.\d+", vicinal.__version__)
    try:
        assert version("vicinal") == vicinal.__version__
    except PackageNotFoundError:
        pytest.skip("vicinal is on the path but not installed: there is no other version to compare with")


def test_the_package_says_it_is_typed() -> None:
    assert Path(vicinal.__file__).with_name("py.typed").is_file()


def test_an_import_loads_little_beside_numpy() -> None:
    script = "import sys, numpy; before = set(sys.modules); import vicinal; print(*(set(sys.modules) - before))"

    loaded = run(script).split()

    assert 0 < len(loaded) <= 70
    assert {"argparse", "hashlib", "json", "multiprocessing", "subprocess", "vicinal.measure"}.isdisjoint(loaded)


def test_no_thread_outlives_a_call() -> None:
    script = """
import os, numpy as np, vicinal
before = len(os.listdir("/proc/self/task"))
index = vicinal.Index(8)
index.add(np.random.default_rng(0).random((3000, 8)), threads=4)
index.search(np.zeros((50, 8)), threads=4)
print(len(os.listdir("/proc/self/task")) - before)
"""
    if not Path("/proc/self/task").is_dir():
        pytest.skip("this system does not list a process's threads")
    assert run(script).strip() == "0"


def test_signal_handlers_and_output_are_left_alone() -> None:
    script = """
import signal, numpy as np
before = [signal.getsignal(number) for number in range(1, 32)]
import vicinal
index = vicinal.Index(8)
index.add(np.eye(8))
index.search(np.eye(8))
assert before == [signal.getsignal(number) for number in range(1, 32)]
"""
    assert run(script) == ""


@pytest.mark.parametrize("other", ["faiss", "hnswlib", "sklearn", "torch", "pyarrow"])
@pytest.mark.parametrize("vicinal_first", [True, False])
def test_it_works_beside_other_libraries(other: str, vicinal_first: bool) -> None:
    pytest.importorskip(other, exc_type=ImportError)
    imports = ["import vicinal", f"import {other}"]
    script = "\n".join(
        [
            *(imports if vicinal_first else reversed(imports)),
            "import numpy as np",
            "index = vicinal.Index(4)",
            "index.add(np.random.default_rng(0).random((2000, 4)), threads=2)",
            "print(index.search(np.zeros((3, 4)), 2).ids.shape)",
        ]
    )

    assert run(script).strip() == "(3, 2)"


def test_what_stands_beside_the_index_needs_no_import_of_its_own() -> None:
    names = ("blocking", "lsh", "measure", "order", "shards")
    script = f"import vicinal; print([getattr(vicinal, name).__name__ for name in {names}])"

    assert run(script).strip() == str([f"vicinal.{name}" for name in names])
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        vicinal.nothing  # noqa: B018

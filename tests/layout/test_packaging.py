"""What is handed out: for which Pythons, and what a wheel must and must not hold."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

WHOLE = (
    "vicinal/__init__.py",
    "vicinal/py.typed",
    "vicinal/_core.pyi",
    "vicinal/_core.cpython-311-x86_64-linux-gnu.so",
)


def test_every_python_that_is_named_gets_a_wheel_and_every_wheel_is_named(repository: Path) -> None:
    settings = (repository / "pyproject.toml").read_text()

    named = set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', settings))
    built = {f"3.{minor}" for minor in re.findall(r'"cp3(\d+)-\*"', settings)}

    assert named == built
    assert f'requires-python = ">={min(named, key=lambda version: int(version[2:]))}"' in settings


def contents(repository: Path, wheel: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / ".ci" / "wheel_contents.py"), str(wheel)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def wheel_of(folder: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(folder / "some.whl", "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return folder / "some.whl"


def test_a_wheel_with_all_its_parts_is_accepted(repository: Path, tmp_path: Path) -> None:
    done = contents(repository, wheel_of(tmp_path, **dict.fromkeys(WHOLE, b"")))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"vicinal/py.typed": None}, "lacks vicinal/py.typed"),
        ({WHOLE[-1]: None}, "0 modules _core"),
        ({"include/vicinal/index/index.hpp": b""}, "holds include/vicinal/index/index.hpp"),
        ({"lib/libvicinal.a": b""}, "holds lib/libvicinal.a"),
        ({"vicinal.libs/libgomp-1.so": b""}, "holds vicinal.libs/libgomp-1.so"),
        ({WHOLE[-1]: b"\0libg" + b"omp.so.1\0"}, "wants OpenMP"),
        ({"vicinal/large.npy": bytes(3_000_001)}, "expected at most 3000000"),
    ],
)
def test_a_planted_fault_of_a_wheel_is_caught(
    change: dict[str, bytes | None], complaint: str, repository: Path, tmp_path: Path
) -> None:
    files = {**dict.fromkeys(WHOLE, b""), **change}
    wheel = wheel_of(tmp_path, **{name: content for name, content in files.items() if content is not None})

    done = contents(repository, wheel)

    assert done.returncode == 1
    assert complaint in done.stderr

"""Other people's C++ programs: what is installed for them, and that a program embeds an index by it, without Python."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def command(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built() -> Path | None:
    """Find the build folder of the module that is in use: the core in it need not be compiled again."""
    name = f"cp{sys.version_info.major}{sys.version_info.minor}"
    folders = (ROOT / "build").glob(f"{name}-{name}-*/cmake_install.cmake")
    return next((path.parent for path in folders if (path.parent / "libvicinal.a").is_file()), None)


def public_headers() -> list[str]:
    stated = re.search(r"set\(public_headers([^)]*)\)", (ROOT / "cpp" / "install.cmake").read_text())
    assert stated is not None
    return stated[1].split()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = built()
    if folder is None:
        pytest.skip("there is no build of the core to install: make .venv/stamps/package")
    if shutil.which("cmake") is None or compiler() is None:
        pytest.skip("cmake or a C++ compiler is missing")
    prefix = tmp_path_factory.mktemp("installed")
    command("cmake", "--install", folder, "--component", "cpp", "--prefix", prefix)
    return prefix


def compiler() -> str | None:
    return shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")


def test_the_example_builds_an_index_saves_it_loads_it_and_searches(installed: Path, tmp_path: Path) -> None:
    command("cmake", "-S", ROOT / "examples" / "embed", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={installed}")
    command("cmake", "--build", tmp_path)

    printed = command(tmp_path / "embed", tmp_path / "vectors.vic")

    assert re.fullmatch(r"2000 vectors; the nearest to the first: 0 \(0\)( \d+ \([\d.]+\)){4}\n", printed)


@pytest.mark.parametrize("header", public_headers())
def test_a_public_header_stands_alone(header: str, installed: Path, tmp_path: Path) -> None:
    (tmp_path / "alone.cpp").write_text(f"#include <vicinal/{header}>\n")
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]

    command(compiler(), "-std=c++20", *warnings, "-fsyntax-only", "-I", installed / "include", tmp_path / "alone.cpp")


def test_installed_headers_name_each_other_by_their_library(installed: Path) -> None:
    include = installed / "include"
    headers = sorted(include.rglob("*.hpp"))

    named = {name for header in headers for name in re.findall(r'#include "([^"]+)"', header.read_text())}

    assert {f"vicinal/{header}" for header in public_headers()} <= {str(path.relative_to(include)) for path in headers}
    assert {path.parent.parent.name for path in headers} == {"vicinal"}
    assert [name for name in sorted(named) if not (include / name).is_file()] == []


def test_a_wheel_takes_the_module_alone(installed: Path, tmp_path: Path) -> None:
    folder = built()
    assert folder is not None

    command("cmake", "--install", folder, "--component", "python", "--prefix", tmp_path)

    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert [(path.parent.name, path.name.split(".")[0]) for path in files] == [("vicinal", "_core")]
    assert any(installed.rglob("*.a"))

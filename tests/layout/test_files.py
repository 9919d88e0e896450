"""What a file may be called, how long it may be, and what no file may hold."""

import re
import subprocess
from pathlib import Path

import pytest

CODE = {".py", ".cpp", ".hpp"}
LIMIT = 500
SPOKEN_FOR = {
    *("pyproject.toml", "CMakeLists.txt", "Makefile", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"),
    *("cpp", "python", "tests", "bench", "examples", "docs"),
}
VAGUE = re.compile(r"(^|_)(utils?|commons?|helpers?|misc)(_|$)")
FORBIDDEN_FLAGS = re.compile("|".join(["-march=" + "native", "-f" + "fast-math", "-Of" + "ast", "(?i:-f?open" + "mp)"]))
OPENMP = re.compile(r"#\s*pragma\s+o" + r"mp\b|<o" + r"mp\.h>|find_package\(Open" + "MP")
MACHINE = re.compile(r"(?<![\w.}])/(?:wo" + "rk|ro" + "ot|ho" + "me|t" + r"mp)/[\w.]")
BRITISH = re.compile(
    r"(?i)\b\w*(?:neighb"
    + r"our|behavi"
    + r"our|col"
    + r"our|normal"
    + r"is(?:e|ing|ation)|optim"
    + r"is(?:e|ing|ation)"
    r"|initial" + r"is(?:e|ing|ation)|serial" + r"is(?:e|ing|ation)|quant" + r"is(?:e|ing|ation)|vectori" + r"se)\w*"
)


def tracked(root: Path) -> list[Path]:
    """Files of the checkout that git knows or would take."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout: nothing says which files are ours")
    return [root / name for name in listed if (root / name).is_file()]


@pytest.fixture(scope="module")
def files(repository: Path) -> list[Path]:
    return tracked(repository)


@pytest.fixture(scope="module")
def texts(files: list[Path]) -> dict[Path, str]:
    """Everything a person wrote: not the license, not the data."""
    return {
        path: path.read_text() for path in files if path.name != "LICENSE" and b"\0" not in path.read_bytes()[:4096]
    }


def lines_with(texts: dict[Path, str], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.name}:{number}: {line.strip()}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def is_vague(path: Path, root: Path) -> bool:
    return any(VAGUE.search(part.split(".")[0]) for part in path.relative_to(root).parts)


def test_no_file_is_longer_than_five_hundred_lines(files: list[Path], repository: Path) -> None:
    code = [path for path in files if path.suffix in CODE and repository / "tests" not in path.parents]

    too_long = {path.name: length for path in code if (length := len(path.read_text().splitlines())) > LIMIT}

    assert code
    assert too_long == {}


def test_every_file_name_says_which_idea_it_holds(files: list[Path], repository: Path) -> None:
    assert [str(path) for path in files if is_vague(path, repository)] == []


def test_the_top_level_holds_what_the_architecture_names(files: list[Path], repository: Path) -> None:
    top = {path.relative_to(repository).parts[0] for path in files}

    assert {name for name in top - SPOKEN_FOR if not name.startswith(".")} == set()


def test_nothing_is_built_for_this_machine_only_or_with_loose_arithmetic(texts: dict[Path, str]) -> None:
    recipes = {
        path: text
        for path, text in texts.items()
        if path.name in {"CMakeLists.txt", "Makefile", "pyproject.toml"} or path.parent.name == ".ci"
    }

    assert recipes
    assert lines_with(recipes, FORBIDDEN_FLAGS) == []


def test_no_source_uses_openmp(texts: dict[Path, str]) -> None:
    assert lines_with(texts, OPENMP) == []


def test_no_file_names_a_path_of_somebodys_machine(texts: dict[Path, str]) -> None:
    assert lines_with(texts, MACHINE) == []


def test_the_spelling_is_american(texts: dict[Path, str]) -> None:
    assert lines_with(texts, BRITISH) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (FORBIDDEN_FLAGS, "add_compile_options(-O3 -march=" + "native)"),
        (FORBIDDEN_FLAGS, 'args = ["-ff' + 'ast-math"]'),
        (OPENMP, "#pragma o" + "mp parallel for"),
        (OPENMP, "find_package(Open" + "MP REQUIRED)"),
        (MACHINE, 'np.load("/ho' + 'me/somebody/sift.npz")'),
        (BRITISH, "int neighb" + "ours_of(node);"),
    ],
)
def test_a_planted_line_is_caught(pattern: re.Pattern[str], line: str) -> None:
    assert len(lines_with({Path("planted"): line}, pattern)) == 1


@pytest.mark.parametrize("name", ["utils.py", "graph/link_helpers.hpp", "common/random.hpp", "misc.cpp"])
def test_a_planted_vague_name_is_caught(name: str, tmp_path: Path) -> None:
    assert is_vague(tmp_path / name, tmp_path)

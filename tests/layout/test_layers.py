"""The direction of the layers: who may include and import whom (cpp/README.md draws the picture)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# What a C++ layer sees directly; through these it sees everything below them.
CPP_BELOW = {
    "base": [],
    "kernels": ["base"],
    "codecs": ["kernels"],
    "vectors": ["codecs"],
    "graph": ["vectors"],
    "hash": ["vectors"],
    "sparse": ["vectors"],
    "sets": ["vectors"],
    "file": ["base"],
    "persist": ["graph", "hash", "sparse", "sets", "file"],
    "index": ["persist"],
    "binding": ["index"],
}

# Python modules from the bottom to the top. A module sees the rows above it in this list, not its own row.
PYTHON_LAYERS = [
    {"errors", "_core"},
    {"arrays", "estimate", "files", "forecast", "settings", "progress", "result", "writer"},
    {"parts"},
    {"order", "codecs"},
    {"index", "plan"},
    {"lsh"},  # its joins through an index stand on index
    {"vicinal"},  # the package itself: it gathers what lies below, and what lies above uses it as anyone does
    {"blocking", "measure", "compat", "multivector", "shards", "sklearn", "langchain"},
    {"ray"},  # carries the calls of shards
    {"cli_vectors", "cli_warnings"},  # what commands share
    {"cli_block", "cli_check", "cli_doctor", "cli_report", "cli_shard", "cli_study"},
    {"cli"},
    {"__main__"},
]

# A module whose class is one of another library's is imported by those who have that library.
OF_ANOTHER_LIBRARY = {
    "vicinal.sklearn": {"joblib", "scipy", "sklearn"},
    "vicinal.langchain": {"langchain_core"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
INSTRUCTION_SET = re.compile(r"(avx2|avx512|neon)")
KERNEL_HEADERS = {"immintrin.h", "arm_neon.h", "cstddef", "cstdint"}
ILL_MANNERED = re.compile(
    r"std::(?:cout|cerr|clog|exit|abort|terminate|quick_exit|signal|atexit)\b"
    r"|(?<![\w.:>])(?:printf|fprintf|puts|putchar|exit|_exit|abort|signal|sigaction|atexit)\s*\("
)


def visible(layer: str) -> set[str]:
    seen = {layer}
    for below in CPP_BELOW[layer]:
        seen |= visible(below)
    return seen


def sources(cpp: Path) -> Iterator[tuple[Path, str, str]]:
    """Every C++ file under `cpp` with its layer and its text without comments."""
    for path in sorted(cpp.rglob("*.[ch]pp")):
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        yield path, path.relative_to(cpp).parts[0], text


def wrong_includes(cpp: Path) -> list[str]:
    wrong = []
    for path, layer, text in sources(cpp):
        name = path.relative_to(cpp)
        if layer not in CPP_BELOW:
            wrong.append(f"{name}: {layer}/ has no place among the layers")
            continue
        for bracket, target in INCLUDE.findall(text):
            ours = bracket == '"'
            if ours and not (cpp / target).is_file():
                wrong.append(f"{name} includes {target}, which is not under cpp/")
            elif ours and target.split("/")[0] not in visible(layer):
                wrong.append(f"{name} includes {target}, but {layer} does not see {target.split('/')[0]}")
            elif layer != "binding" and re.match(r"Python\.h|pybind11/|numpy/", target):
                wrong.append(f"{name} includes {target}: the core knows no Python")
            elif layer == "kernels" and not kernel_may_include(path, ours, target):
                wrong.append(f"{name} includes {target}: an instruction set's file sees intrinsics and kernels/ only")
    return wrong


def kernel_may_include(path: Path, ours: bool, target: str) -> bool:
    """An inline function compiled for an instruction set may be the copy the linker keeps for the whole program."""
    shared_with_sets = path.suffix == ".hpp" or INSTRUCTION_SET.search(path.stem)
    if not shared_with_sets:
        return True
    return target.startswith("kernels/") if ours else target in KERNEL_HEADERS


def wrong_manners(cpp: Path) -> list[str]:
    return [
        f"{path.relative_to(cpp)} has {found.group().strip()}"
        for path, layer, text in sources(cpp)
        if layer != "binding"
        for found in ILL_MANNERED.finditer(text)
    ]


def python_layer(module: str) -> int | None:
    """The row of vicinal.measure.recall is the row of measure."""
    part = module.split(".")[1] if "." in module else module
    return next((row for row, names in enumerate(PYTHON_LAYERS) if part in names), None)


def imports(path: Path, module: str, package: Path) -> Iterator[tuple[str, bool]]:
    """What a file imports, as (absolute module name, whether at module level)."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    parents = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            start = parents[: len(parents) - node.level + 1] if node.level else []
            source = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = package.parent / source.replace(".", "/") / alias.name
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file() or inner.with_suffix(".pyi").is_file()
                yield (f"{source}.{alias.name}" if is_module else source), id(node) in top


def code_of(path: Path) -> str:
    """A file without its comments and docstrings, which may speak of anything."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0] = ast.Pass()
    return ast.unparse(tree)


def wrong_imports(package: Path) -> list[str]:
    wrong = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        row = python_layer(module)
        if row is None:
            wrong.append(f"{module} has no place among the layers")
            continue
        for target, at_top in imports(path, module, package):
            root = target.split(".")[0]
            if root != "vicinal":
                if root in OF_ANOTHER_LIBRARY.get(module, set()):
                    continue
                if at_top and root != "numpy" and root not in sys.stdlib_module_names:
                    wrong.append(f"{module} imports {root} at module level; the package needs numpy only")
                continue
            below = python_layer(target)
            within = target.split(".")[1:2] == module.split(".")[1:2]
            if below is None:
                wrong.append(f"{module} imports {target}, which has no place among the layers")
            elif not within and below >= row and module != "vicinal":
                wrong.append(f"{module} imports {target}, which is not below it")
            elif module == "vicinal" and python_layer(target) == len(PYTHON_LAYERS) - 1:
                wrong.append(f"{module} imports {target}, which runs the command line")
    return wrong


def test_every_include_points_down_the_layers(repository: Path) -> None:
    assert wrong_includes(repository / "cpp") == []


def test_the_core_never_prints_exits_or_installs_handlers(repository: Path) -> None:
    assert wrong_manners(repository / "cpp") == []


def test_every_import_points_down_the_layers(repository: Path) -> None:
    assert wrong_imports(repository / "python" / "vicinal") == []


def test_nothing_but_one_file_knows_ray(repository: Path) -> None:
    package = repository / "python" / "vicinal"

    knowing = {path.name for path in package.rglob("*.py") if re.search(r"\bray\b", code_of(path))}

    assert knowing <= {"ray.py", "cli_shard.py"}  # the command that serves asks vicinal.ray
    assert "import ray" not in code_of(package / "cli_shard.py")


def test_importing_vicinal_loads_numpy_and_nothing_else() -> None:
    command = (
        "import sys; import numpy; before = set(sys.modules); import vicinal;"
        "added = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(*sorted(added - sys.stdlib_module_names - {'vicinal', 'numpy'}))"
    )

    printed = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True).stdout

    assert printed.strip() == ""


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("base/random.hpp", '#include "graph/insert.hpp"', "base does not see graph"),
        ("graph/insert.cpp", '#include "file/disk.hpp"', "graph does not see file"),
        ("hash/buckets.cpp", '#include "graph/insert.hpp"', "hash does not see graph"),
        ("graph/insert.cpp", '#include "insert.hpp"', "not under cpp/"),
        ("index/index.cpp", "#include <pybind11/numpy.h>", "the core knows no Python"),
        ("kernels/avx2.cpp", "#include <algorithm>", "intrinsics and kernels/ only"),
        ("kernels/kernels.hpp", '#include "base/random.hpp"', "intrinsics and kernels/ only"),
        ("tools/clock.hpp", "#include <chrono>", "no place among the layers"),
    ],
)
def test_a_planted_include_is_caught(tmp_path: Path, file: str, line: str, complaint: str) -> None:
    for name in ("base/random.hpp", "graph/insert.hpp", "file/disk.hpp", "kernels/kernels.hpp", file):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("#include <cstddef>\n")
    (tmp_path / file).write_text(f"// innocent\n{line}\n")

    found = wrong_includes(tmp_path)

    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize("line", ['std::cerr << "lost";', 'printf("%d", n);', "std::abort();", "signal(SIGINT, stop);"])
def test_a_planted_lapse_of_manners_is_caught(tmp_path: Path, line: str) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "team.cpp").write_text(f"// printf( in a comment is fine\nvoid f() {{ {line} }}\n")

    assert len(wrong_manners(tmp_path)) == 1


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("arrays.py", "from .index import Index", "not below it"),
        ("arrays.py", "from . import index", "not below it"),
        ("index.py", "import vicinal.measure", "not below it"),
        ("index.py", "def f():\n    from vicinal import cli", "not below it"),
        ("order/category.py", "from vicinal.index import Index", "not below it"),
        ("measure/sweep.py", "import tqdm", "needs numpy only"),
        ("clock.py", "import time", "no place among the layers"),
    ],
)
def test_a_planted_import_is_caught(tmp_path: Path, file: str, line: str, complaint: str) -> None:
    package = tmp_path / "vicinal"
    for name in ("__init__.py", "errors.py", "index.py", "cli.py", "measure/__init__.py", "order/__init__.py", file):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("import numpy as np\n")
    (package / file).write_text(f"{line}\n")

    found = wrong_imports(package)

    assert len(found) == 1
    assert complaint in found[0]

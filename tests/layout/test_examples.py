"""Every example a reader meets runs, and says what really comes out."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))) if path.is_file()]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOCUMENTED = ["vicinal", "vicinal.measure", "vicinal.shards"]


def module_names() -> list[str]:
    package = ROOT / "python"
    paths = [path for path in sorted(package.rglob("*.py")) if path.name != "__main__.py"]
    parts = [path.relative_to(package).with_suffix("").parts for path in paths]
    return [".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts]


def needed_by(page: str) -> list[str]:
    """What a page says in its first line: ``<!-- needs: faiss, hnswlib -->``."""
    said = re.match(r"<!-- needs: (.*) -->\n", page)
    return said[1].split(", ") if said else []


@pytest.mark.parametrize("name", module_names())
def test_the_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "vicinal.langchain":
        pytest.importorskip("langchain_core", reason="langchain-core is missing: pip install 'vicinal[langchain]'")
    if name == "vicinal.ray":
        pytest.skip("its examples start a cluster: make test-ray runs them")
    module = importlib.import_module(name)

    outcome = doctest.testmod(module, optionflags=OPTIONS)

    assert outcome.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_on_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.read_text()
    for package in needed_by(text):
        pytest.importorskip(package, reason=f"{page.name} needs {package}: its examples did not run")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}

    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)

    assert page.name != "README.md" or blocks


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_public_name_has_an_example(name: str) -> None:
    module = importlib.import_module(name)
    public = {key: getattr(module, key) for key in module.__all__}

    without = [
        key
        for key, thing in public.items()
        if (inspect.isclass(thing) and not issubclass(thing, BaseException)) or inspect.isfunction(thing)
        if ">>>" not in (inspect.getdoc(thing) or "")
    ]

    assert public
    assert without == []


def test_an_example_that_lies_is_caught() -> None:
    lie = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "lie", None, None)

    assert doctest.DocTestRunner(verbose=False).run(lie, out=lambda _: None).failed == 1

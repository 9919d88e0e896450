"""How a long call reports: a callable, or a bar."""

import io
import sys
from typing import Any

import numpy as np
import pytest

import vicinal


def test_a_callable_hears_how_many_are_done_up_to_all() -> None:
    heard: list[tuple[int, int]] = []
    index = vicinal.Index(16)

    index.add(np.random.default_rng(0).random((20_000, 16)), progress=lambda done, total: heard.append((done, total)))

    assert heard[-1] == (20_000, 20_000)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert {total for _, total in heard} == {20_000}


def test_what_a_callable_raises_ends_the_call_and_leaves_a_valid_index(rng: np.random.Generator) -> None:
    vectors = rng.random((50_000, 16), dtype=np.float32)
    index = vicinal.Index(16)

    def give_up(done: int, _: int) -> None:
        if done:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        index.add(vectors, progress=give_up)

    assert 0 < len(index) < 50_000
    assert index.search(vectors[0], 1).ids.tolist() == [0]
    assert index.add(vectors[:1]).tolist() == [len(index) - 1]


def test_a_callable_may_search_but_not_change_the_index(rng: np.random.Generator) -> None:
    vectors = rng.random((20_000, 16), dtype=np.float32)
    index = vicinal.Index(16)
    seen: list[int] = []

    def look(*_: int) -> None:
        seen.append(int(index.search(vectors[0], 1).counts[0]))
        with pytest.raises(RuntimeError, match="already changing the index"):
            index.add(vectors[:1])
        with pytest.raises(RuntimeError, match="already changing the index"):
            index.remove([0])

    index.add(vectors, progress=look)

    assert seen
    assert len(index) == 20_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_true_shows_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    vicinal.Index(4).add(np.eye(4), progress=True)

    assert "4.00/4.00" in terminal.getvalue()
    assert "vectors" in terminal.getvalue()


def test_true_shows_nothing_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)

    vicinal.Index(4).add(np.eye(4), progress=True)

    assert log.getvalue() == ""


def test_without_tqdm_the_extra_is_named_and_nothing_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "tqdm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    index = vicinal.Index(4)

    with pytest.raises(ImportError, match=r"vicinal\[progress\]"):
        index.add(np.eye(4), progress=True)
    assert len(index) == 0


@pytest.mark.parametrize("wrong", [1, "yes", object()])
def test_anything_else_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="progress is"):
        vicinal.Index(4).add(np.eye(4), progress=wrong)

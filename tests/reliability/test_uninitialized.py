"""Objects that Python made without calling their __init__: an exception, never a crash."""

import subprocess
import sys
import textwrap

import pytest


def answer_of(call: str) -> str:
    """Run `call` in a process of its own, which it may bring down, and return what it raised."""
    script = f"""
        import copy, pickle
        import numpy as np
        import vicinal
        from vicinal import _core

        class Own(vicinal.Index):
            def __init__(self):
                pass

        class Core(_core.Index):
            def __new__(cls):
                return super().__new__(cls)

        index = vicinal.Index.__new__(vicinal.Index)
        core = _core.Index.__new__(_core.Index)
        loaded = _core.Loaded.__new__(_core.Loaded)
        rows, ids, path = np.ones((2, 4), np.float32), np.arange(2), "nowhere"
        try:
            {call}
        except Exception as error:
            print(type(error).__name__, error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{call} ended the process with {done.returncode}: {done.stderr[-300:]}"
    return done.stdout.strip()


NEVER = "TypeError the index was never initialized: __init__ was not called"


@pytest.mark.parametrize(
    "call",
    [
        "core._add(rows, ids, ids, ids, 1, None)",
        "core._search(rows, 1, 0, False, 1, 0, None, False)",
        "core._range_search(rows, 1.0, False, 1)",
        "core._groups(ids)",
        "core._get(ids)",
        "core._remove(ids, 1)",
        "core._update(rows, ids, ids, ids, 1, None)",
        "core._upsert(rows, ids, ids, ids, 1, None)",
        "core._compact(1)",
        "core._optimize(1)",
        "core._snapshot()",
        "core._contains(1)",
        "len(core)",
        "core._ids()",
        "core._next_id()",
        "core._options()",
        "core._memory()",
        "core._graph_shape()",
        'core._save(b"nowhere")',
        "core._to_bytes()",
        "_core.Index.__init__(core, loaded)",
    ],
)
def test_a_core_object_that_was_never_initialized_raises(call: str) -> None:
    assert answer_of(call) == NEVER


@pytest.mark.parametrize(
    "call",
    [
        "len(index)",
        "1 in index",
        "index.ids",
        "index.dim",
        "index.metric",
        "index.add(rows)",
        "index.search(rows)",
        "index.search(rows[0], 1)",
        "index.get([1])",
        "index.remove([1])",
        "index.stats()",
        "index.save(path)",
        "index.to_bytes()",
        "pickle.dumps(index)",
        "copy.deepcopy(index)",
        "repr(index)",
        "bool(index)",
    ],
)
def test_an_index_that_was_never_initialized_raises(call: str) -> None:
    answer = answer_of(call)

    # What Python keeps beside the core was not set either, and Python says so first.
    assert answer == NEVER or answer.startswith("AttributeError 'Index' object has no attribute '_"), answer


def test_a_subclass_whose_init_forgets_its_parent_is_told_so() -> None:
    assert "__init__" in answer_of("Own()")

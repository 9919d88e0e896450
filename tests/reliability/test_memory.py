"""When memory runs out: MemoryError, and the index is as it was."""

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import resource
import numpy as np
import vicinal

def with_room(megabytes, call):
    "Run call() while this process may take only so much more; say what it raised."
    pages = int(open("/proc/self/statm").read().split()[0])
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + megabytes * 2**20, most))
    try:
        call()
        return "nothing"
    except MemoryError:
        return "MemoryError"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are set as Linux knows them")


def run(script: str) -> list[str]:
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(script)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("megabytes", [1, 8, 40, 120])
@pytest.mark.parametrize("order", ["given", "random"])
def test_an_add_without_room_changes_nothing(megabytes: int, order: str) -> None:
    printed = run(f"""
        vectors = np.zeros((600_000, 128), dtype=np.float32)
        few = np.random.default_rng(0).random((300, 128), dtype=np.float32)
        index = vicinal.Index(128)
        index.add(few)
        before = index.to_bytes()
        print(with_room({megabytes}, lambda: index.add(vectors, order="{order}", threads=1)))
        print(len(index), index.to_bytes() == before)
        print((index.search(few, 1).ids[:, 0] == np.arange(300)).all(), index.add(few[:1])[0])
    """)

    assert printed == ["MemoryError", "300", "True", "True", "300"]


def test_a_search_without_room_for_its_results_changes_nothing() -> None:
    printed = run("""
        few = np.random.default_rng(0).random((300, 8), dtype=np.float32)
        queries = np.zeros((20_000, 8), dtype=np.float32)
        index = vicinal.Index(8)
        index.add(few)
        print(with_room(64, lambda: index.search(queries, 10_000, threads=1)))
        print((index.search(few, 1).ids[:, 0] == np.arange(300)).all())
    """)

    assert printed == ["MemoryError", "True"]


def test_bytes_and_loading_without_room_change_nothing() -> None:
    printed = run("""
        index = vicinal.Index(1024, M=4, ef_construction=8)
        index.add(np.random.default_rng(0).random((10_000, 1024), dtype=np.float32))
        data = index.to_bytes()
        print(with_room(8, index.to_bytes), with_room(8, lambda: vicinal.Index.from_bytes(data)))
        print(index.to_bytes() == data, len(vicinal.Index.from_bytes(data)))
    """)

    assert printed == ["MemoryError", "MemoryError", "True", "10000"]


def test_settings_no_memory_could_hold_are_a_memory_error_or_fine() -> None:
    printed = run("""
        def extreme():
            index = vicinal.Index(65_536, M=4096, ef_construction=1_000_000)
            index.add(np.ones((2, 65_536), dtype=np.float32))
            assert index.search(np.ones(65_536, dtype=np.float32), 2, ef=1_000_000).ids.tolist() == [0, 1]
        print(with_room(2000, extreme))
    """)

    assert printed[0] in {"nothing", "MemoryError"}


def test_a_thousand_indexes_may_be_open_and_leave_nothing_behind() -> None:
    printed = run("""
        import gc
        rows = np.ones((20, 16), dtype=np.float32)
        def fill(n):
            indexes = [vicinal.Index(16) for _ in range(n)]
            for index in indexes:
                index.add(rows, threads=1)
                index.search(rows[0], 3)
            return indexes
        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
        fill(1000)
        before = resident()
        for _ in range(5):
            fill(1000)
        gc.collect()
        print((resident() - before) // 2**20)
    """)

    assert int(printed[0]) < 30

"""Fork at any moment: the child may search, and a call that would wait for ever says so."""

import os
import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import os, sys, threading, time
import numpy as np
import vicinal

vectors = np.random.default_rng(0).random((40_000, 16), dtype=np.float32)
index = vicinal.Index(16, M=8, ef_construction=40)

def in_a_child(call):
    "Run call() in a forked child and return its exit status."
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def run(script: str) -> str:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + textwrap.dedent(script)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout.strip()


def test_the_child_searches_with_any_number_of_threads() -> None:
    printed = run("""
        index.add(vectors[:3000], threads=2)
        index.search(vectors[:100], 5, threads=2)

        def search():
            for threads in (1, 2, 0):
                assert (index.search(vectors[:100], 1, threads=threads).ids[:, 0] == np.arange(100)).all()
            assert index.search(vectors[7], 1).ids.tolist() == [7]
            assert index.search(vectors[7:9], 1, exact=True).ids.tolist() == [[7], [8]]
            index.add(vectors[:10])
            assert len(index) == 3010

        print([in_a_child(search) for _ in range(10)], len(index))
    """)

    assert printed == f"{[0] * 10} 3000"


def test_a_child_born_amid_an_add_searches_what_it_sees() -> None:
    printed = run("""
        index.add(vectors[:2000])
        writer = threading.Thread(target=index.add, args=(vectors[2000:],))
        writer.start()

        def search():
            seen = len(index)
            for row in range(200):
                assert index.search(vectors[row], 1).ids.tolist() == [row]
            assert (index.search(vectors[:50], 1, threads=2).ids[:, 0] == np.arange(50)).all()
            assert len(index) == seen

        statuses, amid = [], 0
        while len(statuses) < 10:
            amid += writer.is_alive()
            statuses.append(in_a_child(search))
        writer.join()
        print(statuses, amid > 0, len(index))
    """)

    assert printed == f"{[0] * 10} True 40000"


def test_a_child_born_amid_an_add_reads_everything_and_is_told_that_it_cannot_write() -> None:
    printed = run("""
        index.add(vectors[:2000])
        writer = threading.Thread(target=index.add, args=(vectors[2000:],))
        writer.start()
        while len(index) == 2000:
            time.sleep(0.001)

        def use():
            assert 1999 in index and 39_999 not in index
            assert (index.get([5, 7]) == vectors[[5, 7]]).all()
            assert len(index.ids) >= len(index) > 2000
            assert index.stats()["graph"]["size"] == len(index)
            calls = [
                lambda: index.add(vectors[:1]),
                lambda: index.add(vectors[:2], order="random"),
                lambda: index.remove(0),
                lambda: index.save("nowhere"),
                index.to_bytes,
                lambda: index._to_bytes(),
                lambda: index._remove(np.zeros(1, np.int64), 1),
                index.compact,
                index.snapshot,
                lambda: index._next_id(),
            ]
            for call in calls:
                try:
                    call()
                    raise AssertionError("a child wrote with a lock that its parent holds")
                except RuntimeError as error:
                    assert "forked while another thread was" in str(error), error

        statuses = [in_a_child(use) for _ in range(5)]
        amid = writer.is_alive()
        writer.join()
        print(statuses, amid, len(index))
    """)

    assert printed == f"{[0] * 5} True 40000"


# The lock of look-ups was held for so short a time that a fork had to be lucky to meet it; many threads help.
def test_a_child_born_amid_additions_and_removals_looks_ids_up() -> None:
    printed = run("""
        import signal
        index.add(vectors[:2000])
        stop = threading.Event()

        def churn(number):
            while not stop.is_set():
                ids = index.add(vectors[number * 20 : number * 20 + 20], threads=1)
                index.get(ids)
                index.remove(ids)

        threads = [threading.Thread(target=churn, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()

        def look_up():
            signal.alarm(20)
            for row in range(2000):
                assert row in index
            assert (index.get(np.arange(2000)) == vectors[:2000]).all()
            assert index.stats()["memory"]["ids"] > 0

        statuses = [in_a_child(look_up) for _ in range(40)]
        stop.set()
        for thread in threads:
            thread.join()
        print(statuses, len(index))
    """)

    assert printed == f"{[0] * 40} 2000"


def test_a_child_born_while_nobody_writes_may_write_and_so_may_its_own_child() -> None:
    printed = run("""
        index.add(vectors[:500])

        def write():
            index.add(vectors[500:600])
            assert in_a_child(lambda: index.add(vectors[600:700])) == 0
            assert len(index) == 600 and len(vicinal.Index.from_bytes(index.to_bytes())) == 600

        print(in_a_child(write), len(index))
    """)

    assert printed == "0 500"

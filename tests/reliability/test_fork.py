"""Fork at any moment: the child may search."""

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

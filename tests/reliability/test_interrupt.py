"""Ctrl-C during long calls: the call ends, the index is valid, and the exception says what is in.

Each test runs in a process of its own, because a signal that comes a moment late would end the test run.
"""

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

PRELUDE = """
import json, os, signal, threading, time
import numpy as np
import vicinal

def press_when(ready):
    "Send this process what Ctrl-C sends, as soon as ready() is true."
    def wait():
        while not ready():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=wait, daemon=True).start()

# Whoever starts the tests in the background lets them inherit that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
rng = np.random.default_rng(0)
vectors = rng.random((150_000, 32), dtype=np.float32)
index = vicinal.Index(32)
"""


def run(script: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(script)], check=True, capture_output=True, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("order", ["given", "random"])
def test_an_add_tells_which_ids_are_in_and_leaves_a_valid_index(threads: int, order: str) -> None:
    answer = run(f"""
        index.add(vectors[:500])
        press_when(lambda: len(index) > 1500)
        try:
            index.add(vectors[500:], threads={threads}, order="{order}")
        except KeyboardInterrupt as error:
            added = error.added
            twin = vicinal.Index.from_bytes(index.to_bytes())
            some = added[:: max(1, len(added) // 200)]
            print(json.dumps(dict(
                kind=type(error).__name__,
                dtype=str(added.dtype),
                added=len(added),
                size=len(index),
                first=added[:3].tolist(),
                same_ids=index.ids.tolist() == sorted([*range(500), *added.tolist()]),
                same_vectors=bool(np.array_equal(index.get(added), vectors[added])),
                found=float((index.search(vectors[some], 1, ef=100).ids[:, 0] == some).mean()),
                loads=len(twin) == len(index),
                next=int(index.add(vectors[:1])[0]),
                cause=type(error.__cause__).__name__,
            )))
    """)

    assert answer["kind"] == "Interrupted"
    assert answer["cause"] == "KeyboardInterrupt"
    assert answer["dtype"] == "int64"
    assert 0 < answer["added"] < 149_500
    assert answer["size"] == 500 + answer["added"]
    assert answer["same_ids"]
    assert answer["same_vectors"]
    assert answer["found"] > 0.95
    assert answer["loads"]
    if order == "given":
        assert answer["first"] == [500, 501, 502]
        assert answer["next"] == answer["size"]


def test_an_add_with_ids_tells_the_given_ids() -> None:
    answer = run("""
        press_when(lambda: len(index) > 500)
        try:
            index.add(vectors, ids=np.arange(150_000) * 3 + 1)
        except vicinal.Interrupted as error:
            print(json.dumps(dict(first=error.added[:3].tolist(), same=index.ids.tolist() == error.added.tolist())))
    """)

    assert answer == {"first": [1, 4, 7], "same": True}


def test_the_rest_may_be_added_afterwards() -> None:
    answer = run("""
        vectors = vectors[:20_000]
        press_when(lambda: len(index) > 500)
        try:
            index.add(vectors)
        except vicinal.Interrupted as error:
            index.add(vectors[len(error.added):])
            whole = vicinal.Index(32)
            whole.add(vectors)
            print(json.dumps(dict(size=len(index), same=index.get(index.ids).tobytes() == vectors.tobytes())))
    """)

    assert answer == {"size": 20_000, "same": True}


@pytest.mark.parametrize(
    "call",
    [
        "index.search(vectors, 10, ef=2000)",
        "index.search(vectors, 10, ef=2000, threads=1)",
        "index.search(vectors, 10, exact=True)",
        "vicinal._core.exact_search(vectors, vectors, 10)",
    ],
)
def test_a_search_ends_with_a_keyboard_interrupt(call: str) -> None:
    answer = run(f"""
        index = vicinal.Index(32, M=8, ef_construction=20)
        index.add(vectors[:60_000])
        started = time.monotonic()
        press_when(lambda: time.monotonic() > started + 0.2)
        try:
            {call}
        except KeyboardInterrupt as error:
            again = index.search(vectors[5], 1, exact=True).ids.tolist()
            print(json.dumps(dict(kind=type(error).__name__, again=again)))
    """)

    assert answer == {"kind": "KeyboardInterrupt", "again": [5]}


def test_waiting_for_another_writer_ends_too() -> None:
    answer = run("""
        writer = threading.Thread(target=lambda: index.add(vectors[:30_000], threads=1))
        writer.start()
        while len(index) == 0:  # until then nobody holds the lock that is to be waited for
            time.sleep(0.001)
        press_when(lambda: len(index) > 500)
        try:
            index.add(vectors[:1])
            kind = "none"
        except KeyboardInterrupt as error:
            kind = type(error).__name__
        waited = writer.is_alive()
        writer.join()
        print(json.dumps(dict(kind=kind, waited=waited, size=len(index))))
    """)

    assert answer == {"kind": "KeyboardInterrupt", "waited": True, "size": 30_000}


def test_a_handler_of_ones_own_is_heard_and_may_let_the_call_go_on() -> None:
    answer = run("""
        heard = []
        signal.signal(signal.SIGINT, lambda number, frame: heard.append(len(index)))
        press_when(lambda: len(index) > 500)
        index.add(vectors[:20_000])
        print(json.dumps(dict(times=len(heard), amid=heard[0] < 20_000, size=len(index))))
    """)

    assert answer == {"times": 1, "amid": True, "size": 20_000}


def test_an_exception_of_progress_says_which_ids_are_in() -> None:
    answer = run("""
        class Enough(Exception):
            pass
        def progress(done, total):
            if done > 700:
                raise Enough("that will do")
        index.add(vectors[:500])
        try:
            index.add(vectors[500:], progress=progress)
        except Enough as error:
            added = error.added
            print(json.dumps(dict(
                words=str(error),
                some=0 < len(added) < 149_500,
                same_ids=index.ids.tolist() == [*range(500), *added.tolist()],
                next=int(index.add(vectors[:1])[0]) == 500 + len(added),
            )))
    """)

    assert answer == {"words": "that will do", "some": True, "same_ids": True, "next": True}

"""A writer is killed at any moment: what it had been told was kept is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import vicinal

KILLS = int(os.environ.get("VICINAL_KILLS", "25"))
SEED = int(os.environ.get("VICINAL_SEED", "17"))

# Adds one vector after the other and removes every third, says after each call what has returned, and now and then
# writes the file anew.
WRITER = """
import sys
import numpy as np
import vicinal
path, durability = sys.argv[1:]
index = vicinal.Index.open(path, 4, durability=durability, M=3, ef_construction=8)
print("open", flush=True)
while True:
    number = index._next_id()
    index.add(np.full((1, 4), number, dtype=np.float32))
    print("added", number, flush=True)
    if number % 3 == 0:
        index.remove([number])
        print("removed", number, flush=True)
    if number % 50 == 49:
        index.save(path)
"""


def killed_writer(path: Path, durability: str, pause: float) -> list[str]:
    """Run a writer for `pause` seconds after it has opened the index, and return its whole lines."""
    command = [sys.executable, "-c", WRITER, str(path), durability]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        time.sleep(pause)
        assert writer.poll() is None, "the writer ended by itself"
        writer.send_signal(signal.SIGKILL)
        said = writer.stdout.read()
        writer.wait()
        assert writer.returncode == -signal.SIGKILL
    return [line for line in said.splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.parametrize("durability", ["batched", "every_call"])
def test_after_a_kill_every_call_that_returned_is_kept(tmp_path: Path, durability: str) -> None:
    chance = random.Random(SEED)
    path = tmp_path / "living"
    live: set[int] = set()
    landed = calls = 0

    while landed < KILLS:
        lines = killed_writer(path, durability, chance.uniform(0.0, 0.03))
        for line in lines:
            what, number = line.split()
            (live.add if what == "added" else live.discard)(int(number))
        calls += len(lines)
        landed += 1
        with vicinal.Index.open(path) as index:
            found = set(index.ids.tolist())
            # One call may have been made whose line was not written.
            assert len(found ^ live) <= 1, f"seed {SEED}, kill {landed}: {sorted(found ^ live)}"
            assert np.array_equal(index.get(index.ids)[:, 0], index.ids.astype(np.float32))
            assert index.check().ok
            live = found
    print(f"{landed} kills landed, {calls} calls had returned ({durability})")
    assert calls > landed


def test_a_child_may_search_and_not_write(tmp_path: Path) -> None:
    path = tmp_path / "living"
    index = vicinal.Index.open(path, 4)
    index.add(np.eye(4))

    child = os.fork()
    if child == 0:  # exits with the number of what went wrong
        status = 1
        try:
            assert index.search(np.eye(4)[0], 1).ids.tolist() == [0]
            status = 2
            with pytest.raises(vicinal.ReadOnlyError, match="child"):
                index.add(np.eye(4))
            status = 3
            with pytest.raises(BlockingIOError):
                vicinal.Index.open(path)
            status = 0
        finally:
            os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert index.add(np.eye(4)[:1]).tolist() == [4]


def test_another_process_cannot_open_what_is_open(tmp_path: Path) -> None:
    path = tmp_path / "living"
    program = (
        f"import vicinal\ntry:\n    vicinal.Index.open({str(path)!r})\nexcept BlockingIOError:\n    print('refused')"
    )

    with vicinal.Index.open(path, 4):
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert said == "refused\n"

"""A cluster of two nodes on this machine, and a hand that ends its workers."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # tests tell nobody
# A machine with other work starts processes slowly: Serve's usual limits take that for a failure.
os.environ["RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S"] = "60"
os.environ["RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S"] = "60"

KILLS = int(os.environ.get("VICINAL_KILLS", "3"))
SEED = int(os.environ.get("VICINAL_SEED", "17"))


said: list[str] = []


@pytest.fixture
def say() -> Callable[[str], None]:
    """Put a line below the results: how many kills landed."""
    return said.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests had to say."""
    for line in said:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def cluster() -> Iterator[object]:
    """Two nodes of two processors each, as two sets of processes."""
    ray = pytest.importorskip("ray", reason="Ray is not here: make test-ray")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    nodes.add_node(num_cpus=2)
    ray.init(address=nodes.address, log_to_driver=False, ignore_reinit_error=True)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture
def kills() -> int:
    """How many workers each test ends."""
    return KILLS


def workers_named(part: str) -> list[int]:
    """Processes below this one that Ray has named so: it writes what a worker does into its command line."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                names[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has ended meanwhile
                continue

    def is_ours(pid: int) -> bool:
        while pid > 1 and pid != os.getpid():
            pid = parents.get(pid, 0)
        return pid == os.getpid()

    return [pid for pid, name in names.items() if name.startswith("ray::") and part in name and is_ours(pid)]


class Killer(threading.Thread):
    """Ends a worker of some name after a random pause, again and again; counts those that were at work."""

    def __init__(self, name: str, most: int, seed: int, pause: tuple[float, float]) -> None:
        super().__init__(daemon=True)
        self._part, self._most, self._pause = name, most, pause
        self._chance = np.random.default_rng(seed)
        self._over = threading.Event()
        self.landed = 0

    def run(self) -> None:
        while self.landed < self._most and not self._over.wait(self._chance.uniform(*self._pause)):
            found = workers_named(self._part)
            if found and kill(int(self._chance.choice(found))):
                self.landed += 1

    def __enter__(self) -> "Killer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def kill(pid: int) -> bool:
    """End a process by SIGKILL; whether it was there and is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.005)
    raise AssertionError(f"process {pid} outlived its SIGKILL")


@pytest.fixture
def killer() -> Callable[..., Killer]:
    """Make a killer: ``with killer("part of a name", most, seed): ...``."""

    def made(name: str, most: int, seed: int = SEED, pause: tuple[float, float] = (0.1, 1.0)) -> Killer:
        return Killer(name, most, seed, pause)

    return made


@pytest.fixture
def slain() -> Callable[[int], bool]:
    """The hand itself."""
    return kill


@pytest.fixture
def seed() -> int:
    """Of pauses and choices; VICINAL_SEED draws others."""
    return SEED

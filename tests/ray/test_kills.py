"""A worker is killed -9 during a build, a batch, and while it serves: nothing is lost. VICINAL_KILLS of each."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ray = pytest.importorskip("ray", reason="Ray is not here: make test-ray")

import vicinal.ray  # noqa: E402
from vicinal.shards import ShardedIndex, build_sharded  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]

DIM, SHARDS = 16, 4
PORT = 18_431
TIMEOUT = 4.0


def rows(n: int) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((n, DIM), dtype=np.float32)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "lock"}


def test_a_build_whose_workers_are_killed_has_the_same_digests(
    tmp_path: Path, kills: int, killer: Callable[..., Any], seed: int, say: Callable[[str], None]
) -> None:
    vectors, options = rows(12_000), {"shards": SHARDS, "ef_construction": 400, "traversal": "exact"}
    build_sharded(vectors, tmp_path / "whole", **options).close()
    whole = content(tmp_path / "whole")

    landed = builds = 0
    while landed < kills:
        folder = tmp_path / f"killed-{builds}"
        with killer("made", min(4, kills - landed), seed + builds) as hand:
            vicinal.ray.build_sharded(vectors, folder, tries=-1, **options).close()
        landed, builds = landed + hand.landed, builds + 1
        assert content(folder) == whole, f"seed {seed}, build {builds}"
        assert builds < 20 + kills, "no kill lands"
    say(f"build: {landed} kills landed in {builds} builds: the same bytes each time")


def test_a_batch_whose_workers_are_killed_has_every_row(
    tmp_path: Path, kills: int, killer: Callable[..., Any], seed: int, say: Callable[[str], None]
) -> None:
    vectors = rows(30_000)
    with build_sharded(vectors, tmp_path, shards=SHARDS) as index:
        truth = index.search(vectors, 10, exact=True).ids

    landed = batches = 0
    while landed < kills:
        queries = ray.data.from_numpy(np.array_split(vectors, 100))
        found = vicinal.ray.search_sharded(queries, tmp_path, 10, exact=True, workers=2, batch_size=300)
        with killer("_Searcher", min(4, kills - landed), seed + batches, (0.5, 2.0)) as hand:
            table = found.to_pandas()
        landed, batches = landed + hand.landed, batches + 1
        assert len(table) == len(vectors), f"seed {seed}, batch {batches}"
        ids = np.stack(list(table["ids"]))
        order, whole = np.lexsort(ids.T), np.lexsort(truth.T)
        assert np.array_equal(ids[order], truth[whole]), f"seed {seed}, batch {batches}"
        assert batches < 20 + kills, "no kill lands"
    say(f"batch: {landed} kills landed in {batches} batches: every row each time")


class Client:
    """Asks the service and times each answer."""

    def __init__(self) -> None:
        self.slowest = 0.0

    def ask(self, method: str, path: str, page: Any = None) -> tuple[int, Any]:
        line = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        start = time.monotonic()
        line.request(method, path, None if page is None else json.dumps(page))
        reply = line.getresponse()
        body = reply.read()
        self.slowest = max(self.slowest, time.monotonic() - start)
        line.close()
        return reply.status, json.loads(body) if reply.headers["content-type"].startswith("application/json") else body


@pytest.fixture(scope="module")
def served(cluster: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ShardedIndex]]:
    from ray import serve

    assert cluster is not None
    folder = tmp_path_factory.mktemp("served")
    with build_sharded(rows(2000), folder, shards=3) as index:
        vicinal.ray.serve(folder, port=PORT, cpus=1, timeout=TIMEOUT, most=8)
        yield serve.get_app_handle("vicinal"), index
    serve.shutdown()


def test_the_service_answers_as_the_folder_does(served: tuple[Any, ShardedIndex]) -> None:
    client, (_, index) = Client(), served
    queries = rows(20)

    status, page = client.ask("POST", "/search", {"queries": queries.tolist(), "k": 7, "exact": True})

    truth = index.search(queries, 7, exact=True)
    assert status == 200
    assert page["ids"] == truth.ids.tolist()
    assert np.array_equal(np.array(page["distances"], dtype=np.float32), truth.distances)
    assert page["coverage"]["share"] == 1.0
    assert client.ask("GET", "/health") == (200, {"ok": True, "shards": 3, "vectors": 2000, "of": 2000, "missing": {}})
    assert b'vicinal_requests_total{outcome="complete"}' in client.ask("GET", "/metrics")[1]
    assert client.ask("POST", "/search", {"queries": [[1.0, float("nan")]]})[0] == 400
    assert client.ask("POST", "/search", {"queries": [[float("nan")] * DIM]})[0] == 400
    assert client.ask("GET", "/elsewhere")[0] == 404


class Crowd(threading.Thread):
    """Asks the same again and again, and keeps what each answer covered and whether it was right."""

    def __init__(self, client: Client, query: dict[str, Any], truth: list[list[int]]) -> None:
        super().__init__(daemon=True)
        self._client, self._query, self._truth = client, query, truth
        self._over = threading.Event()
        self.shares: list[float] = []
        self.wrong: list[Any] = []

    def run(self) -> None:
        while not self._over.is_set():
            status, page = self._client.ask("POST", "/search", self._query)
            share = page["coverage"]["share"] if status == 200 else -1.0
            missing = page["coverage"]["missing"] if status == 200 else {}
            if not (page["ids"] == self._truth if share == 1.0 else len(missing) == 1):
                self.wrong.append((status, page))
            self.shares.append(share)

    def wait_for_a_whole_answer(self, since: int) -> None:
        """Wait until one that was asked after `since` others covers everything."""
        end = time.monotonic() + 120
        while 1.0 not in self.shares[since:]:
            assert time.monotonic() < end, "the service has not recovered within two minutes"
            time.sleep(0.02)

    def close(self) -> None:
        self._over.set()
        self.join()


def test_a_service_whose_replicas_are_killed_answers_in_time_and_recovers(
    served: tuple[Any, ShardedIndex], kills: int, seed: int, slain: Callable[[int], bool], say: Callable[[str], None]
) -> None:
    handle, index = served
    client, chance = Client(), np.random.default_rng(seed)
    query = {"queries": rows(1).tolist(), "k": 10, "exact": True}
    crowd = Crowd(client, query, index.search(rows(1), 10, exact=True).ids.tolist())
    crowd.start()
    crowd.wait_for_a_whole_answer(0)

    for landed in range(1, kills + 1):
        victim = handle.processes.remote().result()[int(chance.integers(3))]
        assert slain(victim), f"seed {seed}, kill {landed}"
        crowd.wait_for_a_whole_answer(len(crowd.shares) + 1)  # the one under way may have its answer already
        assert not crowd.wrong, f"seed {seed}, kill {landed}: {crowd.wrong[0]}"
    crowd.close()

    partial = sum(share < 1 for share in crowd.shares)
    say(
        f"serving: {kills} kills landed: {len(crowd.shares)} answers, {partial} partial, slowest {client.slowest:.2f} s"
    )
    assert client.slowest < TIMEOUT


def test_a_service_whose_front_is_killed_recovers(
    served: tuple[Any, ShardedIndex], slain: Callable[[int], bool]
) -> None:
    handle, _ = served
    client, end = Client(), time.monotonic() + 120
    query = {"queries": rows(1).tolist(), "k": 10}

    assert slain(handle.process.remote().result())

    while time.monotonic() < end and client.ask("POST", "/search", query)[0] != 200:
        time.sleep(0.1)
    assert client.ask("POST", "/search", query)[0] == 200

"""A service over shards: what it admits, how long it waits, and what it says of shards that are late or lost."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.shards import ShardedIndex, build_sharded
from vicinal.shards.manifest import Manifest, read_manifest
from vicinal.shards.service import Reply, Service
from vicinal.shards.shard import Shard, search_one

DIM, SHARDS = 8, 3


class Shards:
    """Answers for the shards of a folder, as well as a test lets it."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.shards = [Shard(folder, i, SHARDS, entry, manifest.settings) for i, entry in enumerate(manifest.shards)]
        self.faults: dict[int, Callable[[], Awaitable[None]]] = {}
        self.asked = 0
        self.cancelled = 0

    async def __call__(self, number: int, call: tuple[Any, ...], left: float) -> Any:
        assert left > 0
        self.asked += 1
        try:
            if number in self.faults:
                await self.faults[number]()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        rows, k, ef, exact = call
        return search_one(self.shards[number], rows, k, ef, exact, 1, False, None)[:2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("served")
    rows = np.random.default_rng(3).standard_normal((400, DIM), dtype=np.float32)
    build_sharded(rows, home, shards=SHARDS).close()
    return home


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    return read_manifest(folder)


@pytest.fixture
def shards(folder: Path, manifest: Manifest) -> Shards:
    return Shards(folder, manifest)


def body(**asked: Any) -> bytes:
    return json.dumps({"queries": [[0.1 * i for i in range(DIM)]], **asked}).encode()


async def asked(service: Service, sent: bytes) -> Reply:
    async def read() -> bytes:
        return sent

    return await service.search(read, len(sent))


async def for_ever() -> None:
    await asyncio.Event().wait()


async def lost() -> None:
    raise ConnectionError("its worker was killed\nand a long trace")


def test_the_answer_is_that_of_the_folder(folder: Path, manifest: Manifest, shards: Shards) -> None:
    service = Service(manifest, shards, timeout=60, most=4)

    reply = asyncio.run(asked(service, body(k=500, exact=True)))

    page = json.loads(reply.body)
    with ShardedIndex.open(folder) as index:
        truth = index.search([[0.1 * i for i in range(DIM)]], 500, exact=True)
    assert reply.status == 200
    assert page["ids"] == truth.ids.tolist()
    assert page["distances"][0][:400] == truth.distances[0, :400].tolist()
    assert page["distances"][0][400:] == [None] * 100  # JSON has no infinity
    assert page["coverage"] == {"share": 1.0, "vectors": 400, "of": 400, "missing": {}}
    single = asyncio.run(asked(service, json.dumps({"queries": [0.0] * DIM, "k": 3}).encode()))
    assert np.shape(json.loads(single.body)["ids"]) == (3,)


def test_a_shard_that_is_late_or_lost_is_left_out_and_named(manifest: Manifest, shards: Shards) -> None:
    shards.faults = {0: for_ever, 2: lost}
    service = Service(manifest, shards, timeout=0.5, most=4)

    async def answer() -> tuple[Reply, int]:
        reply = await asked(service, body(k=400))
        await asyncio.sleep(0)
        return reply, shards.cancelled

    reply, cancelled = asyncio.run(answer())

    page = json.loads(reply.body)
    held = manifest.shards[1].vectors
    assert sum(i >= 0 for i in page["ids"][0]) == held == page["coverage"]["vectors"]
    assert "shard 0 of 3 did not answer within" in page["coverage"]["missing"]["0"]
    assert page["coverage"]["missing"]["2"] == "shard 2 of 3: its worker was killed"
    assert cancelled == 1  # nobody waits for what is late
    shards.faults.clear()
    assert json.loads(asyncio.run(asked(service, body())).body)["coverage"]["share"] == 1.0
    assert b'vicinal_requests_total{outcome="partial"} 1\n' in service.metrics().body
    assert b'vicinal_shard_absences_total{shard="2"} 1\n' in service.metrics().body


def test_without_any_shard_the_service_says_so(manifest: Manifest, shards: Shards) -> None:
    shards.faults = dict.fromkeys(range(SHARDS), lost)
    service = Service(manifest, shards, timeout=60, most=4)

    reply = asyncio.run(asked(service, body()))

    assert reply.status == 503
    assert b"no shard answers: shard 0 of 3" in reply.body
    health = asyncio.run(service.health())
    assert health.status == 503
    assert sorted(json.loads(health.body)["missing"]) == ["0", "1", "2"]
    shards.faults.clear()
    assert asyncio.run(service.health()).status == 200


def test_what_comes_when_enough_is_under_way_is_told_busy_unread(manifest: Manifest, shards: Shards) -> None:
    service = Service(manifest, shards, timeout=60, most=2)

    async def crowd() -> tuple[list[Reply], int]:
        gate = asyncio.Event()
        shards.faults = {1: lambda: _opened(gate)}
        first = [asyncio.ensure_future(asked(service, body())) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        before = shards.asked
        refused = [await asked(service, b"never read") for _ in range(50)]
        assert all(reply.status == 503 and b"busy: 2 requests" in reply.body for reply in refused)
        assert shards.asked == before
        gate.set()
        return await asyncio.gather(*first), len(refused)

    accepted, refused = asyncio.run(crowd())

    assert [reply.status for reply in accepted] == [200, 200]
    assert asyncio.run(asked(service, body())).status == 200
    assert f'outcome="busy"}} {refused}\n'.encode() in service.metrics().body


async def _opened(gate: asyncio.Event) -> None:
    await gate.wait()


@pytest.mark.parametrize(
    ("sent", "complaint"),
    [
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1, 2]", "not an object"),
        (b'{"k": 3}', "not an object"),
        (body(efs=3), "not an object"),
        (body(k=0), "k is"),
        (body(k=10**9), "k is"),
        (body(k="3"), "k "),
        (body(ef=10, recall=0.9), "both given"),
        (body(recall=0.9), "was not calibrated"),
        (body(exact=1), "exact"),
        (b'{"queries": [[1, 2]]}', "queries"),
        (b'{"queries": "text"}', "queries"),
        (b'{"queries": [[NaN, 0, 0, 0, 0, 0, 0, 0]]}', "queries row 0"),
        (b'{"queries": [[1e60, 0, 0, 0, 0, 0, 0, 0]]}', "queries row 0"),
        (b'{"queries": [[{}, 0, 0, 0, 0, 0, 0, 0]]}', "queries"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    manifest: Manifest, shards: Shards, sent: bytes, complaint: str
) -> None:
    service = Service(manifest, shards, timeout=60, most=4)

    reply = asyncio.run(asked(service, sent))

    assert reply.status == 400
    assert complaint in json.loads(reply.body)["error"]
    assert b'outcome="refused"} 1\n' in service.metrics().body


def test_a_request_that_is_too_long_is_refused_unread(manifest: Manifest, shards: Shards) -> None:
    service = Service(manifest, shards, timeout=60, most=4)

    async def read() -> bytes:
        raise AssertionError("it was read")

    assert asyncio.run(service.search(read, 1 << 40)).status == 413
    many = json.dumps({"queries": [[0.0] * DIM] * 1000, "k": 5000}).encode()
    assert asyncio.run(asked(service, many)).status == 400


@pytest.mark.parametrize("setting", [{"timeout": 0}, {"timeout": "1"}, {"timeout": float("nan")}, {"most": 0}])
def test_settings_that_make_no_sense_are_refused(manifest: Manifest, shards: Shards, setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        Service(manifest, shards, **{"timeout": 1.0, "most": 1, **setting})

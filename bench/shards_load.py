"""The service of `vicinal.ray` under twice the load it sustains: what is told busy, how long the rest takes, memory.

    pip install 'vicinal[ray]'
    python bench/shards_load.py                       # the bundled texts, five minutes

The load comes from a second process. First as many clients as may be under way ask one after the other: the rate they
get is what the service sustains. Then requests come at twice that rate, whether the earlier ones were answered or not.
Memory is the Pss of all of Serve's replicas and proxies, every five seconds. It goes to bench/results/shards.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from shards_results import keep

import vicinal.ray
from vicinal.measure import load_dataset
from vicinal.shards import build_sharded

PORT = 18_777
K = 10
STALL = 0.5  # seconds


class Line:
    """One connection, kept open; asks one request at a time."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """Return the status; 206 for an answer that covers a part."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", PORT)
        reader, writer = self._streams
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        # The proxy's own answers come in chunks.
        body = await (reader.readexactly(lengths[0]) if lengths else reader.readuntil(b"0\r\n\r\n"))
        status = int(head[9:12])
        return 206 if status == 200 and b'"missing":{}' not in body else status

    def lost(self) -> None:
        """Begin anew."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Load:
    """Counts outcomes and keeps the seconds of answers."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._idle: list[Line] = []
        self.outcomes: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.running = self.most_running = 0
        self.stalls: list[float] = []

    async def one(self) -> None:
        """Send a request on a connection that is free, or on a new one, and count what comes."""
        line = self._idle.pop() if self._idle else Line(self._request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        start = time.perf_counter()
        try:
            status = await line.ask()
        except (OSError, EOFError, ValueError) as error:
            self.outcomes[f"error {type(error).__name__}"] += 1
            line.lost()
        else:
            names = {200: "complete", 206: "partial", 503: "busy"}
            self.outcomes[names.get(status, f"error {status}")] += 1
            if status in (200, 206):
                self.seconds.append(time.perf_counter() - start)
        self._idle.append(line)
        self.running -= 1

    async def in_turn(self, clients: int, seconds: float) -> None:
        """Let so many clients ask, each again when it has its answer."""
        end = time.perf_counter() + seconds

        async def client() -> None:
            while time.perf_counter() < end:
                await self.one()

        await asyncio.gather(*(client() for _ in range(clients)))

    async def at_rate(self, rate: float, seconds: float) -> None:
        """Send requests at even distances, whether or not earlier ones were answered."""
        start, asked, sent, before = time.perf_counter(), set(), 0, 0.0
        while (now := time.perf_counter() - start) < seconds:
            if now - before > STALL:  # this process itself was not let run
                self.stalls.append(now - before)
            before = now
            while sent < now * rate:
                task = asyncio.ensure_future(self.one())
                asked.add(task)
                task.add_done_callback(asked.discard)
                sent += 1
            await asyncio.sleep(0.002)
        await asyncio.gather(*asked)

    def told(self, seconds: float) -> dict[str, Any]:
        """Return what came, in figures."""
        accepted = np.array(self.seconds or [0.0])
        return {
            "seconds": seconds,
            "outcomes": dict(self.outcomes),
            "accepted_per_second": len(self.seconds) / seconds,
            "offered_per_second": self.outcomes.total() / seconds,
            "p50_ms": 1e3 * float(np.percentile(accepted, 50)),
            "p99_ms": 1e3 * float(np.percentile(accepted, 99)),
            "slowest_ms": 1e3 * float(accepted.max()),
            "most_waiting_clients": self.most_running,
            "stalls_of_the_load_itself_s": [round(stall, 2) for stall in self.stalls],
        }


def generate(way: str, amount: float, seconds: float) -> None:
    """Be the second process: load the service and print what came of it."""
    query = load_dataset("minilm-5k").query[0].round(4).tolist()
    body = json.dumps({"queries": query, "k": K, "ef": 64}).encode()
    head = f"POST /search HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    load = Load(head + body)
    start = time.perf_counter()
    asyncio.run(load.in_turn(int(amount), seconds) if way == "in-turn" else load.at_rate(amount, seconds))
    print(json.dumps(load.told(time.perf_counter() - start)))


def memory() -> int:
    """Return the Pss of every process of Serve, in bytes."""
    return sum(pss(entry) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def pss(entry: Path) -> int:
    try:
        name = (entry / "cmdline").read_bytes()
        if not name.startswith((b"ray::ServeReplica", b"ray::ProxyActor", b"ray::ServeController")):
            return 0
        lines = (entry / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def second_process(way: str, amount: float, seconds: float) -> tuple[dict[str, Any], list[int]]:
    """Run the load, and look at memory meanwhile."""
    command = [sys.executable, str(Path(__file__).resolve()), "--load", way, str(amount), str(seconds)]
    sizes = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            sizes.append(memory())
            time.sleep(min(5.0, seconds / 4))
        assert process.stdout is not None
        return json.loads(process.stdout.read()), sizes


def main() -> None:
    """Serve, measure, keep, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=1.0)
    parser.add_argument("--most", type=int, default=8)
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.load:
        generate(asked.load[0], float(asked.load[1]), float(asked.load[2]))
        return
    # A machine with other work is slow to answer; Serve would take its proxy for lost.
    os.environ |= {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60", "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "60"}
    import ray

    ray.init("local", num_cpus=asked.shards + 1, include_dashboard=False, log_to_driver=False)
    data = load_dataset("minilm-5k")
    with tempfile.TemporaryDirectory() as home:
        build_sharded(data.base, Path(home, "texts"), shards=asked.shards, metric=data.metric).close()
        vicinal.ray.serve(Path(home, "texts"), port=PORT, timeout=asked.timeout, most=asked.most)
        second_process("in-turn", asked.most, 10.0)  # warm
        alone, _ = second_process("in-turn", asked.most, 20.0)
        rate = 2 * alone["accepted_per_second"]
        load = os.getloadavg()[0]
        loaded, sizes = second_process("at-rate", rate, asked.seconds)
        ray.shutdown()
    # The first fifth is warming up: buffers grow to what so many requests at once need.
    early, late = np.mean(sizes[len(sizes) // 5 : 2 * len(sizes) // 5]), np.mean(sizes[-len(sizes) // 5 :])
    errors = {name: count for name, count in loaded["outcomes"].items() if name.startswith("error")}
    print("sustained", json.dumps(alone))
    print("twice that", json.dumps(loaded))
    print(f"memory {early / 1e6:.1f} MB early, {late / 1e6:.1f} MB late; load of the machine before: {load:.1f}")
    print(f"errors but busy: {errors or 'none'}; p99 {loaded['p99_ms']:.0f} ms of {1e3 * asked.timeout:.0f} ms")
    keep(
        "serving",
        {
            "shards": asked.shards,
            "vectors": len(data.base),
            "timeout_s": asked.timeout,
            "most": asked.most,
            "sustained": alone,
            "twice": loaded,
            "memory": {"every_5_s": sizes, "late_by_early": late / early},
            "load": load,
        },
    )


if __name__ == "__main__":
    main()

"""What a service over shards does, whatever carries its calls: admit, ask every shard, wait no longer than promised.

Back-pressure: no more than `most` requests are under way at once, and one that comes then is told "busy" before its
body is read. So memory is bounded by `most` times the largest request, and an accepted one waits for a bounded number
of others. A shard that is late or lost is left out of the answer, which says so.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from vicinal.errors import InvalidVectorError, VicinalError
from vicinal.settings import whole_number
from vicinal.shards.manifest import Manifest
from vicinal.shards.merge import Hits
from vicinal.shards.question import MAX_BYTES, Question, answer, call, nothing, read_question

__all__ = ["Ask", "Reply", "Service"]

RESERVE = 0.2  # of a request's time, for what comes before and after the shards: reading, merging, writing

OUTCOMES = ("complete", "partial", "busy", "refused", "unanswered")

# Asks a shard (its number) to search (rows, k, ef, exact) within so many seconds.
Ask = Callable[[int, tuple[Any, ...], float], Awaitable[Hits]]


@dataclass(frozen=True)
class Reply:
    """An HTTP status, a body, and its type."""

    status: int
    body: bytes
    kind: str = "application/json"


class Service:
    """Answers requests over a folder of shards.

    Parameters
    ----------
    manifest : Manifest
    ask : callable
        Asks one shard; an exception means that it does not answer.
    timeout : float
        Seconds a request may take.
    most : int
        Requests under way at once.

    Notes
    -----
    Thread safety: used by one event loop.
    """

    def __init__(self, manifest: Manifest, ask: Ask, *, timeout: float, most: int) -> None:
        self._manifest, self._ask = manifest, ask
        self._timeout, self._most = seconds(timeout), whole_number("most", most, 1, 1_000_000)
        self._running = 0
        self._replies: Counter[str] = Counter()
        self._absent: Counter[int] = Counter()
        self._spent = 0.0

    async def search(self, read: Callable[[], Awaitable[bytes]], length: int | None = None) -> Reply:
        """Answer a search; `read` gives the body, of `length` bytes where that is known.

        200: the answer, with its coverage. 400: the request is wrong. 413: it is too long. 503: busy, or no shard
        answers.
        """
        start = time.monotonic()
        if self._running >= self._most:
            return self._told("busy", 503, f"busy: {self._most} requests are under way")
        if length is not None and length > MAX_BYTES:
            return self._told("refused", 413, f"the request has {length} bytes, expected at most {MAX_BYTES}")
        self._running += 1
        try:
            return await self._admitted(await read(), start)
        finally:
            self._running -= 1

    async def _admitted(self, body: bytes, start: float) -> Reply:
        try:
            question = read_question(body, self._manifest)
            lists, missing = await self._gathered(question, start + self._timeout * (1 - RESERVE))
        except (VicinalError, ValueError, TypeError, OverflowError) as error:
            return self._told("refused", 400, str(error).splitlines()[0])
        self._absent.update(missing.keys())
        if not lists:
            return self._told("unanswered", 503, f"no shard answers: {next(iter(missing.values()))}")
        reply = Reply(200, answer(question, self._manifest, lists, missing))
        self._replies["partial" if missing else "complete"] += 1
        self._spent += time.monotonic() - start
        return reply

    async def health(self) -> Reply:
        """Ask every shard for nothing: 200 when all answer, 503 when one does not, and which."""
        lists, missing = await self._gathered(nothing(self._manifest), time.monotonic() + self._timeout)
        held = sum(self._manifest.shards[number].vectors for number in lists)
        page = {
            "ok": not missing,
            "shards": len(self._manifest.shards),
            "vectors": held,
            "of": self._manifest.vectors,
            "missing": {str(number): why for number, why in sorted(missing.items())},
        }
        return Reply(503 if missing else 200, json.dumps(page).encode())

    def metrics(self) -> Reply:
        """Tell a Prometheus server what was done."""
        answers = self._replies["complete"] + self._replies["partial"]
        lines = [
            "# TYPE vicinal_requests_total counter",
            *(f'vicinal_requests_total{{outcome="{name}"}} {self._replies[name]}' for name in OUTCOMES),
            "# TYPE vicinal_shard_absences_total counter",
            *(
                f'vicinal_shard_absences_total{{shard="{i}"}} {self._absent[i]}'
                for i in range(len(self._manifest.shards))
            ),
            "# TYPE vicinal_requests_running gauge",
            f"vicinal_requests_running {self._running}",
            "# TYPE vicinal_search_seconds summary",
            f"vicinal_search_seconds_sum {self._spent:.6f}",
            f"vicinal_search_seconds_count {answers}",
        ]
        return Reply(200, ("\n".join(lines) + "\n").encode(), "text/plain; version=0.0.4")

    def unknown(self) -> Reply:
        """Answer what is no request of ours."""
        return self._told("refused", 404, "there are POST /search, GET /health and GET /metrics")

    async def _gathered(self, question: Question, until: float) -> tuple[dict[int, Hits], dict[int, str]]:
        """Ask all shards at once; return what those found that answer in time, and why each other does not."""
        left = max(0.0, until - time.monotonic())
        calls = {
            number: asyncio.ensure_future(self._ask(number, call(question, self._manifest, number), left))
            for number in range(len(self._manifest.shards))
        }
        try:
            await asyncio.wait(calls.values(), timeout=left)
        finally:
            for waiting in calls.values():
                waiting.cancel()  # nothing, where it is done
        lists: dict[int, Hits] = {}
        missing: dict[int, str] = {}
        name = f"of {len(calls)}"
        for number, asked in calls.items():
            if not asked.done() or asked.cancelled():
                missing[number] = f"shard {number} {name} did not answer within {left:.3g} s"
            elif isinstance(error := asked.exception(), InvalidVectorError):  # only the core looks at every number
                raise error
            elif error is not None:
                missing[number] = _fault(error, f"shard {number} {name}")
            else:
                lists[number] = asked.result()
        return lists, missing

    def _told(self, outcome: str, status: int, why: str) -> Reply:
        self._replies[outcome] += 1
        return Reply(status, json.dumps({"error": why}).encode())


def _fault(error: BaseException, shard: str) -> str:
    lines = str(error).splitlines()
    said = lines[0] if lines else type(error).__name__
    return said if said.startswith("shard ") else f"{shard}: {said}"


def seconds(timeout: float) -> float:
    """Check a time that a request may take."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < 86_400:
        raise ValueError(f"timeout is {timeout!r}, expected seconds, more than 0")
    return float(timeout)

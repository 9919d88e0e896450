"""What the service tells a Prometheus server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import vicinal


class Counts:
    """How many calls of each kind there were, and how long they took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, tuple[int, float]] = {}

    @contextmanager
    def of(self, kind: str) -> Iterator[None]:
        """Count and time what happens inside, unless it fails."""
        start = time.perf_counter()
        yield
        taken = time.perf_counter() - start
        with self._lock:
            calls, seconds = self._calls.get(kind, (0, 0.0))
            self._calls[kind] = calls + 1, seconds + taken

    def text(self, index: vicinal.Index) -> str:
        """Return all of it in Prometheus' text format."""
        with self._lock:
            calls = dict(self._calls)
        lines = ["# TYPE vicinal_vectors gauge", f"vicinal_vectors {len(index)}"]
        lines += [
            "# TYPE vicinal_resident_bytes gauge",
            f"vicinal_resident_bytes {index.stats()['memory']['resident']}",
        ]
        lines.append("# TYPE vicinal_call_seconds summary")
        for kind, (count, seconds) in sorted(calls.items()):
            lines.append(f'vicinal_call_seconds_count{{call="{kind}"}} {count}')
            lines.append(f'vicinal_call_seconds_sum{{call="{kind}"}} {seconds:.6f}')
        return "\n".join(lines) + "\n"

"""One engine under measurement, in a process of its own.

Libraries of this kind bring their own OpenMP runtimes, thread pools and allocators, and disturb one
another in one process. Here each lives alone, pinned, and only one of them works at a time.

The parent starts `python -m vicinal.measure.worker`, sends pickled requests down its standard input
and reads pickled answers from its standard output. Vectors travel as files that the child maps, so
they do not count as the engine's memory unless it copies them.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vicinal.measure.engines import Engine
from vicinal.measure.session import EngineFailedError, LocalSession, Timing
from vicinal.measure.task import Built, Task


@dataclass(frozen=True)
class StoredTask:
    """A task whose arrays lie in files."""

    task: Task
    base_file: Path
    query_file: Path

    @classmethod
    def store(cls, task: Task, folder: Path) -> StoredTask:
        """Write the arrays into `folder`."""
        base_file, query_file = folder / "base.npy", folder / "query.npy"
        np.save(base_file, task.base)
        np.save(query_file, task.queries)
        nothing = np.empty((0, 0), dtype=np.float32)
        return cls(replace(task, base=nothing, queries=nothing), base_file, query_file)

    def open(self) -> Task:
        """Map the base, read the queries."""
        base = np.asarray(np.load(self.base_file, mmap_mode="r"))
        return replace(self.task, base=base, queries=np.load(self.query_file))


class RemoteSession:
    """The same face as `LocalSession`; every call runs in the child and raises what failed there."""

    def __init__(self, engine: Engine, stored: StoredTask, cores: list[int]) -> None:
        self.engine = engine
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        # The child must find the modules that the parent found, engines of the caller's included.
        search_path = os.pathsep.join(path for path in sys.path if path)
        environment = {**os.environ, **engine.environment(), "PYTHONPATH": search_path}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vicinal.measure.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
        )
        self._started_with = (stored, cores)

    def build(self) -> Built:
        """Build the index in the child."""
        self._ask("start", self.engine, *self._started_with)
        built: Built = self._ask("build")
        return built

    def answer(self, effort: int) -> tuple[NDArray[np.int64], dict[str, float]]:
        """Answer all queries, untimed."""
        answered: tuple[NDArray[np.int64], dict[str, float]] = self._ask("answer", effort)
        return answered

    def time_one(self, effort: int) -> Timing:
        """Time all queries, one per call; the clock runs in the child."""
        timing: Timing = self._ask("time_one", effort)
        return timing

    def time_batch(self, effort: int, threads: int | None = None) -> float:
        """Time all queries in one call; the clock runs in the child."""
        seconds: float = self._ask("time_batch", effort, threads)
        return seconds

    def close(self) -> None:
        """End the child."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def _ask(self, method: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump((method, arguments), self._process.stdin)
            self._process.stdin.flush()
            failed, value = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            code = self._process.wait()
            how = f"signal {-code}" if code < 0 else f"status {code}"
            raise EngineFailedError(f"its process ended with {how}{self._last_words()}") from None
        if failed:
            raise EngineFailedError(value)
        return value

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return f": {lines[-1].strip()}" if lines else ""


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Carry out requests until the parent closes the pipe."""
    session: LocalSession | None = None
    while True:
        try:
            method, arguments = pickle.load(requests)
        except EOFError:
            return
        try:
            if method == "start":
                engine, stored, cores = arguments
                session, value = LocalSession(engine, stored.open(), cores), None
            else:
                value = getattr(session, method)(*arguments)
            answer = (False, value)
        except Exception as error:
            answer = (True, f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


def main() -> None:
    """Run as the child: keep what libraries print out of the answers' pipe."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, answers)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(1)


if __name__ == "__main__":
    main()

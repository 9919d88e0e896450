"""Shards on a cluster of Ray: built as tasks, searched in batches, served.

Every machine of the cluster sees the folder under the same path, and has vicinal installed. Ray is the extra ``ray``;
nothing else in the package knows it.

====================  ==========================================================================
``RayTasks``          an executor: calls become tasks, made again when their worker is lost
``build_sharded``     `vicinal.shards.build_sharded`, each shard a task
``self_join``         `vicinal.shards.self_join`, each piece of a shard a task
``search_sharded``    a data set of Ray gets a column of neighbors; actors open the shards once
``application``       a service of Ray Serve: a deployment for each shard, one that asks them all
``serve``             the same, running
====================  ==========================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import shards as local
from vicinal._core import ALWAYS_ALLOWED_K, MAX_THREADS
from vicinal.lsh import Pairs
from vicinal.settings import whole_number
from vicinal.shards.efforts import widths
from vicinal.shards.executors import made
from vicinal.shards.manifest import read_manifest
from vicinal.shards.merge import Hits
from vicinal.shards.service import Service, seconds
from vicinal.shards.shard import Shard, search_one
from vicinal.shards.source import VECTOR_COLUMNS, Source

__all__ = ["RayTasks", "application", "build_sharded", "search_sharded", "self_join", "serve"]

TRIES = 3  # of a task, after its worker was lost
AGAIN = 0.02  # seconds before a shard whose replica was lost is asked again


def _ray(part: str = "") -> Any:
    """Import Ray, or say which extra has it."""
    import importlib

    try:
        return importlib.import_module(f"ray.{part}" if part else "ray")
    except ImportError as error:
        raise ImportError(f"vicinal.ray needs Ray ({error}): pip install 'vicinal[ray]'") from error


class RayTasks:
    """An executor whose calls are tasks of a Ray cluster; one whose worker or machine is lost is made again.

    Parameters
    ----------
    cpus : int
        What a task takes of a machine.
    tries : int
        How often a task is made again after its worker was lost. -1: as often as it takes.

    Examples
    --------
    >>> import ray
    >>> _ = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    >>> RayTasks().run(divmod, [(7, 2), (9, 3)])
    [(3, 1), (3, 0)]
    """

    def __init__(self, cpus: int = 1, tries: int = TRIES) -> None:
        self._cpus = whole_number("cpus", cpus, 1, MAX_THREADS)
        self._tries = whole_number("tries", tries, -1, 1_000_000)

    def workers(self) -> int:
        """Return how many tasks the cluster runs at once."""
        return max(1, int(_started().cluster_resources().get("CPU", 1)) // self._cpus)

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Make the calls; return, in their order, what each returned, or the exception it raised."""
        ray = _started()
        task = ray.remote(made).options(num_cpus=self._cpus, max_retries=self._tries)
        waiting = [task.remote(function, call) for call in calls]
        try:
            return [_outcome(ray, one) for one in waiting]
        except BaseException:
            for one in waiting:
                ray.cancel(one)
            raise

    def close(self) -> None:
        """Nothing is held; the cluster stays."""


def build_sharded(
    source: Source, folder: str | os.PathLike[str], *, cpus: int = 1, tries: int = TRIES, **options: Any
) -> local.ShardedIndex:
    """Build a sharded index, each shard as a task. The same bytes as `vicinal.shards.build_sharded` builds.

    The source is read, checked and parted by this process; tasks read their parts from the folder.

    Parameters
    ----------
    source, folder
        As for `vicinal.shards.build_sharded`. Every machine sees the folder.
    cpus : int
        Threads that build a shard, and what its task takes of a machine.
    tries : int
        How often a shard is begun again after its worker was lost.
    **options
        ``shards`` and the others of `vicinal.shards.build_sharded`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, ray
    >>> _ = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    >>> folder = tempfile.TemporaryDirectory()
    >>> rows = np.random.default_rng(0).random((300, 8), dtype=np.float32)
    >>> with build_sharded(rows, folder.name, shards=3) as index:
    ...     len(index)
    300
    >>> folder.cleanup()
    """
    return local.build_sharded(source, folder, executor=RayTasks(cpus, tries), threads=cpus, **options)


def self_join(
    folder: str | os.PathLike[str], threshold: float, k_max: int = 100, *, cpus: int = 1, **options: Any
) -> Pairs:
    """Find all near pairs of a sharded index, each piece of a shard as a task: see `vicinal.shards.self_join`."""
    return local.self_join(folder, threshold, k_max, executor=RayTasks(cpus), threads=cpus, **options)


def search_sharded(
    dataset: Any,
    folder: str | os.PathLike[str],
    k: int = 10,
    *,
    column: str | None = None,
    workers: int | tuple[int, int] = 1,
    cpus: int = 1,
    batch_size: int = 1024,
    ef: int | None = None,
    recall: float | None = None,
    exact: bool = False,
    partial: bool = False,
) -> Any:
    """Give each row of a data set the columns ``ids`` and ``distances`` of its neighbors.

    Actors open the shards once, mapped, so that those of a machine share their memory, and search batch after batch;
    one that is lost is started anew and its batches are made again.

    Parameters
    ----------
    dataset : ray.data.Dataset
    folder : path
        A sharded index that every machine sees.
    k : int
    column : str, optional
        Of the queries. By default one named vector, vectors, embedding, embeddings, emb or data.
    workers : int, or (int, int)
        Actors, or the fewest and the most of them.
    cpus : int
        Threads of an actor.
    batch_size : int
        Queries that are searched for at once.
    ef, recall, exact
        As for `vicinal.shards.ShardedIndex.search`.
    partial : bool
        Do without shards that are missing; a column ``coverage`` says which share of the vectors was searched.

    Returns
    -------
    ray.data.Dataset
        Lazy, as all of them are: the search runs when it is read.

    Raises
    ------
    FileNotFoundError, CorruptIndexError, NotTunedError, ValueError
        At once where the manifest or a setting is wrong.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, ray
    >>> _ = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    >>> folder = tempfile.TemporaryDirectory()
    >>> rows = np.random.default_rng(0).random((300, 8), dtype=np.float32)
    >>> build_sharded(rows, folder.name, shards=3).close()
    >>> found = search_sharded(ray.data.from_numpy(rows[:5]), folder.name, k=1)
    >>> sorted(int(row["ids"][0]) for row in found.take_all())
    [0, 1, 2, 3, 4]
    >>> folder.cleanup()
    """
    _ray("data")
    home = Path(folder).absolute()
    threads = whole_number("cpus", cpus, 1, MAX_THREADS)
    manifest = read_manifest(home)
    widths(manifest, whole_number("k", k, 1, max(manifest.vectors, ALWAYS_ALLOWED_K)), ef, recall)
    fewest, most = workers if isinstance(workers, tuple) else (workers, workers)
    fewest = whole_number("workers", fewest, 1, 65_536)
    most = whole_number("workers", most, fewest, 65_536)
    effort = {"ef": ef, "recall": recall, "exact": exact, "threads": threads}
    return dataset.map_batches(
        _Searcher,
        fn_constructor_args=(str(home), partial),
        fn_kwargs={"k": k, "column": column, "effort": effort},
        batch_size=whole_number("batch_size", batch_size, 1, 1_000_000),
        batch_format="numpy",
        compute=_ray("data").ActorPoolStrategy(min_size=fewest, max_size=most),
        num_cpus=threads,
    )


class _Searcher:
    """What an actor of `search_sharded` keeps open."""

    def __init__(self, folder: str, partial: bool) -> None:
        self._index = local.ShardedIndex.open(folder, partial=partial, executor=local.Threads(1))
        self._partial = partial

    def __call__(
        self, batch: dict[str, NDArray[Any]], k: int, column: str | None, effort: dict[str, Any]
    ) -> dict[str, NDArray[Any]]:
        queries = batch[_column(batch, column)]
        if queries.dtype == object:  # rows of a list column
            queries = np.stack(list(queries)) if len(queries) else np.empty((0, self._index.dim), dtype=np.float32)
        found = self._index.search(queries, k, **effort)
        told = {"coverage": np.full(len(queries), found.coverage.share)} if self._partial else {}
        return {**batch, "ids": found.ids, "distances": found.distances, **told}


def application(
    folder: str | os.PathLike[str],
    *,
    replicas: int = 1,
    cpus: int = 1,
    timeout: float = 1.0,
    most: int = 64,
) -> Any:
    """Make an application of Ray Serve: a deployment for each shard, and one that asks them all.

    ``POST /search`` takes ``{"queries": [[...], ...], "k": 10}`` and one of ``"ef"``, ``"recall"``, ``"exact"``;
    answers ``{"ids": ..., "distances": ..., "coverage": {"share": 1.0, ...}}``. A shard that is late or lost is
    named under ``coverage``, and Serve starts it anew. ``GET /health`` is 200 when every shard answers; ``GET
    /metrics`` is text for Prometheus. More than `most` requests at once are told 503, "busy".

    Parameters
    ----------
    folder : path
        A sharded index that every machine sees. One that is changed afterwards is deployed again.
    replicas : int
        Of each shard.
    cpus : int
        Threads of a replica, and what it takes of a machine.
    timeout : float
        Seconds a request may take.
    most : int
        Requests under way at once.

    Returns
    -------
    ray.serve.Application
        For ``serve.run(...)``, or for ``serve run module:app``.

    Raises
    ------
    FileNotFoundError, CorruptIndexError, NotAnIndexError, FormatTooNewError, ValueError
        The manifest or a setting is wrong.

    Examples
    --------
    >>> application("nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] no sharded index here: its manifest is missing: '...nowhere/manifest.json'
    """
    home = Path(folder).absolute()
    manifest = read_manifest(home)
    copies, threads = whole_number("replicas", replicas, 1, 10_000), whole_number("cpus", cpus, 1, MAX_THREADS)
    limit, at_once = seconds(timeout), whole_number("most", most, 1, 1_000_000)
    deployment = _ray("serve").deployment
    settings = {
        "health_check_period_s": 1,
        "health_check_timeout_s": 30,  # a replica that is lost is seen at once; one that is slow is not lost
        "graceful_shutdown_timeout_s": 5,
        "logging_config": {"enable_access_log": False},  # it has a line for each call of each shard; there is /metrics
    }
    workers = [
        deployment(
            _ShardReplica,
            name=f"shard-{number:05d}",
            num_replicas=copies,
            max_ongoing_requests=at_once,
            ray_actor_options={"num_cpus": threads},
            **settings,
        ).bind(str(home), number, threads)
        for number in range(len(manifest.shards))
    ]
    # The front refuses what is above `most`, and is asked for health and metrics besides. What it has no time to refuse
    # waits at Serve's proxy, which tells the rest 503 itself.
    front = deployment(
        _Front,
        name="front",
        max_ongoing_requests=4 * at_once,
        max_queued_requests=at_once,
        ray_actor_options={"num_cpus": 0},
        **settings,
    )
    return front.bind(str(home), workers, limit, at_once)


def serve(
    folder: str | os.PathLike[str], *, host: str = "127.0.0.1", port: int = 8000, name: str = "vicinal", **options: Any
) -> Callable[[], None]:
    """Start the service of `application` on this cluster (or on a new one of this machine) and return when it answers.

    Parameters
    ----------
    folder : path
    host, port
        Where Serve's proxies listen.
    name : str
        Of the application.
    **options
        As for `application`.

    Returns
    -------
    callable
        Ends the application.
    """
    app = application(folder, **options)
    _started()
    engine = _ray("serve")
    engine.start(http_options={"host": host, "port": port})
    engine.run(app, name=name)
    return lambda: engine.delete(name)


class _ShardReplica:
    """One shard, open; its searches run on `threads` threads beside the loop that answers Serve."""

    def __init__(self, folder: str, number: int, threads: int) -> None:
        home = Path(folder)
        manifest = read_manifest(home)
        self._shard = Shard(home, number, len(manifest.shards), manifest.shards[number], manifest.settings).open()
        self._pool = ThreadPoolExecutor(threads)

    async def search(self, rows: NDArray[Any], k: int, ef: int, exact: bool, left: float) -> Hits:
        until = time.monotonic() + left
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._searched, rows, k, ef, exact, until)

    def _searched(self, rows: NDArray[Any], k: int, ef: int, exact: bool, until: float) -> Hits:
        if time.monotonic() > until:  # nobody waits for it any more
            raise TimeoutError(f"{self._shard} came to a request too late")
        return search_one(self._shard, rows, k, ef, exact, 1, False, None)[:2]

    async def process(self) -> int:
        """Say which process this is: tests end it."""
        return os.getpid()


class _Front:
    """Takes requests, asks every shard, merges."""

    def __init__(self, folder: str, workers: list[Any], timeout: float, most: int) -> None:
        self._workers = workers
        self._lost = _ray("exceptions").RayActorError, _ray("serve.exceptions").RayServeException
        self._failed = _ray("exceptions").RayTaskError
        self._service = Service(read_manifest(Path(folder)), self._ask, timeout=timeout, most=most)

    async def __call__(self, request: Any) -> Any:
        from starlette.responses import Response

        reply = await self._answered(request.method, request.url.path.rstrip("/"), request)
        wait = {"Retry-After": "1"} if reply.status == 503 else {}
        return Response(reply.body, reply.status, wait, reply.kind)

    async def _answered(self, method: str, path: str, request: Any) -> Any:
        if (method, path) == ("POST", "/search"):
            length = request.headers.get("content-length", "")
            return await self._service.search(request.body, int(length) if length.isdecimal() else None)
        if (method, path) == ("GET", "/health"):
            return await self._service.health()
        if (method, path) == ("GET", "/metrics"):
            return self._service.metrics()
        return self._service.unknown()

    async def _ask(self, number: int, call: tuple[Any, ...], left: float) -> Hits:
        """Ask one shard; again, as long as there is time, where the replica that had the call is lost."""
        until = time.monotonic() + left
        while True:
            response = self._workers[number].search.remote(*call, until - time.monotonic())
            try:
                return await response  # type: ignore[no-any-return]
            except asyncio.CancelledError:
                with contextlib.suppress(Exception):
                    response.cancel()
                raise
            except self._failed as error:  # the shard's own error, without the trace that Ray puts around it
                raise error.cause from None
            except self._lost:
                if time.monotonic() + AGAIN > until:
                    raise
                await asyncio.sleep(AGAIN)

    async def process(self) -> int:
        """Say which process this is: tests end it."""
        return os.getpid()

    async def processes(self) -> dict[int, int]:
        """Say which process answers for each shard: tests end it."""
        return {number: await worker.process.remote() for number, worker in enumerate(self._workers)}


def _started() -> Any:
    """Return Ray, connected: to the cluster that is named by its environment, else to a new one of this machine."""
    ray = _ray()
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    return ray


def _outcome(ray: Any, waiting: Any) -> Any:
    try:
        return ray.get(waiting)
    except ray.exceptions.RayError as error:
        return error


def _column(batch: dict[str, Any], column: str | None) -> str:
    if column is not None:
        if column not in batch:
            raise ValueError(f"the data set has no column {column!r}; columns: {', '.join(batch)}")
        return column
    known = [name for name in batch if name.lower() in (*VECTOR_COLUMNS, "data")]
    if len(known) != 1:
        raise ValueError(f"say which column holds the queries with column=; columns: {', '.join(batch)}")
    return known[0]

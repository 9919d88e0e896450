"""The commands ``vicinal shard build | search | serve | check``: an index in many files."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import TYPE_CHECKING

from vicinal.settings import DTYPES, METRICS

if TYPE_CHECKING:
    from vicinal.shards import ShardsHealth


def add_shard(shard: argparse.ArgumentParser) -> None:
    """Declare the commands' arguments."""
    commands = shard.add_subparsers(dest="step", required=True, metavar="build | search | serve | check")
    _add_build(commands.add_parser("build", help="build a folder of shards; again after a kill: what is missing"))
    _add_search(commands.add_parser("search", help="find the neighbors of a file of queries in all shards"))
    _add_serve(commands.add_parser("serve", help="answer searches over HTTP, by Ray Serve (the extra 'ray')"))
    check = commands.add_parser("check", help="tell whether every shard is there, whole and well")
    check.add_argument("folder", help="a sharded index")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=_check)


def _add_build(build: argparse.ArgumentParser) -> None:
    build.add_argument("file", help="vectors: .npy .fbin .u8bin .i8bin .parquet, however large")
    build.add_argument("-o", "--output", required=True, metavar="FOLDER", help="where to build")
    build.add_argument("--shards", type=int, required=True, help="how many")
    build.add_argument("--metric", choices=METRICS, default="l2", help="default: l2")
    build.add_argument("--dtype", choices=DTYPES, help="how vectors are stored")
    build.add_argument("--M", type=int, default=16, help="links per node (default: 16)")
    build.add_argument("--ef-construction", type=int, default=200, help="beam of the build (default: 200)")
    build.add_argument("--seed", type=int, default=0, help="of the random levels (default: 0)")
    build.add_argument("--column", help="of a parquet file: the vectors' column")
    build.add_argument("--ids", metavar="COLUMN", help="of a parquet file: the ids' column")
    build.add_argument("--processes", type=int, help="build so many shards at once, each in a process")
    build.add_argument("--threads", type=int, default=0, help="0: every core (default)")
    build.add_argument("--json", action="store_true", help="print JSON")
    build.set_defaults(run=_build)


def _add_search(search: argparse.ArgumentParser) -> None:
    search.add_argument("folder", help="a sharded index")
    search.add_argument("queries", help="query vectors")
    search.add_argument("-k", "--k", type=int, default=10, help="neighbors to find (default: 10)")
    effort = search.add_mutually_exclusive_group()
    effort.add_argument("--ef", type=int, help="width of the beam in each shard")
    effort.add_argument("--recall", type=float, help="instead: the recall to reach, of an index that was tuned")
    effort.add_argument("--exact", action="store_true", help="instead: compare with every vector")
    search.add_argument("--partial", action="store_true", help="do without shards that are missing or damaged")
    search.add_argument("--threads", type=int, default=0, help="for each shard; 0: shares every core (default)")
    search.add_argument("--column", help="of a parquet file: the vectors' column")
    search.add_argument("--json", action="store_true", help="print JSON")
    search.set_defaults(run=_search)


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("folder", help="a sharded index, which every machine of the cluster sees")
    serve.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=8000, help="default: 8000")
    serve.add_argument("--replicas", type=int, default=1, help="of each shard (default: 1)")
    serve.add_argument("--cpus", type=int, default=1, help="threads of a replica (default: 1)")
    serve.add_argument("--timeout", type=float, default=1.0, help="seconds a request may take (default: 1)")
    serve.add_argument("--most", type=int, default=64, help="requests under way; others are told busy (default: 64)")
    serve.set_defaults(run=_serve)


def _build(options: argparse.Namespace) -> int:
    from vicinal.shards import Processes, build_sharded

    with build_sharded(
        options.file,
        options.output,
        shards=options.shards,
        metric=options.metric,
        ids=options.ids,
        column=options.column,
        executor=None if options.processes is None else Processes(options.processes),
        threads=options.threads,
        dtype=options.dtype,
        M=options.M,
        ef_construction=options.ef_construction,
        seed=options.seed,
    ) as index:
        facts = {"folder": options.output, "shards": options.shards, "vectors": len(index), "dim": index.dim}
    _say(json.dumps(facts) if options.json else "\n".join(f"{name:<8} {value}" for name, value in facts.items()))
    return 0


def _search(options: argparse.Namespace) -> int:
    from vicinal.cli_vectors import read_queries
    from vicinal.shards import ShardedIndex

    with ShardedIndex.open(options.folder, partial=options.partial) as index:
        queries = read_queries(options.queries, column=options.column)
        found = index.search(
            queries, options.k, ef=options.ef, recall=options.recall, exact=options.exact, threads=options.threads
        )
    if options.json:
        # JSON knows no infinity, which stands beside the padding id -1.
        finite = [[None if math.isinf(d) else d for d in row] for row in found.distances.tolist()]
        _say(json.dumps({"ids": found.ids.tolist(), "distances": finite, "coverage": found.coverage.share}))
        return 0
    for number, (row, nearness) in enumerate(zip(found.ids.tolist(), found.distances.tolist(), strict=True)):
        _say(f"{number}: " + "  ".join(f"{i} ({d:.6g})" for i, d in zip(row, nearness, strict=True) if i >= 0))
    if not found.coverage.complete:
        sys.stderr.write(f"vicinal shard: {found.coverage}\n")
    return 0


def _serve(options: argparse.Namespace) -> int:
    import threading

    from vicinal.ray import serve

    stop = serve(
        options.folder,
        host=options.host,
        port=options.port,
        replicas=options.replicas,
        cpus=options.cpus,
        timeout=options.timeout,
        most=options.most,
    )
    _say(f"serving {options.folder} at http://{options.host}:{options.port}: POST /search, GET /health, GET /metrics")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        stop()
    return 0


def _check(options: argparse.Namespace) -> int:
    from vicinal.shards import ShardedIndex

    with ShardedIndex.open(options.folder, partial=True) as index:
        health = index.check()
    _say(json.dumps(_facts(health)) if options.json else str(health))
    return 0 if health.ok else 1


def _facts(health: ShardsHealth) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "ok": health.ok,
        "shards": {number: asdict(found) for number, found in health.shards.items()},
        "faults": dict(health.faults),
        "coverage": health.coverage.share,
    }


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

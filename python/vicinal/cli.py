"""The command line: ``vicinal build | search | bench | check | doctor | block | shard | info | report``.

Results go to standard output, with ``--json`` as JSON; progress goes to standard error, and only to
a terminal. Exit status: 0 done, 1 failed (of check and doctor: something is wrong), 2 called wrongly.
What goes wrong is told in one line.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from vicinal.cli_block import add_block
from vicinal.cli_check import add_check
from vicinal.cli_doctor import add_doctor
from vicinal.cli_report import add_report
from vicinal.cli_shard import add_shard
from vicinal.cli_study import STUDIES, run_study
from vicinal.cli_vectors import SOURCES, read_base, read_queries
from vicinal.cli_warnings import warnings_in_one_line
from vicinal.settings import METRICS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the program's name; taken from `sys.argv` by default.

    Returns
    -------
    int
        The exit status.

    Examples
    --------
    >>> main(["info", "no-such-file.vic"])
    1
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parser().parse_args(words)
    except SystemExit as ending:  # argparse has said what was wrong, or has printed the help
        return int(ending.code or 0)
    options.words = words
    try:
        run: Callable[[argparse.Namespace], int | None] = options.run
        with warnings_in_one_line(options.command):
            return run(options) or 0
    except KeyboardInterrupt:
        return _failed(options.command, "interrupted")
    except BrokenPipeError:  # whoever read our output has stopped reading
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing left to flush at exit
        return 1
    except Exception as error:  # a traceback helps nobody who did not write this
        return _failed(options.command, _one_line(error))


def _bench(options: argparse.Namespace) -> None:
    from vicinal.measure import compare, load_dataset, write_report

    for file in (options.json, options.report):
        if file is not None and file != "-" and not Path(file).absolute().parent.is_dir():
            raise FileNotFoundError(f"{Path(file).parent}: no such folder")
    if options.study:
        run_study(options)
        return
    dataset = load_dataset(
        options.dataset,
        queries=options.query_file,
        truth=options.truth_file,
        metric=options.metric,
        column=options.column,
        held_out=options.queries or 1000,
    )
    with _progress() as progress:
        comparison = compare(
            dataset,
            [options.engine, *options.vs],
            k=options.k,
            M=options.M,
            ef_construction=options.ef_construction or 200,
            threads=options.threads,
            build_threads=options.build_threads,
            rounds=options.rounds,
            efforts=options.ef,
            queries=options.queries,
            batch=not options.no_batch,
            isolate=not options.one_process,
            command=shlex.join(["vicinal", *options.words]),
            progress=progress,
        )
    if options.report is not None:
        write_report(comparison, options.report)
    if options.json not in (None, "-"):
        Path(options.json).write_text(comparison.to_json() + "\n", encoding="utf-8")
    _say(comparison.to_json() if options.json == "-" else comparison.table())


def _build(options: argparse.Namespace) -> None:
    from vicinal.index import Index

    vectors, metric = read_base(options.file, metric=options.metric, column=options.column)
    dim = vectors.shape[1] * (8 if metric in ("hamming", "jaccard") else 1)
    index = Index(
        dim, metric, dtype=options.dtype, M=options.M, ef_construction=options.ef_construction, seed=options.seed
    )
    with _progress() as progress:
        index.add(vectors, threads=options.threads, progress=progress)
    index.save(options.output)
    facts = {"file": options.output, "vectors": len(index), "dim": index.dim, "metric": index.metric}
    _show(facts, options.json)


def _search(options: argparse.Namespace) -> None:
    from vicinal.index import Index

    index = Index.load(options.index)
    queries = read_queries(options.queries, column=options.column)
    ids, distances = index.search(
        queries, options.k, ef=options.ef, recall=options.recall, exact=options.exact, threads=options.threads
    )
    if options.output is not None:
        np.savez(options.output, ids=ids, distances=distances)
        return
    if options.json:
        # JSON knows no infinity, which stands beside the padding id -1.
        finite = [[None if math.isinf(d) else d for d in row] for row in distances.tolist()]
        _say(json.dumps({"ids": ids.tolist(), "distances": finite}))
        return
    for number, (row, nearness) in enumerate(zip(ids.tolist(), distances.tolist(), strict=True)):
        found = (f"{i} ({d:.6g})" for i, d in zip(row, nearness, strict=True) if i >= 0)
        _say(f"{number}: {'  '.join(found)}")


def _info(options: argparse.Namespace) -> None:
    from vicinal.index import Index

    facts = Index.info(options.index)
    _show(asdict(facts) if is_dataclass(facts) and not isinstance(facts, type) else dict(facts), options.json)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="vicinal", description="Approximate nearest neighbors: build, search and measure an index.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_bench(commands.add_parser("bench", help="measure recall and speed beside other engines"))
    _add_build(commands.add_parser("build", help="build an index from a file of vectors"))
    _add_search(commands.add_parser("search", help="find the neighbors of a file of queries"))
    add_check(commands.add_parser("check", help="tell whether an index is well: reachability, duplicates, recall"))
    add_doctor(commands.add_parser("doctor", help="tell what ails an index of any library, and what would mend it"))
    add_report(commands.add_parser("report", help="measure what an index finds of queries, and its health"))
    add_block(commands.add_parser("block", help="propose the pairs of records that may be the same thing"))
    add_shard(commands.add_parser("shard", help="build, search, serve and check an index in many files"))
    info = commands.add_parser("info", help="describe an index file without reading its vectors")
    info.add_argument("index", help="an index file")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=_info)
    return parser


def _add_bench(bench: argparse.ArgumentParser) -> None:
    bench.add_argument("--dataset", required=True, help="a name such as sift-20k, or a file of vectors")
    bench.add_argument("--study", choices=STUDIES, help="instead: how much the order of insertion matters")
    bench.add_argument("--rows", type=_count, help="of a study: draw so many rows (default: all)")
    bench.add_argument("--vs", type=_engines, default=["faiss", "hnswlib", "usearch"], metavar="ENGINE,...",
                       help="rivals (default: faiss,hnswlib,usearch); faiss-m32-c300: with these settings")  # fmt: skip
    bench.add_argument("--engine", type=_engine, default="vicinal", help="what to compare them with (default: vicinal)")
    bench.add_argument("--k", "-k", type=_count, default=10, help="neighbors to find (default: 10)")
    bench.add_argument("--M", type=_count, default=16, help="links per node (default: 16)")
    bench.add_argument("--ef-construction", type=_count, help="beam of the build (default: 200; of a study 128)")
    bench.add_argument("--ef", type=_counts, metavar="EF,...", help="search beams (default: a ladder)")
    bench.add_argument("--threads", type=_count, default=1, help="for batch calls and builds (default: 1)")
    bench.add_argument("--build-threads", type=_count, help="for builds (default: as --threads)")
    bench.add_argument("--rounds", type=_count, default=5, help="interleaved rounds (default: 5)")
    bench.add_argument("--queries", type=_count, help="use only the first so many queries")
    bench.add_argument("--query-file", help="queries, where the data set has none")
    bench.add_argument("--truth-file", help="true neighbors, where the data set has none")
    bench.add_argument("--metric", choices=METRICS, help="where the data set does not say")
    bench.add_argument("--column", help="of a parquet file: the vectors' column")
    bench.add_argument("--no-batch", action="store_true", help="time single queries only")
    bench.add_argument("--one-process", action="store_true", help="no process of its own for each engine")
    bench.add_argument("--json", metavar="FILE", nargs="?", const="-",
                       help="print all figures as JSON instead of the table, or write them to a file")  # fmt: skip
    bench.add_argument("--report", metavar="FILE", help="write a page of HTML")
    bench.set_defaults(run=_bench)


def _add_build(build: argparse.ArgumentParser) -> None:
    build.add_argument("file", help=f"vectors: {SOURCES}")
    build.add_argument("-o", "--output", required=True, help="the index file to write")
    build.add_argument("--metric", choices=METRICS, help="default: what the file says, or l2")
    build.add_argument("--dtype", choices=("f32", "f16", "bf16", "i8", "u8", "b1"), help="how vectors are stored")
    build.add_argument("--M", type=_count, default=16, help="links per node (default: 16)")
    build.add_argument("--ef-construction", type=_count, default=200, help="beam of the build (default: 200)")
    build.add_argument("--seed", type=int, default=0, help="of the random levels (default: 0)")
    build.add_argument("--threads", type=_natural, default=0, help="0: every core (default)")
    build.add_argument("--column", help="of a parquet file: the vectors' column")
    build.add_argument("--json", action="store_true", help="print JSON")
    build.set_defaults(run=_build)


def _add_search(search: argparse.ArgumentParser) -> None:
    search.add_argument("index", help="an index file")
    search.add_argument("queries", help=f"query vectors: {SOURCES}")
    search.add_argument("-k", "--k", type=_count, default=10, help="neighbors to find (default: 10)")
    effort = search.add_mutually_exclusive_group()
    effort.add_argument("--ef", type=_count, help="width of the beam")
    effort.add_argument("--recall", type=float, help="instead: the recall to reach, of an index that was tuned")
    effort.add_argument("--exact", action="store_true", help="instead: compare with every vector")
    search.add_argument("--threads", type=_natural, default=0, help="0: every core (default)")
    search.add_argument("--column", help="of a parquet file: the vectors' column")
    search.add_argument("-o", "--output", metavar="FILE", help="write ids and distances into an .npz file instead")
    search.add_argument("--json", action="store_true", help="print JSON")
    search.set_defaults(run=_search)


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong with a call in one line, as every other error."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _count(text: str) -> int:
    return _integer(text, at_least=1)


def _natural(text: str) -> int:
    return _integer(text, at_least=0)


def _integer(text: str, at_least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an integer, got {text!r}") from None
    if value < at_least:
        raise argparse.ArgumentTypeError(f"expected at least {at_least}, got {value}")
    return value


def _counts(text: str) -> list[int]:
    return [_count(word) for word in text.split(",")]


def _engine(text: str) -> str:
    from vicinal.measure.engines import make_engine

    try:
        return make_engine(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _engines(text: str) -> list[str]:
    return [_engine(word.strip()) for word in text.split(",") if word.strip()]


def _progress() -> AbstractContextManager[Callable[[int, int], None]]:
    from vicinal.measure.progress_line import ProgressLine

    return ProgressLine()


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        _say(json.dumps(facts, default=str))
        return
    width = max(map(len, facts), default=0)
    _say("\n".join(f"{key.replace('_', ' '):<{width}}  {value}" for key, value in facts.items()))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _failed(command: str, message: str) -> int:
    sys.stderr.write(f"vicinal {command}: {message}\n")
    return 1


def _one_line(error: BaseException) -> str:
    """Say what went wrong, without the quotes KeyError adds or the tail of a long message."""
    said: Iterable[str] = (str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)).split("\n")
    text = " ".join(line.strip() for line in said if line.strip())
    return text or type(error).__name__

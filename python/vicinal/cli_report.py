"""The command ``vicinal report``: what an index finds of given queries, and its health, in numbers or on a page."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from vicinal.cli_vectors import SOURCES, read_queries


def add_report(report: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    report.add_argument("index", help="an index file")
    report.add_argument("queries", help=f"query vectors: {SOURCES}")
    report.add_argument("-k", "--k", type=int, default=10, help="neighbors to find (default: 10)")
    report.add_argument("--sample", type=int, metavar="N", help="only so many of the queries, evenly from all")
    report.add_argument("--column", help="of a parquet file: the vectors' column")
    report.add_argument("-o", "--out", metavar="FILE", help="write a page of HTML")
    report.add_argument("--json", action="store_true", help="print JSON")
    report.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """Measure, and write the page where one is wanted.

    Returns
    -------
    int
        0; whether the index is well is said in the report (``vicinal check`` says it by its status).
    """
    import numpy as np

    from vicinal.index import Index
    from vicinal.measure.index_report import write_index_report
    from vicinal.measure.index_study import study_index
    from vicinal.measure.progress_line import ProgressLine

    if options.out is not None and not Path(options.out).absolute().parent.is_dir():
        raise FileNotFoundError(f"{Path(options.out).parent}: no such folder")
    if options.sample is not None and options.sample < 1:
        raise ValueError(f"--sample is {options.sample}, expected at least 1")
    index = Index.load(options.index)
    queries = read_queries(options.queries, column=options.column)
    if options.sample is not None and options.sample < len(queries):
        queries = queries[np.linspace(0, len(queries) - 1, options.sample).astype(np.int64)]
    with ProgressLine() as progress:
        study = study_index(index, queries, options.k, progress=progress)
    if options.out is not None:
        write_index_report(study, options.out, Path(options.index).name, shlex.join(["vicinal", *options.words]))
    sys.stdout.write((json.dumps(study.as_dict()) if options.json else str(study)) + "\n")
    sys.stdout.flush()
    return 0

"""The command ``vicinal bench --study``: questions other than how fast an engine is."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

STUDIES = ("orders",)
_SEEDS = 5


def run_study(options: argparse.Namespace) -> None:
    """Build one index for each order of insertion and seed, and print what each finds.

    hnswlib, where ``--vs`` names it as by default, is measured beside it, row by row.
    """
    from vicinal.measure.order_report import as_json, order_table, write_order_report
    from vicinal.measure.order_study import Setting, load_part, study_orders

    dataset, labels = load_part(options.dataset, options.rows or 0, options.queries or 0)
    setting = Setting(options.M, options.ef_construction or 128, _SEEDS, threads=options.threads)
    study = study_orders(
        dataset,
        labels,
        setting=setting,
        hnswlib_seeds=_SEEDS if "hnswlib" in options.vs else 0,
        tell=_tell,
    )
    command = shlex.join(["vicinal", *options.words])
    content = as_json([study], command)
    if options.report is not None:
        write_order_report([study], options.report, command)
    if options.json not in (None, "-"):
        Path(options.json).write_text(content + "\n", encoding="utf-8")
    sys.stdout.write((content if options.json == "-" else order_table(study)) + "\n")


def _tell(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

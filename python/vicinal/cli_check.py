"""The command ``vicinal check``: whether an index file is well."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict


def add_check(check: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    check.add_argument("index", help="an index file")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=run_check)


def run_check(options: argparse.Namespace) -> int:
    """Print what `vicinal.Index.check` finds.

    Returns
    -------
    int
        0 when the index is well, 1 when something is wrong.
    """
    from vicinal.index import Index

    health = Index.load(options.index).check()
    facts = {"ok": health.ok, **asdict(health)}
    sys.stdout.write((json.dumps(facts) if options.json else str(health)) + "\n")
    sys.stdout.flush()
    return 0 if health.ok else 1

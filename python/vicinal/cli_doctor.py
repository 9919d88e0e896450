"""The command ``vicinal doctor``: what ails an index, whoever built it, and what would mend it."""

from __future__ import annotations

import argparse
import json
import sys


def add_doctor(doctor: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    doctor.add_argument("index", help="an index file of vicinal, faiss, usearch or hnswlib")
    doctor.add_argument("--format", choices=("vicinal", "faiss", "hnswlib", "usearch"),
                        help="who wrote it (default: told by its first bytes, but for hnswlib)")  # fmt: skip
    doctor.add_argument("--space", choices=("l2", "ip", "cosine"), help="of a file of hnswlib: what it was made with")
    doctor.add_argument("--dim", type=int, help="of a file of hnswlib: what it has to hold")
    doctor.add_argument("--ef", type=int, help="judge searches of this beam (default: that of whoever wrote it)")
    doctor.add_argument("--rebuild", type=int, default=100_000, metavar="N",
                        help="build it anew to compare, up to so many vectors (default: 100000)")  # fmt: skip
    doctor.add_argument("--threads", type=int, default=0, help="for repairs and builds; 0: every core (default)")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Read, measure and print.

    Returns
    -------
    int
        0 when nothing is wrong, 1 when something is, 2 when the file cannot be read or the call is wrong.
    """
    from vicinal._core import MAX_EF, MAX_THREADS, MAX_VECTORS
    from vicinal.compat.any_file import read_any
    from vicinal.measure.diagnosis import diagnose
    from vicinal.settings import whole_number

    try:
        asked = None if options.ef is None else whole_number("--ef", options.ef, 1, MAX_EF)
        whole_number("--rebuild", options.rebuild, 0, MAX_VECTORS)
        whole_number("--threads", options.threads, 0, MAX_THREADS)
        index, kind, their_ef = read_any(options.index, options.format, space=options.space, dim=options.dim)
        if len(index) == 0:
            raise ValueError(f"{options.index}: the index is empty")
    except (ValueError, OSError, MemoryError) as error:  # what cannot be read is no finding about an index
        sys.stderr.write(f"vicinal doctor: {' '.join(str(error).split()) or type(error).__name__}\n")
        return 2
    ef = their_ef if asked is None else asked
    diagnosis = diagnose(index, ef=ef, rebuild_up_to=options.rebuild, threads=options.threads)
    if options.json:
        said = json.dumps({"file": options.index, "format": kind, **diagnosis.as_dict()})
    else:
        said = f"{options.index}, written by {kind}: {diagnosis}"
    sys.stdout.write(said + "\n")
    sys.stdout.flush()
    return 1 if diagnosis.findings else 0

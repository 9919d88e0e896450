"""The command ``vicinal block``: from tables of records to the pairs worth comparing."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vicinal.blocking import Blocker, Evaluation, Pairs, Records

METHODS = ("tfidf", "minhash")


def add_block(block: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    block.add_argument("left", help="a table: .csv, or .parquet (with pyarrow)")
    block.add_argument("right", nargs="?", help="another one; without, the first is compared with itself")
    block.add_argument("--method", default="tfidf", help="tfidf, minhash, or both: tfidf+minhash (default: tfidf)")
    block.add_argument("--k", type=int, help="at most so many candidates for each record (default: 10)")
    block.add_argument("--threshold", type=float, help="only pairs of at least this score")
    block.add_argument(
        "--block-by", action="append", metavar="COLUMN", help="a column that must agree; may be repeated"
    )
    block.add_argument("--gold", help="the true pairs: a .csv of two columns, ids where the tables have a column id")
    block.add_argument("--out", help="write the pairs there: a .csv of left, right, score")
    block.add_argument("--json", action="store_true", help="print JSON")
    block.set_defaults(run=run_block)


def run_block(options: argparse.Namespace) -> int:
    """Propose pairs, and say how complete they are where the true ones are given.

    Returns
    -------
    int
        0.
    """
    from vicinal import blocking

    left = blocking.read_records(options.left, "left")
    right = None if options.right is None else blocking.read_records(options.right, "right")
    proposed = [
        _blocker(name).candidates(left, right, k=options.k, threshold=options.threshold, block_by=options.block_by)
        for name in options.method.split("+")
    ]
    pairs = proposed[0] if len(proposed) == 1 else blocking.union(*proposed)
    names = (_names(left), _names(left if right is None else right))
    if options.out is not None:
        _write(pairs, names, options.out)
    found = None
    if options.gold is not None:
        size = None if right is None else len(right)
        found = blocking.evaluate(pairs, _gold(options.gold, *names), len(left), size)
    sys.stdout.write(_told(pairs, found, as_json=options.json) + "\n")
    sys.stdout.flush()
    return 0


def _blocker(name: str) -> Blocker:
    from vicinal import blocking

    blockers: dict[str, type[Blocker]] = {"tfidf": blocking.TfidfBlocker, "minhash": blocking.MinHashBlocker}
    if name not in blockers:
        raise ValueError(f"--method names {name!r}, expected {' or '.join(METHODS)}, joined by +")
    return blockers[name]()


def _names(records: Records) -> list[str]:
    """Return what each record is called: its id, or else its number."""
    column = next((name for name in records.columns if name.lower() == "id"), None)
    return [str(row) for row in range(len(records))] if column is None else records.column(column)


def _gold(path: str, left: list[str], right: list[str]) -> list[tuple[int, int]]:
    numbers = [{name: row for row, name in enumerate(names)} for names in (left, right)]
    pairs = []
    for line, row in enumerate(_rows(path), start=1):
        known = [name in number for name, number in zip(row, numbers, strict=False)]
        if len(row) < len(numbers) or (line > 1 and not all(known)):
            raise ValueError(f"{path} line {line} holds {','.join(row)!r}, expected an id of each table")
        if all(known):  # the first line may be a head
            pairs.append((numbers[0][row[0]], numbers[1][row[1]]))
    return pairs


def _rows(path: str) -> Iterator[list[str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _write(pairs: Pairs, names: tuple[list[str], list[str]], path: str) -> None:
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["left", "right", "score"])
        for (a, b), score in zip(pairs.indices.tolist(), pairs.scores.tolist(), strict=True):
            lines.writerow([names[0][a], names[1][b], round(score, 6)])


def _told(pairs: Pairs, found: Evaluation | None, *, as_json: bool) -> str:
    if not as_json:
        return f"{len(pairs)} pairs" if found is None else str(found)
    facts: dict[str, float] = {"pairs": len(pairs)}
    if found is not None:
        facts |= {
            "completeness": found.completeness,
            "quality": found.quality,
            "reduction_ratio": found.reduction_ratio,
            "matches": found.matches,
        }
    return json.dumps(facts)

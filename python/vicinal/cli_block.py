"""The command ``vicinal block``: from tables of records to the pairs worth comparing."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vicinal.blocking import Blocker, Evaluation, Pairs, Records

METHODS = ("tfidf", "minhash", "vectors", "neural")


def add_block(block: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    block.add_argument("left", help="a table: .csv, or .parquet (with pyarrow)")
    block.add_argument("right", nargs="?", help="another one; without, the first is compared with itself")
    block.add_argument(
        "--method", default="tfidf", help="tfidf, minhash, vectors, neural, or several: tfidf+neural (default: tfidf)"
    )
    block.add_argument(
        "--vectors",
        nargs="+",
        metavar="FILE",
        help="a .npy of embeddings of each table, a row a record, for the methods vectors and neural",
    )
    block.add_argument("--k", type=int, help="at most so many candidates for each record (default: 10)")
    block.add_argument("--threshold", type=float, help="only pairs of at least this score")
    block.add_argument(
        "--block-by", action="append", metavar="COLUMN", help="a column that must agree; may be repeated"
    )
    block.add_argument(
        "--gold",
        help="the true pairs: a .csv of two columns, ids where the tables have a column id; neural learns from half of "
        "the entities and is measured with the others, among the left records that it has learned no pair of",
    )
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
    names = (_names(left), _names(left if right is None else right))
    methods = options.method.split("+")
    for name in methods:
        if name not in METHODS:
            raise ValueError(f"--method names {name!r}, expected {', '.join(METHODS)}, joined by +")
    gold = None if options.gold is None else np.array(_gold(options.gold, *names), np.int64).reshape(-1, 2)
    vectors = _vectors(options.vectors, left, right) if {"vectors", "neural"} & set(methods) else None
    learned, judged = _parted(gold, methods, one_table=right is None)
    proposed = []
    for name in methods:
        tables = vectors if name in ("vectors", "neural") else (left, right)
        assert tables is not None
        blocker = _blocker(name, tables, learned)
        asked = {"k": options.k, "threshold": options.threshold}
        if options.block_by is None:
            proposed.append(blocker.candidates(*tables, **asked))
        elif vectors is tables:
            raise ValueError(f"--block-by is of columns, which the vectors of --method {name} do not have")
        else:
            proposed.append(blocker.candidates(*tables, block_by=options.block_by, **asked))
    pairs = proposed[0] if len(proposed) == 1 else blocking.union(*proposed, by="score")
    if options.out is not None:
        _write(pairs, names, options.out)
    found = None
    if judged is not None:
        unseen = pairs.take(~np.isin(pairs.indices[:, 0], learned[:, 0]))
        found = blocking.evaluate(unseen, judged, len(left), None if right is None else len(right))
    sys.stdout.write(_told(pairs, found, as_json=options.json) + "\n")
    sys.stdout.flush()
    return 0


def _blocker(name: str, tables: tuple[Any, Any], learned: NDArray[np.int64]) -> Blocker:
    from vicinal import blocking

    if name == "neural":
        return blocking.NeuralLSHBlocker().fit(*tables, *([learned] if len(learned) else []))
    blockers: dict[str, type[Blocker]] = {
        "tfidf": blocking.TfidfBlocker,
        "minhash": blocking.MinHashBlocker,
        "vectors": blocking.VectorBlocker,
    }
    return blockers[name]()


def _parted(
    gold: NDArray[np.int64] | None, methods: list[str], *, one_table: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Return the true pairs to learn from, and those to measure with."""
    from vicinal import blocking

    if gold is None or "neural" not in methods:
        return np.zeros((0, 2), np.int64), gold
    return blocking.split(gold, one_table=one_table)


def _vectors(paths: list[str] | None, left: Records, right: Records | None) -> tuple[Any, Any]:
    """Read the embeddings of both tables."""
    tables = [left] if right is None else [left, right]
    if paths is None or len(paths) != len(tables):
        raise ValueError(
            f"--vectors names {len(paths or [])} files, expected {len(tables)}: a .npy of embeddings for each table"
        )
    arrays = [np.load(path, allow_pickle=False) for path in paths]
    for path, array, table in zip(paths, arrays, tables, strict=True):
        if array.ndim != 2 or len(array) != len(table):
            raise ValueError(f"{path} has shape {array.shape}, expected {len(table)} rows, one for each record")
    return arrays[0], (arrays[1] if right is not None else None)


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

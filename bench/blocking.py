"""Blocking of the four table pairs of ../shared/data/er: how complete the candidates are, and how many it takes.

    python bench/blocking.py
    python bench/blocking.py --seeds 1 --tables abt-buy

All records of both tables are distractors. The matches are parted by entity: one half is learned from, the other is
the test. Candidates are those of the records of A that no learned match has. Printed are completeness at 1, 5, 10, 20
and 50 candidates a record, then how many candidates hold 90, 95 and 99 % of the matches, taken by rank (what k costs)
and by score (what a threshold costs), and the seconds of processor time that learning took (with OPENBLAS_NUM_THREADS=1
those of one core).
"shuffled" is the learned blocker with labels that mean nothing; "least" is what no blocker can go below, the matches
themselves. What bench/results/blocking.json has is not measured again; --again does.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from vicinal import blocking

HERE = Path(__file__).resolve().parent
LARGER_SETS = Path(os.environ.get("VICINAL_DATA", HERE.parents[1] / "shared" / "data"))
TABLES = ("abt-buy", "amazon-google", "dblp-acm", "dblp-scholar")
RANKS, LEVELS, WIDEST = (1, 5, 10, 20, 50), (0.90, 0.95, 0.99), 100


def main() -> None:
    """Measure each table and seed; print and keep the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--out", type=Path, default=HERE / "results" / "blocking.json")
    options.add_argument("--again", action="store_true")
    given = options.parse_args()
    kept = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() and not given.again else []
    for name in given.tables:
        for seed in range(given.seeds):
            rows = [row for row in kept if (row["table"], row["seed"]) == (name, seed)]
            if not rows:
                rows = measured(name, seed)
                kept += rows
                given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            for row in rows:
                print(line(row), flush=True)


def measured(name: str, seed: int) -> list[dict[str, Any]]:
    """Return what each blocker does on one split of one pair of tables."""
    data = loaded(f"er/{name}")
    vectors = data["vectors_a"], data["vectors_b"]
    texts = [LARGER_SETS / "er" / name / f"table{side}.csv" for side in "AB"]
    fit, test = blocking.split(data["matches"], seed)
    wrong = np.column_stack([fit[:, 0], np.random.default_rng(seed).permutation(fit[:, 1])])

    def unseen(pairs: blocking.Pairs) -> blocking.Pairs:
        return pairs.take(~np.isin(pairs.indices[:, 0], fit[:, 0]))

    found, seconds = {}, {}
    found["tfidf"] = unseen(blocking.TfidfBlocker().candidates(*texts, k=WIDEST))
    found["minhash"] = unseen(blocking.MinHashBlocker().candidates(*texts, k=WIDEST))
    found["raw"] = unseen(blocking.VectorBlocker(index="exact").candidates(*vectors, k=WIDEST))
    for label, pairs in (("neural", fit), ("shuffled", wrong)):
        start = time.process_time()
        learned = blocking.NeuralLSHBlocker(index="exact", seed=seed).fit(*vectors, pairs)
        seconds[label] = round(time.process_time() - start, 2)
        found[label] = unseen(learned.candidates(*vectors, k=WIDEST))
    found["tfidf+neural"] = blocking.union(found["tfidf"], found["neural"], by="score")
    return [
        {"table": name, "seed": seed, "blocker": label, "fit_seconds": seconds.get(label), "least": len(test)}
        | judged(blocking.evaluate(pairs, test))
        for label, pairs in found.items()
    ]


def judged(found: blocking.Evaluation) -> dict[str, Any]:
    """Return the numbers that are kept."""
    return {
        "completeness": {str(k): round(found.at(k), 4) for k in RANKS},
        "candidates": {str(level): found.candidates_at[level] for level in LEVELS},
        "by_score": {str(level): found.candidates_by_score[level] for level in LEVELS},
    }


def loaded(name: str) -> dict[str, Any]:
    """Load one set of ../shared/data."""
    spec = importlib.util.spec_from_file_location("larger_sets", LARGER_SETS / "data.py")
    assert spec is not None
    assert spec.loader is not None
    data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(data)
    return data.load(name)  # type: ignore[no-any-return]


def line(row: dict[str, Any]) -> str:
    """Return one line of the printed table."""
    at = " ".join(f"{share:.3f}" for share in row["completeness"].values())
    counts = [*row["candidates"].values(), *row["by_score"].values()]
    needed = " ".join(f"{'-' if count is None else count:>7}" for count in counts)
    fitted = "" if row["fit_seconds"] is None else f"{row['fit_seconds']:.1f} s"
    return f"{row['table']:<14} {row['seed']} {row['blocker']:<13} {at} {needed} of {row['least']} {fitted}"


if __name__ == "__main__":
    main()

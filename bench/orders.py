"""How much the order of insertion matters: recall by order, beside the work it takes.

    python bench/orders.py                                   # all five sets, 8 000 rows of each, five seeds
    python bench/orders.py --sets sift-20k minilm-5k --seeds 2

M=16, ef_construction=128. Writes results/orders.json (--json) and a page with figures (--report build/orders.html).
ABLATIONS.md says what came out. The study is the package's own: `vicinal bench --study orders` runs it on one set.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from vicinal.measure.order_report import as_json, order_table, write_order_report
from vicinal.measure.order_study import ORDERS, Setting, Study, load_part, study_orders

RESULTS = Path(__file__).resolve().parent / "results" / "orders.json"
SETS = ("sift-100k", "minilm-debian", "mnist784", "sift-20k", "minilm-5k")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="NAME")
    parser.add_argument("--orders", nargs="+", default=ORDERS, metavar="ORDER")
    parser.add_argument("--rows", type=int, default=8000, help="of each set, drawn; 0: all (default: 8000)")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ef-construction", type=int, default=128)
    parser.add_argument("--hnswlib-seeds", type=int, default=0, help="also hnswlib, row by row (slow)")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--report", type=Path, help="write a page of HTML")
    arguments = parser.parse_args()
    setting = Setting(ef_construction=arguments.ef_construction, seeds=arguments.seeds, threads=arguments.threads)
    command = shlex.join(["python", "bench/orders.py", *sys.argv[1:]])
    studies: list[Study] = []
    for name in arguments.sets:
        dataset, labels = load_part(name, arguments.rows, arguments.queries)
        studies.append(
            study_orders(
                dataset,
                labels,
                orders=arguments.orders,
                setting=setting,
                hnswlib_seeds=arguments.hnswlib_seeds,
                tell=lambda line: print(line, flush=True),
            )
        )
        print(order_table(studies[-1]), flush=True)
        arguments.json.write_text(as_json(studies, command) + "\n", encoding="utf-8")  # after each: a set takes minutes
    if arguments.report:
        write_order_report(studies, arguments.report, command)


if __name__ == "__main__":
    main()

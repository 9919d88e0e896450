"""One index and the same rows in shards: recall at equal effort, what a recall takes, and the memory of two workers.

``python bench/shards.py --set sift-20k``. Counts and recalls do not depend on the machine; memory is Linux's Pss. The
table goes to bench/results/shards.json.
"""

import argparse
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from shards_results import keep

import vicinal
from vicinal.measure import load_dataset
from vicinal.shards import ShardedIndex, build_sharded


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found[:, :, None] == truth[:, None, :]).any(axis=2).mean())


def row(name: str, index: Any, queries: np.ndarray, truth: np.ndarray, **effort: Any) -> dict[str, Any]:
    found = index.search(queries, 10, stats=True, **effort)
    asked = ", ".join(f"{key}={value}" for key, value in effort.items())
    compared = found.stats["distances"].mean() + found.stats["estimates"].mean()
    share = recall(found.ids, truth)
    print(f"{name:<10} {asked:<12} recall@10 {share:.4f}  compared {compared:8.0f}")
    return {"index": name, **effort, "found": share, "compared": float(compared)}


def resident(folder: str, queries: np.ndarray, gate: Any, sizes: Any) -> None:
    with ShardedIndex.open(folder) as index:
        index.search(queries, 10, ef=200)
        gate.wait()  # all have touched what they touch
        sizes.put(shared_bytes())
        gate.wait()


def shared_bytes() -> int:
    """Return the bytes of mapped shards that count for this process: a page that n processes map counts 1/n."""
    total, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            ours = line.endswith(".vicinal")
        elif ours and line.startswith("Pss:"):
            total += int(line.split()[1]) * 1024
    return total


def memory(folder: str, queries: np.ndarray, workers: int) -> float:
    spawn = multiprocessing.get_context("spawn")
    gate, sizes = spawn.Barrier(workers), spawn.Queue()
    crew = [spawn.Process(target=resident, args=(folder, queries, gate, sizes)) for _ in range(workers)]
    for worker in crew:
        worker.start()
    total = sum(sizes.get() for _ in crew)
    for worker in crew:
        worker.join()
    return total / 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--set", default="sift-20k")
    options.add_argument("--shards", default="1,3,8")
    asked = options.parse_args()
    data = load_dataset(asked.set)
    asking, tuning = data.query[::2], data.query[1::2]
    one = vicinal.Index(data.base.shape[1], data.metric)
    one.add(data.base)
    truth = one.search(asking, 10, exact=True).ids
    rows = [row("one index", one, asking, truth, ef=ef) for ef in (16, 32, 64)]
    one.tune(tuning, 10, recall=0.95)
    rows.append(row("one index", one, asking, truth, recall=0.95))
    facts = {}
    for shards in map(int, asked.shards.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            with build_sharded(data.base, folder, shards=shards, metric=data.metric) as many:
                exact = many.search(asking, 10, exact=True)
                same = np.array_equal(exact.ids, truth)
                print(f"{shards} shards: exact answers {'are the same' if same else 'DIFFER'}")
                rows += [row(f"{shards} shards", many, asking, truth, ef=ef) for ef in (16, 32, 64)]
                tuned = many.tune(tuning, 10, recall=0.95)
                widths = next(e["ef"] for e in tuned["efforts"] if e["recall"] == 0.95)
                print("           ef by shard", widths)
                rows.append(row(f"{shards} shards", many, asking, truth, recall=0.95))
            mapped = {workers: memory(folder, asking, workers) for workers in (1, 2)}
            print(f"           mapped, MB: one worker {mapped[1]:.1f}, two {mapped[2]:.1f} together")
            facts[shards] = {"exact_answers_are_the_same": same, "ef_for_0.95": widths, "mapped_mb_by_workers": mapped}
    keep(f"exactness and recall, {asked.set}", {"rows": rows, "shards": facts})


if __name__ == "__main__":
    main()

"""The process of bench/churn.py that has an index: it reads what to do from its input, a line of JSON at a time."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from churn import EFS, Ids, K, Rows, recall_of
from memory import status, trim

import vicinal

M, EF_CONSTRUCTION, THREADS = 16, 200, 2


class Ours:
    """vicinal's index; the other engines have the same methods."""

    def __init__(self, dim: int, capacity: int) -> None:
        del capacity
        self.index = vicinal.Index(dim, M=M, ef_construction=EF_CONSTRUCTION)

    def add(self, ids: Ids, rows: Rows) -> None:
        """Add rows under these ids."""
        self.index.add(rows, ids, threads=THREADS)

    def remove(self, ids: Ids) -> None:
        """Remove what has these ids."""
        self.index.remove(ids)

    def search(self, queries: Rows, ef: int) -> Ids:
        """Return the ids of the k nearest."""
        return self.index.search(queries, K, ef=ef, threads=1).ids

    def unreachable(self) -> int | None:
        """Return how many live ones no path leads to; None where the engine cannot tell."""
        return self.index.check().unreachable


class Hnswlib:
    """hnswlib's, whose new items take the places of those that are marked."""

    def __init__(self, dim: int, capacity: int) -> None:
        import hnswlib

        self.index = hnswlib.Index(space="l2", dim=dim)
        self.index.init_index(capacity, M=M, ef_construction=EF_CONSTRUCTION, allow_replace_deleted=True)
        self.full = False

    def add(self, ids: Ids, rows: Rows) -> None:
        """Add rows under these ids."""
        self.index.add_items(rows, ids, num_threads=THREADS, replace_deleted=self.full)

    def remove(self, ids: Ids) -> None:
        """Remove what has these ids."""
        self.full = True
        for number in ids.tolist():
            self.index.mark_deleted(number)

    def search(self, queries: Rows, ef: int) -> Ids:
        """Return the ids of the k nearest."""
        self.index.set_ef(ef)
        return np.asarray(self.index.knn_query(queries, K, num_threads=1)[0]).astype(np.int64)

    def unreachable(self) -> int | None:
        """Return how many live ones no path leads to; None where the engine cannot tell."""
        return None


class Usearch:
    """usearch's."""

    def __init__(self, dim: int, capacity: int) -> None:
        del capacity
        from usearch.index import Index

        self.index = Index(ndim=dim, metric="l2sq", dtype="f32", connectivity=M, expansion_add=EF_CONSTRUCTION)

    def add(self, ids: Ids, rows: Rows) -> None:
        """Add rows under these ids."""
        self.index.add(ids.astype(np.uint64), rows, threads=THREADS)

    def remove(self, ids: Ids) -> None:
        """Remove what has these ids."""
        self.index.remove(ids.astype(np.uint64))

    def search(self, queries: Rows, ef: int) -> Ids:
        """Return the ids of the k nearest."""
        self.index.expansion_search = ef  # type: ignore[misc]
        return np.asarray(self.index.search(queries, K, threads=1).keys).astype(np.int64).reshape(len(queries), K)

    def unreachable(self) -> int | None:
        """Return how many live ones no path leads to; None where the engine cannot tell."""
        return None


ENGINES = {"vicinal": Ours, "hnswlib": Hnswlib, "usearch": Usearch}


class Living:
    """An index, what is in it, and what can be asked of it."""

    def __init__(self, engine: str, folder: Path) -> None:
        self.folder = folder
        self.pool: Rows = np.load(folder / "pool.npy")
        self.queries: Rows = np.load(folder / "queries.npy")
        self.alive: Ids = np.empty(0, dtype=np.int64)
        self.taken: Ids = np.empty(0, dtype=np.int64)  # others whose vectors live ones were given
        make: Any = ENGINES[engine]
        warm = make(self.pool.shape[1], 2000)  # what the first use of anything takes
        warm.add(np.arange(2000), self.pool[:2000])
        warm.search(self.queries[:10], EFS[0])
        del warm
        trim()
        self.before = status("VmRSS")
        self.index = make(self.pool.shape[1], len(np.load(folder / "round0.npz")["alive"]))

    def round(self, number: int, calls: int) -> dict[str, Any]:
        """Live through a round."""
        step = np.load(self.folder / f"round{number}.npz")
        begin = time.process_time()
        for out, into in zip(np.array_split(step["out"], calls), np.array_split(step["into"], calls), strict=True):
            if len(out):
                self.index.remove(out)
            self.index.add(into, self.pool[into])
        return self.answered(number, time.process_time() - begin)

    def fill(self, number: int) -> dict[str, Any]:
        """Be filled at once with what is live after a round."""
        alive = np.load(self.folder / f"round{number}.npz")["alive"]
        begin = time.process_time()
        self.index.add(alive, self.pool[alive])
        return self.answered(number, time.process_time() - begin)

    def answered(self, number: int, seconds: float) -> dict[str, Any]:
        """Say what is found of what is live after a round, at each effort."""
        step = np.load(self.folder / f"round{number}.npz")
        self.alive = step["alive"]
        recall = {
            str(ef): recall_of(self.index.search(self.queries, ef), self.pool, self.alive, self.queries, step["limit"])
            for ef in EFS
        }
        return {"recall": recall, "seconds": seconds, "unreachable": self.index.unreachable()}

    def memory(self) -> dict[str, int]:
        """Say what the process has, and what it grew by since before the index."""
        trim()
        resident = status("VmRSS")
        return {"resident": resident, "grown": resident - self.before}

    def time(self, ef: int) -> float:
        """Say the microseconds of a query, one a call."""
        begin = time.process_time()
        for query in range(len(self.queries)):
            self.index.search(self.queries[query : query + 1], ef)
        return (time.process_time() - begin) / len(self.queries) * 1e6

    def singles(self, n: int) -> dict[str, float]:
        """Remove, add and update so many, one a call; microseconds of each. Of ours only."""
        index: vicinal.Index = self.index.index
        rng = np.random.default_rng(len(self.alive))
        out = rng.permutation(self.alive)[:n]
        taken = {"remove": self._each(out, lambda number: index.remove(number))}
        self.alive = np.setdiff1d(self.alive, out)
        taken |= self.add_singles(n)
        other, changed = self.others(n), rng.permutation(self.alive)[:n]
        self.taken = np.concatenate([self.taken, other])
        rows = dict(zip(changed.tolist(), self.pool[other], strict=True))
        return taken | {"update": self._each(changed, lambda number: index.update(number, rows[number], threads=1))}

    def add_singles(self, n: int) -> dict[str, float]:
        """Add so many that are not live, one a call."""
        index: vicinal.Index = self.index.index
        into = self.others(n)
        self.alive = np.concatenate([self.alive, into])
        return {"add": self._each(into, lambda number: index.add(self.pool[number : number + 1], [number], threads=1))}

    def others(self, n: int) -> Ids:
        """Draw so many whose vectors are not there: those of copies would cost next to nothing."""
        free = np.setdiff1d(np.arange(len(self.pool)), np.concatenate([self.alive, self.taken]))
        return np.random.default_rng(1).permutation(free)[:n]

    @staticmethod
    def _each(ids: Ids, call: Any) -> float:
        numbers = ids.tolist()
        begin = time.process_time()
        for number in numbers:
            call(number)
        return (time.process_time() - begin) / len(numbers) * 1e6


def main() -> None:
    """Do as told until the input ends."""
    living = Living(sys.argv[1], Path(sys.argv[2]))
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(getattr(living, told.pop("what"))(**told)), flush=True)


if __name__ == "__main__":
    main()

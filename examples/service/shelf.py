"""What the service keeps: texts in SQLite, their vectors in a durable index.

Two files cannot change at one moment. Texts are therefore written first and removed first, and are what counts: when
the shelf is opened after a crash, the index is brought in line with them.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
from embed import DIM, embed

import vicinal


class Item(NamedTuple):
    """A text and where it belongs."""

    id: int
    text: str
    section: str


class Shelf:
    """Items that are added, replaced, removed and searched; every change is on the disk when its call returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._changing = threading.Lock()
        self._texts = sqlite3.connect(folder / "items.sqlite", check_same_thread=False)
        self._texts.execute("CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, text TEXT, section TEXT)")
        self.index = vicinal.Index.open(folder / "items.vic", DIM, "cosine", durability="every_call")
        self._mend()

    def add(self, texts: list[tuple[str, str]]) -> list[int]:
        """Add (text, section) under new ids, and return these."""
        vectors = embed([text for text, _ in texts])
        with self._changing:
            (first,) = self._texts.execute("SELECT COALESCE(MAX(id), -1) + 1 FROM items").fetchone()
            items = [Item(first + row, text, section) for row, (text, section) in enumerate(texts)]
            self._enter(items, vectors)
        return [item.id for item in items]

    def put(self, item: Item) -> None:
        """Add an item, or replace the one that has its id."""
        vectors = embed([item.text])  # whatever can fail comes before the first change
        with self._changing:
            self._enter([item], vectors)

    def remove(self, number: int) -> bool:
        """Remove an item, and say whether it was there."""
        with self._changing:
            with self._texts:
                gone = self._texts.execute("DELETE FROM items WHERE id = ?", (number,)).rowcount
            if number in self.index:
                self.index.remove([number])
        return bool(gone)

    def get(self, numbers: list[int]) -> dict[int, Item]:
        """Return the items that are there, by id."""
        marks = ",".join("?" * len(numbers))
        with self._changing:  # SQLite's connection is one for all threads
            rows = self._texts.execute(f"SELECT id, text, section FROM items WHERE id IN ({marks})", numbers).fetchall()
        return {row[0]: Item(*row) for row in rows}

    def search(self, query: str, k: int, section: str | None) -> list[tuple[Item, float]]:
        """Return the nearest items and their distances (1 - cos)."""
        admitted = None if section is None else self._of(section)
        ids, distances = self.index.search(embed([query])[0], k, filter=admitted)
        near = {int(number): float(distance) for number, distance in zip(ids, distances, strict=True) if number >= 0}
        items = self.get(list(near))
        return [(items[number], distance) for number, distance in near.items() if number in items]

    def copy_to(self, folder: Path) -> dict[str, str | int]:
        """Write texts and index of one moment into another folder; searches go on meanwhile, changes wait."""
        folder.mkdir(parents=True, exist_ok=True)
        with self._changing:
            with contextlib.closing(sqlite3.connect(folder / "items.sqlite")) as copy:
                self._texts.backup(copy)
            self.index.save(folder / "items.vic")
            return {"vectors": len(self.index), "digest": self.index.digest()}

    def close(self) -> None:
        """Close both files."""
        self.index.close()
        self._texts.close()

    def _enter(self, items: list[Item], vectors: np.ndarray) -> None:
        with self._texts:
            self._texts.executemany("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", items)
        self.index.upsert([item.id for item in items], vectors)

    def _of(self, section: str) -> np.ndarray:
        with self._changing:
            rows = self._texts.execute("SELECT id FROM items WHERE section = ?", (section,)).fetchall()
        return np.array([number for (number,) in rows], dtype=np.int64)

    def _mend(self) -> None:
        rows = dict(self._texts.execute("SELECT id, text FROM items").fetchall())
        there = set(self.index.ids.tolist())
        if extra := sorted(there - rows.keys()):
            self.index.remove(extra)
        # A text that was replaced just before a crash has its old vector still; at this size all are compared.
        numbers = sorted(rows)
        if not numbers:
            return
        wanted = embed([rows[number] for number in numbers])
        stale = [
            row
            for row, number in enumerate(numbers)
            if number not in there or not np.allclose(self.index.get(number), wanted[row], atol=1e-5)
        ]
        if stale:
            self.index.upsert([numbers[row] for row in stale], wanted[stale])

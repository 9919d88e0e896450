"""Codes in memory, and vectors beside them or on disk."""

from __future__ import annotations

from vicinal._core import MAX_EF
from vicinal.index.stored import StoredIndex
from vicinal.settings import whole_number

__all__ = ["TieredIndex"]


class TieredIndex(StoredIndex):
    """The part of `vicinal.Index` that knows of codes that stand for vectors in memory."""

    __slots__ = ()

    @property
    def codes(self) -> str | None:
        """Codes that stand for the vectors in memory, None without."""
        name: str | None = self._settings.get("codes")
        return name

    @property
    def vectors(self) -> str:
        """Where vectors lie that have codes in memory: ``"memory"`` or ``"disk"``."""
        tier: str = self._settings.get("vectors", "memory")
        return tier

    def _memory_by_place(self) -> dict[str, int]:
        """Return bytes by part, then those in memory and those in a file."""
        memory = self._memory()
        in_file = memory.pop("mapped")
        return {**memory, "resident": sum(memory.values()) - in_file, "mapped": in_file}

    def _compared(self, rerank: int | str) -> int:
        """Return how many vectors a search is to compare after codes, 0 for as many as it finds."""
        if isinstance(rerank, str) and rerank == "auto":
            return 0
        count = whole_number("rerank", rerank, 1, MAX_EF)
        if self.codes is None:
            raise ValueError(f"rerank is {count} and this index has no codes to rank by first, expected 'auto'")
        return count

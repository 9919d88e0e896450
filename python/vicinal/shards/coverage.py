"""Which part of the data an answer covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vicinal.result import SearchResult

__all__ = ["Coverage", "ShardedResult"]


@dataclass(frozen=True)
class Coverage:
    """The part of a sharded index that answers.

    Attributes
    ----------
    vectors, of : int
        Vectors that were there to be found, and vectors of the whole index.
    shards : int
        Shards of the whole index.
    missing : mapping of int to str
        Why each shard that does not answer does not.

    Examples
    --------
    >>> part = Coverage(750, 1000, 4, {2: "shard 2 of 4 is missing"})
    >>> part.complete, part.share
    (False, 0.75)
    >>> print(part)
    3 of 4 shards, 750 of 1,000 vectors (75.0%); shard 2 of 4 is missing
    """

    vectors: int
    of: int
    shards: int
    missing: Mapping[int, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every shard answers."""
        return not self.missing

    @property
    def share(self) -> float:
        """The share of the vectors, 0 to 1."""
        return self.vectors / self.of if self.of else 1.0

    def __str__(self) -> str:
        part = f"{self.shards - len(self.missing)} of {self.shards} shards"
        size = f"{self.vectors:,} of {self.of:,} vectors ({self.share:.1%})"
        return "; ".join([f"{part}, {size}", *self.missing.values()])


class ShardedResult(SearchResult):
    """What `ShardedIndex.search` returns: a `vicinal.SearchResult` that says what it covers.

    Attributes
    ----------
    coverage : Coverage

    Examples
    --------
    >>> import tempfile
    >>> import vicinal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with vicinal.shards.build_sharded([[1.0, 2.0], [3.0, 4.0]], folder.name, shards=2) as index:
    ...     print(index.search([3.0, 4.0], k=1).coverage)
    2 of 2 shards, 2 of 2 vectors (100.0%)
    >>> folder.cleanup()
    """

    coverage: Coverage

    def __reduce__(self) -> tuple[Any, ...]:
        return _result, (self.ids, self.distances, self.metric, self.stats, self.coverage)


def _result(ids: Any, distances: Any, metric: str, stats: dict[str, Any] | None, coverage: Coverage) -> ShardedResult:
    result = ShardedResult(ids, distances, metric, stats)
    result.coverage = coverage
    return result

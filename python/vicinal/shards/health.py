"""Whether a folder of shards is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vicinal.errors import CorruptIndexError, VicinalError
from vicinal.index import Health, Index
from vicinal.shards.coverage import Coverage
from vicinal.shards.manifest import file_sha256
from vicinal.shards.shard import Shard, named_error

__all__ = ["ShardsHealth", "check_one"]


@dataclass(frozen=True)
class ShardsHealth:
    """What `ShardedIndex.check` found.

    Attributes
    ----------
    shards : mapping of int to Health
        By number, of each shard that could be read.
    faults : mapping of int to str
        What is wrong with each other shard.
    coverage : Coverage

    Examples
    --------
    >>> import tempfile
    >>> import vicinal
    >>> folder = tempfile.TemporaryDirectory()
    >>> with vicinal.shards.build_sharded([[1.0, 2.0], [3.0, 4.0]], folder.name, shards=2) as index:
    ...     health = index.check()
    >>> health.ok, sorted(health.shards), dict(health.faults)
    (True, [0, 1], {})
    >>> folder.cleanup()
    """

    shards: Mapping[int, Health]
    faults: Mapping[int, str]
    coverage: Coverage

    @property
    def ok(self) -> bool:
        """Whether every shard is there, whole and well."""
        return not self.faults and all(health.ok for health in self.shards.values())

    def __str__(self) -> str:
        lines = [f"{'well' if self.ok else 'NOT WELL'}: {self.coverage.shards} shards, {self.coverage.of:,} vectors"]
        lines += [f"shard {number}: {health!s}" for number, health in sorted(self.shards.items())]
        lines += [f"NOT READABLE: {fault}" for _, fault in sorted(self.faults.items())]
        return "\n".join(lines)


def check_one(shard: Shard) -> Health:
    """Compare a file with its digest, read it as a whole, and look at every vector and link."""
    try:
        shard.open()
        found = file_sha256(shard.path)
        if found != shard.entry.sha256:
            raise CorruptIndexError(f"its SHA-256 is {found}, expected {shard.entry.sha256} as the manifest says")
        return Index.load(shard.path).check()
    except VicinalError as error:
        raise named_error(shard, error) from error

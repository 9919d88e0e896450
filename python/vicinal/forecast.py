"""What building and searching will cost, by how both grew where they were measured.

With each doubling of the vectors a query compares a little more, and a vector that is added costs a little more: over
log2 of their number both lie near straight lines. The figures are those of ``bench/results/growth.json`` (``python
bench/growth.py``): one core, recall@10 of 0.95, M=16, vectors of 128 floats (sift-100k) and of 384 (119 297 texts), a
comparison at its price where the index was largest. Between and beyond these lengths the cost is taken as linear, and
beyond these numbers the lines go on. A hundred million is far from what was measured: plan with twice the cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["SHARD_VECTORS", "Spread", "spread"]

# Fewer, larger shards search faster; but a build that is cut short begins its shard again, and a change writes it anew.
SHARD_VECTORS = 100_000_000

COMPARED = (63.62, -553.3)  # by a query of sift-100k: for each doubling, and where a single vector would be
COMPARISON = {128: 0.0429, 384: 0.0740}  # microseconds, by the length of a vector
BUILD = {128: (18.80, -172.6), 384: (46.31, -507.6)}  # microseconds for each vector, by length: a line as above
SMALLEST = 7_500  # vectors: below what was measured the lines do not go on


@dataclass(frozen=True)
class Spread:
    """An index spread over machines, and what it costs.

    Attributes
    ----------
    hosts, shards : int
        Each host holds as many shards as any other, or one more.
    bytes_per_host : int
        Of the host that holds the most.
    build_core_hours : float
        Hours of one core to build all of it.
    queries_per_core : float
        Queries a second, for each core that every host has: a query goes to all of them.

    Examples
    --------
    >>> import vicinal
    >>> cluster = vicinal.plan(1_000_000_000, 128, dtype="u8", hosts=10).spread
    >>> cluster.shards, cluster.bytes_per_host < 64e9
    (10, True)
    """

    hosts: int
    shards: int
    bytes_per_host: int
    build_core_hours: float
    queries_per_core: float

    def __str__(self) -> str:
        return "\n".join(
            f"  {what:<18}{figure}"
            for what, figure in (
                ("hosts", f"{self.hosts:,}"),
                ("shards", f"{self.shards:,}"),
                ("memory of a host", f"{self.bytes_per_host / 1e9:,.1f} GB"),
                ("build", f"{self.build_core_hours:,.2g} hours of a core"),
                ("search", f"{self.queries_per_core:,.2g} queries a second by each core of a host, at recall@10 0.95"),
            )
        )


def shards_for(n: int, hosts: int) -> int:
    """Return how many shards: one a host, or more where they would hold more than a hundred million.

    Examples
    --------
    >>> shards_for(1000, 1), shards_for(10**9, 4), shards_for(10**9, 20)
    (1, 12, 20)
    """
    return hosts * max(1, math.ceil(n / hosts / SHARD_VECTORS))


def spread(n: int, dim: int, bytes_per_vector: float, hosts: int) -> Spread:
    """Forecast an index over `hosts` machines."""
    shards = shards_for(n, hosts)
    held = shards // hosts
    size = n / shards
    query = _at(COMPARED, size) * _by_length(COMPARISON, dim)
    build = _by_length({length: _at(line, size) for length, line in BUILD.items()}, dim)
    return Spread(
        hosts,
        shards,
        math.ceil(size * bytes_per_vector) * held,
        n * build / 3.6e9,
        1e6 / (held * query),
    )


def _at(line: tuple[float, float], size: float) -> float:
    slope, start = line
    return start + slope * math.log2(max(size, SMALLEST))


def _by_length(known: dict[int, float], dim: int) -> float:
    """Return what is known of two lengths for another: on the line through both, half of the shorter at least."""
    (short, low), (long, high) = sorted(known.items())
    return max(low / 2, low + (high - low) * (dim - short) / (long - short))

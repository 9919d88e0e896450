"""What building and searching will cost, by how both grew where they were measured.

With each doubling of the vectors a query, and a vector that is added, cost a little more: over log2 of the number the
measured seconds lie near a straight line. The lines below are those of ``bench/results/growth.json`` (``python
bench/growth.py``): one core, recall@10 of 0.95, M=16, float vectors, of 128 numbers (a drawn million) and of 384
(119 297 texts). Between and beyond these lengths the cost is taken as linear, and beyond these numbers the lines go on;
a hundred million is far from what was measured, so plan with twice the cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["SHARD_VECTORS", "Spread", "spread"]

# Fewer, larger shards search faster; but a build that is cut short begins its shard again, and a change writes it anew.
SHARD_VECTORS = 100_000_000

# Microseconds: for each doubling, and where a single vector would be; by length of a vector.
QUERY = {128: (0.0, 0.0), 384: (0.0, 0.0)}
BUILD = {128: (0.0, 0.0), 384: (0.0, 0.0)}
LEAST = 1.0  # microseconds: lines are no guide where there is next to nothing


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
    size = max(1.0, n / shards)
    return Spread(
        hosts,
        shards,
        math.ceil(size * bytes_per_vector) * held,
        n * _cost(BUILD, size, dim) / 3.6e9,
        1e6 / (held * _cost(QUERY, size, dim)),
    )


def _cost(lines: dict[int, tuple[float, float]], size: float, dim: int) -> float:
    """Return microseconds, linear in the length of a vector."""
    (short, low), (long, high) = (
        (length, start + slope * math.log2(size)) for length, (slope, start) in sorted(lines.items())
    )
    return max(LEAST, low + (high - low) * (dim - short) / (long - short))

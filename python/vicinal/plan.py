"""What an index will take, before it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vicinal import _core
from vicinal._core import MAX_DIM, MAX_M, MAX_VECTORS, MIN_M
from vicinal.forecast import Spread, spread
from vicinal.settings import TRAVERSALS, codes_and_tier, metric_and_dtype, one_of, whole_number

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """The memory an index of `n` vectors takes.

    Attributes
    ----------
    n, dim, metric, dtype, M, traversal, codes, vectors
        What was asked for.
    mapped : int
        Bytes of vectors that lie on disk, which are among `bytes` and not among `resident`.
    bytes : mapping of str to int
        Bytes by part: ``"vectors"``, ``"codes"`` (what walks compare), ``"links"`` (level 0), ``"upper_links"``,
        ``"ids"``, ``"factors"`` and ``"copies"`` (what tells which vectors are there more than once). The levels above
        0 are drawn at random, so that ``"upper_links"`` is what is expected. Groups, of which a plan does not know,
        add 8 bytes a vector to ``"ids"``.
    spread : Spread
        Over how many hosts, in how many shards; memory of a host, hours to build, queries a second.

    Examples
    --------
    >>> import vicinal
    >>> forecast = vicinal.plan(1_000_000, 128, dtype="f16")
    >>> forecast.bytes["vectors"] / forecast.n
    256.0
    """

    n: int
    dim: int
    metric: str
    dtype: str
    M: int
    traversal: str
    bytes: Mapping[str, int]
    spread: Spread
    codes: str | None = None
    vectors: str = "memory"
    mapped: int = 0

    @property
    def total(self) -> int:
        """Bytes of the whole index, in memory and on disk."""
        return sum(self.bytes.values())

    @property
    def resident(self) -> int:
        """Bytes of the index in memory."""
        return self.total - self.mapped

    @property
    def bytes_per_vector(self) -> float:
        """Bytes of the whole index, shared out over its vectors; 0 when there are none."""
        return self.total / self.n if self.n else 0.0

    def __str__(self) -> str:
        lines = [f"{self.n:,} vectors of {self.dim} × {self.dtype}, {self.metric}, M={self.M}"]
        for part, size in self.bytes.items():
            share = size / self.total if self.total else 0.0
            lines.append(f"  {part.replace('_', ' '):<12}{readable(size):>12}{share:>7.1%}")
        lines.append(f"  {'total':<12}{readable(self.total):>12}   {self.bytes_per_vector:,.1f} bytes a vector")
        if self.mapped:
            lines.append(f"  {'on disk':<12}{readable(self.mapped):>12}")
            lines.append(
                f"  {'in memory':<12}{readable(self.resident):>12}   {self.resident / self.n:,.1f} bytes a vector"
            )
        lines.append(str(self.spread))
        return "\n".join(lines)


def plan(
    n: int,
    dim: int,
    *,
    metric: str = "l2",
    dtype: str | None = None,
    M: int = 16,
    traversal: str = "auto",
    codes: str | None = None,
    vectors: str | None = "memory",
    hosts: int = 1,
) -> Plan:
    """Forecast the memory of an index by the arithmetic that lays it out, and its times by measured growth.

    Parameters
    ----------
    n : int
        Number of vectors, up to 2**31 - 1 for each host.
    dim : int
        Elements of a vector; for packed bits, bits.
    metric : str
        ``"l2"``, ``"ip"``, ``"cosine"``, ``"hamming"`` or ``"jaccard"``.
    dtype : str, optional
        ``"f32"``, ``"f16"``, ``"bf16"``, ``"i8"``, ``"u8"`` or ``"b1"``; by default f32, b1 for hamming and jaccard.
    M : int
        Links of a node above level 0; level 0 holds 2M.
    traversal : str
        What a search walks on, as for :class:`vicinal.Index`. ``"auto"`` is forecast as ``"sq4"`` for floats in
        192 dimensions and more, and as ``"sq8"`` in more than 32; whole numbers from 0 to 255 take 8 bytes less each.
    codes, vectors : str
        As for :class:`vicinal.Index`. Of an index that is loaded with ``mmap=True`` the ids and what tells copies take
        less than is forecast, since it is not changed.
    hosts : int
        Machines that share the vectors, in shards (`vicinal.shards`).

    Returns
    -------
    Plan
        Bytes by part, in total and per vector, and what building and searching costs; prints as a table.

    Raises
    ------
    ValueError
        A setting is out of range, or metric, dtype, codes and vectors do not go together.

    Examples
    --------
    >>> import vicinal
    >>> forecast = vicinal.plan(1_000_000, 128)
    >>> forecast.bytes["vectors"]
    512000000
    >>> tiered = vicinal.plan(1_000_000, 384, metric="cosine", dtype="f16", codes="2bit", vectors="disk")
    >>> tiered.mapped / tiered.n, tiered.bytes["codes"] / tiered.n
    (772.0, 104.0)
    """
    machines = whole_number("hosts", hosts, 1, 65_536)
    count = whole_number("n", n, 0, MAX_VECTORS * machines)
    columns = whole_number("dim", dim, 1, MAX_DIM)
    links = whole_number("M", M, MIN_M, MAX_M)
    one_of("traversal", traversal, TRAVERSALS)
    distance, stored = metric_and_dtype(metric, dtype)
    coded, tier = codes_and_tier(codes, vectors, traversal)
    shard = -(-count // machines)
    share = count / shard if shard else 1.0
    parts = _core.plan_memory(shard, columns, distance, stored, links, traversal, coded, tier)
    parts = {part: round(size * share) for part, size in parts.items()}
    mapped = parts.pop("mapped")
    each = (sum(parts.values()) - mapped) / count if count else 0.0  # what a host has to hold
    times = spread(count, columns, each, machines)
    return Plan(count, columns, distance, stored, links, traversal, parts, times, coded or None, tier, mapped)


def readable(size: float) -> str:
    """Write a number of bytes with the unit that suits it.

    Examples
    --------
    >>> readable(512), readable(3_500_000)
    ('512 B', '3.5 MB')
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"

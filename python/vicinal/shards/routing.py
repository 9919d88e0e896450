"""Which shard an id belongs to: a hash of the id alone, so that shards are balanced whatever the ids are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_SHARDS", "shard_of", "split_by_shard"]

MAX_SHARDS = 65_536


def shard_of(ids: NDArray[np.int64], shards: int) -> NDArray[np.int64]:
    """Return the shard of each id. It never changes: folders that exist depend on it.

    References
    ----------
    Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014, for the mixing of bits
    (with the constants of Stafford's variant 13).

    Examples
    --------
    >>> import numpy as np
    >>> shard_of(np.arange(8), 3).tolist()
    [1, 2, 1, 0, 1, 2, 2, 0]
    """
    mixed = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)  # wraps around, as it should
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    owners: NDArray[np.int64] = (mixed % np.uint64(shards)).astype(np.int64)
    return owners


def split_by_shard(ids: NDArray[np.int64], shards: int) -> dict[int, NDArray[np.int64]]:
    """Return the places of `ids`, in their order, for each shard that has any.

    Examples
    --------
    >>> import numpy as np
    >>> {shard: places.tolist() for shard, places in split_by_shard(np.arange(4), 3).items()}
    {0: [3], 1: [0, 2], 2: [1]}
    """
    owners = shard_of(ids, shards)
    order = np.argsort(owners, kind="stable")
    present, starts = np.unique(owners[order], return_index=True)
    pieces = np.split(order, starts[1:])
    return dict(zip(present.tolist(), pieces, strict=False))

"""An index in many files: a folder of shards and one page that says what they hold.

A single file is enough for most; shards are for what does not fit one machine's memory while it is built, and for
searching it from several processes that share what they map. Sharding buys capacity, not speed: each query goes to
every shard.

====================  ================================================================
``routing``           which shard an id belongs to
``manifest``          the page: format, checks, replaced in one step
``source, spill``     rows from files and streams; on their way to their shards
``build``             the folder
``shard, opened``     one shard, mapped; all of them, and asking them at once
``merge``             lists of neighbors become one
``efforts``           what in each shard makes the merged answer reach a recall
``changing``          add, update, upsert, remove
``executors``         threads or processes
``sharded``           the face
``joined``            near pairs, in one shard and across two
``question, service`` what is asked over a network, and whoever answers it (`vicinal.ray` carries the calls)
====================  ================================================================
"""

from vicinal.shards.build import build_sharded
from vicinal.shards.coverage import Coverage, ShardedResult
from vicinal.shards.executors import Executor, Processes, Threads
from vicinal.shards.health import ShardsHealth
from vicinal.shards.joined import self_join
from vicinal.shards.sharded import ShardedIndex

__all__ = [
    "Coverage",
    "Executor",
    "Processes",
    "ShardedIndex",
    "ShardedResult",
    "ShardsHealth",
    "Threads",
    "build_sharded",
    "self_join",
]

// Bytes become an index (persist/format.hpp). Trusts nothing: what comes out is a graph that the rest of the library
// may walk without looking, or an exception.
#pragma once

#include <cstdint>

#include "base/watch.hpp"
#include "file/bytes.hpp"
#include "file/container.hpp"
#include "graph/graph.hpp"
#include "persist/settings.hpp"

namespace vicinal {

struct StoredIndex {
    Graph graph;
    std::int64_t next_id = 0;
};

struct StoredFacts {
    Settings settings;
    std::uint64_t file_bytes = 0;
    FormatVersion version;
};

// Throws NotAnIndexError, CorruptIndexError, FormatTooNewError, IoError; Stopped when the watch says so; and
// std::bad_alloc. Nothing is allocated before the length of the source has vouched for it: less than twice that
// length and some small change are taken in all. Time: linear, but for one sort of the ids where they are not in
// order.
StoredIndex read_index(const ByteSource& source, Watch& watch);

// Reads header, table and settings, and looks at nothing else.
StoredFacts read_facts(const ByteSource& source);

}  // namespace vicinal

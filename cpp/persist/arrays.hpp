// A graph as plain arrays: how one that another library built is taken over as it is, and how ours is handed on.
//
// Malkov & Yashunin's graph is the same everywhere: nodes with levels, rows of links on each, 2M of them at the bottom
// and M above. What differs is how a file holds them, and readers of foreign files know that. Here it stops to matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/watch.hpp"
#include "graph/graph.hpp"
#include "persist/read.hpp"

namespace vicinal {

// One entry for each row of vectors. Rows of links are as ours (persist/format.hpp): the links of a row stand first,
// every lane after them holds the row's own number.
struct GraphArrays {
    std::span<const std::byte> vectors;    // as callers hand them in, without gaps
    std::span<const std::int64_t> ids;     // none negative, none twice among those that are there
    std::span<const std::uint8_t> gone;    // not 0: removed, and still walked through
    std::span<const std::int8_t> levels;   // highest of each node; -1: a copy of the node that its one link leads to
    std::span<const std::uint32_t> links;  // 2M lanes each
    std::span<const std::uint32_t> upper_links;  // M lanes for each level above 0 of each node, level 1 first
    std::uint32_t entry = 0;                     // a node of the highest level
};

// The same, owned.
struct OwnedArrays {
    std::vector<std::byte> vectors;
    std::vector<std::int64_t> ids;
    std::vector<std::uint8_t> gone;
    std::vector<std::int8_t> levels;
    std::vector<std::uint32_t> links, upper_links;
    std::uint32_t entry = 0;
};

// The graph as it is: nothing is linked anew. Trusts nothing: throws CorruptIndexError, beginning with `name`, for the
// first thing that is no sound graph; InvalidVectorError for vectors that the options do not walk on; Stopped.
StoredIndex adopt(const Space& space, const GraphOptions& options, const GraphArrays& arrays, const std::string& name,
                  Watch& watch);

// Requires: no slot is vacant, and no pass of repairs is under way.
OwnedArrays arrays_of(const Graph& graph);

}  // namespace vicinal

// What a thread needs beside an index to work on it, kept across calls so that nothing is allocated twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/group_tally.hpp"
#include "graph/nearest.hpp"
#include "graph/nearest_groups.hpp"
#include "graph/select.hpp"
#include "graph/walk.hpp"

namespace vicinal {

struct ThreadScratch {
    Scratch walk;
    SelectScratch select;
    std::vector<float> probe;
    std::vector<std::byte> code, coarse_code;  // of a query
    std::vector<Key> candidates;
    std::vector<Key> better;           // the candidates, measured anew
    std::vector<std::uint32_t> joint;  // the old and the new links of a node,
    std::vector<Distance> distances;   // and how far they are
    std::vector<std::uint32_t> chosen;
    std::vector<std::int64_t> tied;      // ids at one distance
    std::vector<Key> admitted;           // of the candidates, those that a filter admits
    std::vector<std::uint32_t> samples;  // of the admitted
    std::vector<GroupedHit> grouped;     // candidates of a search that takes so many of a group,
    GroupTally group_tally;              // and how many it has taken
    NearestGroups groups;                // of a search for those within a radius
};

// The calling thread's own. Shared by all indexes: a walk leaves it as it found it, and its room is the largest asked.
inline ThreadScratch& scratch_of_this_thread() {
    static thread_local ThreadScratch scratch;
    return scratch;
}

}  // namespace vicinal

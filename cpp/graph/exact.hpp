// Exact answers to a group of queries that share each reading of the rows.
#pragma once

#include <cstddef>
#include <span>

#include "graph/scan.hpp"
#include "graph/search.hpp"

namespace vicinal {

constexpr std::size_t kQueriesPerScan = 16;  // more would push the rows out of the cache by heaps and queries

// One query of a group: where it is, laid out as callers hand it in, and where its answer goes.
struct ExactQuery {
    const std::byte* given;
    Answer answer;
    std::int64_t* count;
};

// Requires: at most kQueriesPerScan queries. Ends early, with answers that are of no use, when the watch says stop.
void answer_exactly(const ScanRows& rows, const Space& space, std::span<const ExactQuery> queries, std::size_t k,
                    const Checkpoint& checkpoint);

}  // namespace vicinal

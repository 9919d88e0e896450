// Exact answers to a group of queries that share each reading of the rows.
#pragma once

#include <cstddef>

#include "graph/scan.hpp"
#include "graph/search.hpp"

namespace vicinal {

constexpr std::size_t kQueriesPerScan = 16;  // more would push the rows out of the cache by heaps and queries

// `queries` as callers hand them in, n of them, at most kQueriesPerScan; one answer each. Writes how many neighbors
// each has to `counts`.
void answer_exactly(const ScanRows& rows, const Space& space, const std::byte* queries, std::size_t n, std::size_t k,
                    const Answer* answers, std::int64_t* counts);

}  // namespace vicinal

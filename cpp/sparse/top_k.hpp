// The rows of an inverted index that have the largest inner products with sparse queries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/watch.hpp"
#include "sparse/inverted_index.hpp"
#include "sparse/rows.hpp"

namespace vicinal {

struct SparseAsked {
    std::size_t k;          // at most so many rows a query
    float least;            // and none that scores less
    bool skip_own = false;  // leave out the row that has the query's own number: a table asked about itself
    std::size_t threads = 0;
};

// The answers of all queries one after another: query i has [starts[i], starts[i + 1]).
struct SparseAnswers {
    std::vector<std::int64_t> starts;
    std::vector<std::int64_t> rows;
    std::vector<float> scores;
};

// Only rows that share a column with the query are candidates. Best first, equal scores in the order of rows; products
// are summed in the order of columns, so the answer is the same for any number of threads.
//
// A query looks at the rows a block at a time, so a thread needs memory for one block's sums and for what it has found,
// whatever the size of the index. Throws Stopped when the watch says so.
SparseAnswers sparse_top_k(const InvertedIndex& index, const SparseRows& queries, const SparseAsked& asked,
                           Watch& watch);

}  // namespace vicinal

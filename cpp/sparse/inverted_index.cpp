#include "sparse/inverted_index.hpp"

#include <limits>
#include <string>

#include "base/errors.hpp"

namespace vicinal {

InvertedIndex::InvertedIndex(const SparseRows& rows, std::size_t width)
    : rows_(rows.size()), starts_(width + 1, 0), postings_(rows.values.size()) {
    if (rows_ > std::numeric_limits<std::uint32_t>::max())
        throw InvalidArgumentError("base: " + std::to_string(rows_) + " rows, expected at most 2^32 - 1");
    for (const std::int32_t column : rows.columns) ++starts_[static_cast<std::size_t>(column) + 1];
    for (std::size_t column = 0; column < width; ++column) starts_[column + 1] += starts_[column];
    std::vector<std::size_t> next(starts_.begin(), starts_.end() - 1);
    for (std::size_t row = 0; row < rows_; ++row)
        for (std::size_t at = rows.begin(row); at < rows.end(row); ++at)
            postings_[next[static_cast<std::size_t>(rows.columns[at])]++] = {static_cast<std::uint32_t>(row),
                                                                             rows.values[at]};
}

}  // namespace vicinal

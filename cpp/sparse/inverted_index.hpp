// Sparse rows the other way around: for each column the rows that hold it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sparse/rows.hpp"

namespace vicinal {

// Invariants: the postings of a column are ordered by row. Thread safety: constant once built.
class InvertedIndex {
public:
    struct Posting {
        std::uint32_t row;
        float value;
    };

    // Requires: check(rows, width) has passed. Throws InvalidArgumentError above 2^32 - 1 rows.
    InvertedIndex(const SparseRows& rows, std::size_t width);

    std::size_t rows() const { return rows_; }
    std::size_t width() const { return starts_.size() - 1; }
    std::span<const Posting> postings(std::size_t column) const {
        return std::span(postings_).subspan(starts_[column], starts_[column + 1] - starts_[column]);
    }

private:
    std::size_t rows_;
    std::vector<std::size_t> starts_;
    std::vector<Posting> postings_;
};

}  // namespace vicinal

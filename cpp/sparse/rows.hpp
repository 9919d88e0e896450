// Rows that are zero almost everywhere, as their caller holds them: compressed rows (CSR).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vicinal {

// Row i has the values [starts[i], starts[i + 1]) in `columns` and `values`; columns ascend within a row.
struct SparseRows {
    std::span<const std::int64_t> starts;  // one more than there are rows
    std::span<const std::int32_t> columns;
    std::span<const float> values;

    std::size_t size() const { return starts.size() - 1; }
    std::size_t begin(std::size_t row) const { return static_cast<std::size_t>(starts[row]); }
    std::size_t end(std::size_t row) const { return static_cast<std::size_t>(starts[row + 1]); }
};

// Throws InvalidArgumentError (named `name`) unless starts ascend from 0 to the number of values, columns ascend
// within each row below `width`, and every value is finite.
void check(const SparseRows& rows, std::size_t width, const char* name);

}  // namespace vicinal

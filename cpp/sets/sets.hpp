// Sets of vectors: the tokens of a document, of a query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vicinal {

// Set i has the rows [starts[i], starts[i + 1]). Borrowed.
struct VectorSets {
    enum class Type : std::uint8_t { f32, f16, b4 };  // b4: four_bits.hpp

    const std::byte* rows;
    std::size_t n;  // rows
    std::size_t dim;
    Type type;
    std::span<const std::int64_t> starts;  // one more than there are sets

    std::size_t size() const { return starts.size() - 1; }
    std::size_t begin(std::size_t set) const { return static_cast<std::size_t>(starts[set]); }
    std::size_t count(std::size_t set) const { return static_cast<std::size_t>(starts[set + 1] - starts[set]); }
    std::size_t row_bytes() const;
};

// Throws InvalidArgumentError (named `name`) unless starts ascend from 0 to the number of rows and no set is empty.
void check(const VectorSets& sets, const char* name);

// Rows of sets as float32, one after the other, where they are that already; else in room of its own.
class WidenedRows {
public:
    const float* of(const VectorSets& sets, std::size_t first, std::size_t n);

private:
    std::vector<float> widened_;
};

}  // namespace vicinal

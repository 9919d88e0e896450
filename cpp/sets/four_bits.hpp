// Vectors as four bits an element and one factor, an eighth of float32.
//
// An element is factor * (code - 7.5), so that codes lie evenly about zero. That fits vectors whose elements are alike
// in size: whoever encodes turns them first (a random rotation). A row is ceil(dim / 2) bytes, then the factor as
// float16; of the bytes, byte j holds element j in its lower half and element j + ceil(dim / 2) in its upper half.
#pragma once

#include <cstddef>

namespace vicinal {

std::size_t four_bit_bytes(std::size_t dim);

// The factor is the one of a few that leaves the least error. Requires: finite elements. It ends at what float16
// holds (65504): elements beyond 7.5 times that are cut off.
void to_four_bits(const float* row, std::size_t dim, std::byte* coded);
void from_four_bits(const std::byte* coded, std::size_t dim, float* row);

}  // namespace vicinal

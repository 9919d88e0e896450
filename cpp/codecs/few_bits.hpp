// Vectors in four or two bits a dimension.
#pragma once

#include <cstddef>
#include <vector>

namespace vicinal {

// Elements come in blocks, as kernels take them (kernels.hpp, dot_nibbles and dot_crumbs); what is missing in the last
// meets zeros of the other vector.
constexpr std::size_t kCodeBlock = 64;

// A vector x in whole steps c: step * <c, q> is about <x, q> for any q.
//
// Not the step that was rounded with, but |x|^2 / <x, c>: then the error step * c - x stands at right angles to x and
// so, when q is near x, nearly at right angles to q. (RaBitQ's way, Gao & Long 2024, arXiv 2405.12497 and 2409.09913.)
struct Packed {
    float squared_norm;  // of x
    float step;          // 0 for zeros
    float lost;          // |step * c - x|^2
};

// Writes `values` as whole steps from -7 to 7.
Packed pack_nibbles(const float* values, std::size_t n, std::byte* code, std::vector<float>& scratch);

// As steps of -3, -1, 1 and 3.
Packed pack_crumbs(const float* values, std::size_t n, std::byte* code, std::vector<float>& scratch);

}  // namespace vicinal

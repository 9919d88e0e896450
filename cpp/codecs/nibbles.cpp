#include "codecs/nibbles.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/checked.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

constexpr float kMost = 7.0F;  // steps either way

// <x, c> and <c, c> of a vector and its steps.
struct Fit {
    float along = 0, squares = 0;
    float closeness() const { return squares > 0 ? along * along / squares : 0; }  // |x|^2 when they are parallel
};

}  // namespace

Packed pack_nibbles(const float* values, std::size_t n, std::byte* code, std::vector<float>& scratch) {
    const kernels::Loops& loops = *kernels::active().loops;
    const std::size_t length = round_up(n, kNibbleBlock);
    // As parts of the largest element, so that nothing overflows on the way.
    const auto largest = std::bit_cast<float>(loops.largest_magnitude(values, n));
    const float scale = largest > 1 / std::numeric_limits<float>::max() ? 1 / largest : 0.0F;
    scratch.assign(length, 0.0F);
    loops.scale(values, scale, n, scratch.data());
    const auto squared = static_cast<float>(loops.sum_of_squares(scratch.data(), length));

    // A step that takes in the largest element is too coarse for the many small ones; which finer one pays depends on
    // how elements are spread, and a third of their root mean square is best for a normal distribution.
    const float deviation = std::sqrt(squared / static_cast<float>(n));
    Fit best;
    float inverse_step = 0;
    for (const float share : {0.25F, 0.335F, 0.45F, 1.0F}) {
        if (squared == 0) break;
        const float inverse = std::max(kMost, 1 / (share * deviation));
        Fit fit;
        loops.fit_few_steps(scratch.data(), inverse, length, &fit.along, &fit.squares);
        if (fit.closeness() <= best.closeness()) continue;
        best = fit;
        inverse_step = inverse;
    }
    loops.to_nibbles(scratch.data(), inverse_step, length, reinterpret_cast<std::uint8_t*>(code));
    if (squared == 0) return {0, 0, 0};
    const float norm = largest * largest * squared;
    const float lost = std::max(0.0F, squared / best.closeness() - 1);  // as a part of the norm
    return {norm, largest * squared / best.along, norm * lost};
}

}  // namespace vicinal

#include "codecs/few_bits.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "base/checked.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

// <x, c> and <c, c> of a vector and its steps.
struct Fit {
    float along = 0, squares = 0;
    float closeness() const { return squares > 0 ? along * along / squares : 0; }  // |x|^2 when they are parallel
};

// One way to write steps.
struct Format {
    float most;  // steps either way
    // A step that takes in the largest element is too coarse for the many small ones; which finer one pays depends on
    // how elements are spread, and for a normal distribution one of these shares of their root mean square is best.
    std::span<const float> shares;
    void (*fit)(const float* values, float inverse, std::size_t n, float* along, float* squares);
    void (*write)(const float* values, float inverse, std::size_t n, std::uint8_t* code);
};

Packed pack(const Format& format, const float* values, std::size_t n, std::byte* code, std::vector<float>& scratch) {
    const kernels::Loops& loops = *kernels::active().loops;
    const std::size_t length = round_up(n, kCodeBlock);
    // As parts of the largest element, so that nothing overflows on the way.
    const auto largest = std::bit_cast<float>(loops.largest_magnitude(values, n));
    const float scale = largest > 1 / std::numeric_limits<float>::max() ? 1 / largest : 0.0F;
    scratch.assign(length, 0.0F);
    loops.scale(values, scale, n, scratch.data());
    const auto squared = static_cast<float>(loops.sum_of_squares(scratch.data(), length));

    const float deviation = std::sqrt(squared / static_cast<float>(n));
    Fit best;
    float inverse_step = 0;
    for (const float share : format.shares) {
        if (squared == 0) break;
        const float inverse = std::max(format.most, 1 / (share * deviation));
        Fit fit;
        format.fit(scratch.data(), inverse, n, &fit.along, &fit.squares);
        if (fit.closeness() <= best.closeness()) continue;
        best = fit;
        inverse_step = inverse;
    }
    format.write(scratch.data(), inverse_step, length, reinterpret_cast<std::uint8_t*>(code));
    if (squared == 0) return {0, 0, 0};
    const float norm = largest * largest * squared;
    const float lost = std::max(0.0F, squared / best.closeness() - 1);  // as a part of the norm
    return {norm, largest * squared / best.along, norm * lost};
}

}  // namespace

Packed pack_nibbles(const float* values, std::size_t n, std::byte* code, std::vector<float>& scratch) {
    static constexpr float kShares[] = {0.25F, 0.335F, 0.45F, 1.0F};
    const kernels::Loops& loops = *kernels::active().loops;
    return pack({7.0F, kShares, loops.fit_few_steps, loops.to_nibbles}, values, n, code, scratch);
}

Packed pack_crumbs(const float* values, std::size_t n, std::byte* code, std::vector<float>& scratch) {
    static constexpr float kShares[] = {0.42F, 0.5F, 0.58F, 1.0F};
    const kernels::Loops& loops = *kernels::active().loops;
    return pack({3.0F, kShares, loops.fit_crumbs, loops.to_crumbs}, values, n, code, scratch);
}

}  // namespace vicinal

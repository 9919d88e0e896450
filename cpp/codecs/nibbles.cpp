#include "codecs/nibbles.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

namespace vicinal {
namespace {

constexpr float kMost = 7.0F;      // steps either way
constexpr std::size_t kLanes = 8;  // sums side by side, since one would wait for itself at every step
constexpr float kSmallest = 1.0F / std::numeric_limits<float>::max();

using Sums = std::array<float, kLanes>;

float total(const Sums& sums) { return std::accumulate(sums.begin(), sums.end(), 0.0F); }

// The nearest whole number (ties to even) that is no more than kMost away from zero. Adding 1.5 * 2^23 leaves no room
// for a fraction; written for the compiler to do many at once.
float rounded(float value) {
    constexpr float kNoFraction = 12'582'912.0F;
    const float bounded = std::min(std::max(value, -kMost), kMost);
    return (bounded + kNoFraction) - kNoFraction;
}

// <x, c> and <c, c> of a vector, times `scale`, and its steps.
struct Fit {
    float along, length;
    float closeness() const { return length > 0 ? along * along / length : 0; }
};

Fit fit(const float* values, std::size_t n, float scale, float inverse_step) {
    Sums along{}, length{};
    const auto add = [&](std::size_t i, std::size_t lane) {
        const float value = values[i + lane] * scale;
        const float steps = rounded(value * inverse_step);
        along[lane] += value * steps;
        length[lane] += steps * steps;
    };
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane) add(i, lane);
    for (std::size_t lane = 0; i + lane < n; ++lane) add(i, lane);
    return {total(along), total(length)};
}

float sum_of_squares(const float* values, std::size_t n, float scale) {
    Sums sums{};
    const auto add = [&](std::size_t i, std::size_t lane) {
        const float value = values[i + lane] * scale;
        sums[lane] += value * value;
    };
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane) add(i, lane);
    for (std::size_t lane = 0; i + lane < n; ++lane) add(i, lane);
    return total(sums);
}

}  // namespace

Packed pack_nibbles(const float* values, std::size_t n, std::byte* code) {
    constexpr auto kZeros = std::byte{0x88};
    std::fill(code, code + (n + kNibbleBlock - 1) / kNibbleBlock * (kNibbleBlock / 2), kZeros);
    float largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(values[i]));
    if (largest < kSmallest) return {0, 0, 0};

    // As parts of the largest element. A step that takes in all of it is too coarse for the many small ones; which
    // finer one pays depends on how elements are spread, and a third of their root mean square is best for a normal
    // distribution.
    const float scale = 1 / largest;
    const float squared = sum_of_squares(values, n, scale);
    const float deviation = std::sqrt(squared / static_cast<float>(n));
    Fit best{};
    float inverse_step = 0;
    for (const float share : {0.25F, 0.335F, 0.45F, 1.0F}) {
        const float inverse = std::max(kMost, 1 / (share * deviation));
        const Fit found = fit(values, n, scale, inverse);
        if (found.closeness() <= best.closeness()) continue;
        best = found;
        inverse_step = inverse;
    }
    for (std::size_t i = 0; i < n; ++i) {
        const auto steps = static_cast<std::uint8_t>(static_cast<int>(rounded(values[i] * scale * inverse_step)) + 8);
        const std::size_t at = i % kNibbleBlock;
        std::byte& both = code[i / kNibbleBlock * (kNibbleBlock / 2) + at % (kNibbleBlock / 2)];
        both = at < kNibbleBlock / 2 ? (both & std::byte{0xf0}) | std::byte{steps}
                                     : (both & std::byte{0x0f}) | (std::byte{steps} << 4);
    }
    const float norm = largest * largest * squared;
    const float lost = std::max(0.0F, squared / best.closeness() - 1);  // as a part of the norm
    return {norm, largest * squared / best.along, norm * lost};
}

}  // namespace vicinal

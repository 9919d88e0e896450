#include "sets/four_bits.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

constexpr float kMiddle = 7.5F, kMost = 15.0F;
constexpr float kLeast = 1e-30F;    // its inverse is a number; float16 has nothing near it
constexpr double kLargest = 65504;  // of float16

float code_of(float element, float inverse) {
    return std::clamp(std::nearbyint(element * inverse + kMiddle), 0.0F, kMost);
}

// With c the codes about zero, <row, c> / <c, c> is the factor that fits them best.
struct Fit {
    double along = 0, squares = 0;

    double factor() const { return along / squares; }
    double gain() const { return along * along / squares; }  // what the error is less than the row's square
};

Fit fit(const float* row, std::size_t dim, float inverse) {
    Fit sums;
    for (std::size_t i = 0; i < dim; ++i) {
        const auto about_zero = static_cast<double>(code_of(row[i], inverse) - kMiddle);
        sums.along += static_cast<double>(row[i]) * about_zero;
        sums.squares += about_zero * about_zero;
    }
    return sums;
}

// Elements beyond the last step are cut off, which many small ones gain by: so several steps are tried.
double best_factor(const float* row, std::size_t dim, float largest) {
    Fit best;
    for (const float share : {1.0F, 0.9F, 0.8F, 0.7F, 0.6F, 0.5F}) {
        const Fit one = fit(row, dim, kMiddle / (share * largest));
        if (best.squares == 0 || one.gain() > best.gain()) best = one;
    }
    return best.factor();
}

}  // namespace

std::size_t four_bit_bytes(std::size_t dim) { return (dim + 1) / 2 + sizeof(std::uint16_t); }

void to_four_bits(const float* row, std::size_t dim, std::byte* coded) {
    float largest = 0;
    for (std::size_t i = 0; i < dim; ++i) largest = std::max(largest, std::abs(row[i]));
    float factor = largest < kLeast ? 0.0F : static_cast<float>(std::min(best_factor(row, dim, largest), kLargest));
    std::uint16_t kept = 0;
    kernels::active().loops->f32_to_f16(&factor, &kept, 1);
    kernels::active().loops->f16_to_f32(&kept, &factor, 1);
    const float inverse = factor > 0 ? 1 / factor : 0.0F;
    const std::size_t half = (dim + 1) / 2;
    for (std::size_t j = 0; j < half; ++j) {
        const auto low = static_cast<unsigned>(code_of(row[j], inverse));
        const auto high = half + j < dim ? static_cast<unsigned>(code_of(row[half + j], inverse)) : 0U;
        coded[j] = static_cast<std::byte>(low | high << 4U);
    }
    std::memcpy(coded + half, &kept, sizeof kept);
}

void from_four_bits(const std::byte* coded, std::size_t dim, float* row) {
    const std::size_t half = (dim + 1) / 2;
    std::uint16_t kept = 0;
    std::memcpy(&kept, coded + half, sizeof kept);
    float factor = 0;
    kernels::active().loops->f16_to_f32(&kept, &factor, 1);
    for (std::size_t j = 0; j < half; ++j)
        row[j] = factor * (static_cast<float>(static_cast<int>(coded[j] & std::byte{15})) - kMiddle);
    for (std::size_t j = 0; j < dim - half; ++j)
        row[half + j] = factor * (static_cast<float>(static_cast<int>(coded[j] >> 4)) - kMiddle);
}

}  // namespace vicinal

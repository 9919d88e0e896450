// Normally distributed numbers that are a function of a seed and a counter, the same bits on every machine.
//
// The C library's logarithm is not: versions differ in the last bit, and a hash function drawn on one machine must
// find the buckets that another one filled. So the logarithm is our own, of the four operations alone.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/random.hpp"

namespace vicinal {

// Evenly between 0 and 1, neither of which it is.
constexpr double unit_draw(std::uint64_t seed, std::uint64_t counter) {
    return (static_cast<double>(draw(seed, counter) >> 12) + 0.5) * 0x1p-52;
}

// Requires: x is normal and above 0. 2 atanh((m - 1) / (m + 1)) for a mantissa m between 0.7 and 1.42, where eleven
// terms reach the last bits, and a multiple of ln 2.
inline double natural_log(double x) {
    constexpr double kLn2 = 0.693147180559945309417;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = static_cast<int>(bits >> 52) - 1023;
    double mantissa = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
    if (mantissa > 1.4142135623730951) {
        mantissa *= 0.5;
        ++exponent;
    }
    const double z = (mantissa - 1) / (mantissa + 1);
    const double square = z * z;
    double sum = 0;
    for (int term = 21; term >= 1; term -= 2) sum = sum * square + 1.0 / term;
    return 2 * z * sum + exponent * kLn2;
}

// Mean 0, variance 1 (Marsaglia's polar method).
inline double normal_draw(std::uint64_t seed, std::uint64_t counter) {
    const std::uint64_t own = draw(seed, counter);
    for (std::uint64_t attempt = 0;; attempt += 2) {
        const double x = 2 * unit_draw(own, attempt) - 1;
        const double y = 2 * unit_draw(own, attempt + 1) - 1;
        const double square = x * x + y * y;
        if (square < 1 && square > 0) return x * std::sqrt(-2 * natural_log(square) / square);
    }
}

}  // namespace vicinal

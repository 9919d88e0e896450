#include "codecs/level_code.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace vicinal {
namespace {

static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(LevelCode::Factors) == 12);

// How far levels lie apart, in standard deviations: the least squared error for normal variates that 2, 4, 16 and 256
// even levels can have (Max 1960). After a random rotation elements are about normal.
double level_distance(unsigned bits) {
    if (bits == 1) return 1.596;
    if (bits == 2) return 0.9957;
    return bits == 4 ? 0.3352 : 0.0308;
}

}  // namespace

LevelCode::LevelCode(std::size_t dim, unsigned bits, CodeScale scale) : dim_(dim), bits_(bits), scale_(scale) {}

void LevelCode::encode(const float* values, std::uint8_t* row) const {
    double squares = 0;
    for (std::size_t i = 0; i < dim_; ++i) squares += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    const double apart = level_distance(bits_) * std::sqrt(squares / static_cast<double>(dim_));
    const double inverse = apart > 0 ? 1 / apart : 0;

    std::fill_n(row, code_bytes(), std::uint8_t{0});
    const double t = most();
    double along = 0, level_squares = 0;
    Factors factors{0, static_cast<float>(squares), 0};
    for (std::size_t i = 0; i < dim_; ++i) {
        const auto value = static_cast<double>(values[i]);
        const double c = std::clamp(std::floor(value * inverse + (t + 1) / 2), 0.0, t);
        const double signed_level = 2 * c - t;
        along += value * signed_level;
        level_squares += signed_level * signed_level;
        const auto number = static_cast<std::uint32_t>(c);
        factors.sum += number;
        const std::size_t bit = i * bits_;
        row[bit / 8] = static_cast<std::uint8_t>(row[bit / 8] | (number << (bit % 8)));
    }
    if (apart > 0)
        factors.scale =
            static_cast<float>(scale_ == CodeScale::length ? std::sqrt(squares / level_squares) : squares / along);
    std::memcpy(row + code_bytes(), &factors, sizeof(factors));
}

std::uint32_t LevelCode::level(const std::uint8_t* row, std::size_t i) const {
    const std::size_t bit = i * bits_;
    return (static_cast<std::uint32_t>(row[bit / 8]) >> (bit % 8)) & most();
}

void LevelCode::decode(const std::uint8_t* row, float* values) const {
    const auto scale = static_cast<double>(factors_of(row).scale);
    const double t = most();
    for (std::size_t i = 0; i < dim_; ++i) values[i] = static_cast<float>(scale * (2.0 * level(row, i) - t));
}

LevelCode::Factors LevelCode::factors_of(const std::uint8_t* row) const {
    Factors factors;
    std::memcpy(&factors, row + code_bytes(), sizeof(factors));
    return factors;
}

}  // namespace vicinal

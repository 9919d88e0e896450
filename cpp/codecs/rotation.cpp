#include "codecs/rotation.hpp"

#include <bit>
#include <cmath>

#include "base/random.hpp"

namespace vicinal {
namespace {

constexpr std::uint64_t kSeed = 0x7475726e;  // part of the file format: codes are made with it

// Without its scale, 1 / sqrt(n).
void transform(float* values, std::size_t n) {
    for (std::size_t half = 1; half < n; half *= 2) {
        for (std::size_t begin = 0; begin < n; begin += 2 * half) {
            float* const low = values + begin;
            float* const high = low + half;
            for (std::size_t i = 0; i < half; ++i) {
                const float one = low[i], other = high[i];
                low[i] = one + other;
                high[i] = one - other;
            }
        }
    }
}

void multiply(float* values, const float* by, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) values[i] *= by[i];
}

}  // namespace

Rotation::Rotation(std::size_t dim) : dim_(dim), block_(std::bit_floor(dim)), signs_(2 * kRounds * dim) {
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(block_)));
    for (std::size_t part = 0; part < 2 * kRounds; ++part) {
        const std::size_t first = part % 2 == 0 ? 0 : dim_ - block_;
        for (std::size_t i = 0; i < dim_; ++i) {
            const float sign = (mix(kSeed + part * dim_ + i) & 1U) != 0 ? -1.0F : 1.0F;
            signs_[part * dim_ + i] = i >= first && i < first + block_ ? sign * scale : sign;
        }
    }
}

void Rotation::turn(float* values) const {
    for (std::size_t part = 0; part < 2 * kRounds; ++part) {
        multiply(values, signs_.data() + part * dim_, dim_);
        transform(part % 2 == 0 ? values : values + dim_ - block_, block_);
    }
}

// A transform is its own inverse, but for its scale, and so are signs.
void Rotation::turn_back(float* values) const {
    for (std::size_t part = 2 * kRounds; part-- > 0;) {
        transform(part % 2 == 0 ? values : values + dim_ - block_, block_);
        multiply(values, signs_.data() + part * dim_, dim_);
    }
}

}  // namespace vicinal

// Vectors drawn from a seed: the same on every machine, unlike those of the standard library's distributions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.hpp"

namespace vicinal::trial {

// In [0, 1).
inline double drawn(std::uint64_t seed, std::uint64_t counter) {
    return static_cast<double>(draw(seed, counter) >> 11) * 0x1p-53;
}

// About normal, by the sum of four uniform numbers.
inline std::vector<float> drawn_floats(std::size_t count, std::uint64_t seed) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        double sum = -2;
        for (std::uint64_t part = 0; part < 4; ++part) sum += drawn(seed, 4 * i + part);
        values[i] = static_cast<float>(sum);
    }
    return values;
}

// Whole numbers from `least` to `most`.
template <class T>
std::vector<T> drawn_whole(std::size_t count, std::uint64_t seed, int least, int most) {
    std::vector<T> values(count);
    for (std::size_t i = 0; i < count; ++i)
        values[i] = static_cast<T>(least + static_cast<int>(drawn(seed, i) * (most - least + 1)));
    return values;
}

template <class T>
const std::byte* bytes_of(const std::vector<T>& values) {
    return reinterpret_cast<const std::byte*>(values.data());
}

}  // namespace vicinal::trial

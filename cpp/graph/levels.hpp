// How high a node stands.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/random.hpp"
#include "base/types.hpp"

namespace vicinal {

// Malkov & Yashunin draw floor(-ln U / ln M), U uniform in (0, 1]: level l or higher with probability M^-l. The same
// with whole numbers, so that no mathematical library has a say in the bytes of a file: U is a hash of the seed and
// the number of the insertion, and is compared with 2^64 / M, 2^64 / M^2, ...
inline Level draw_level(std::uint64_t seed, std::uint64_t insertion, std::size_t M) {
    const std::uint64_t u = draw(seed, insertion);
    Level level = 0;
    for (std::uint64_t bound = UINT64_MAX / M; u < bound && level < kMaxLevel; bound /= M) ++level;
    return level;
}

}  // namespace vicinal

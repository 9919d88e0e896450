// Randomness that is a function of a seed and a counter, so that nothing depends on which thread asks first.
#pragma once

#include <cstdint>

namespace vicinal {

// The finalizer of splitmix64 (Steele, Lea, Flood 2014): a bijection that mixes all 64 bits.
constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

constexpr std::uint64_t draw(std::uint64_t seed, std::uint64_t counter) { return mix(mix(seed) ^ counter); }

}  // namespace vicinal

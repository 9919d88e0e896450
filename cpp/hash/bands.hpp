// Keys of buckets. A signature is cut into bands of `rows` values; two items share a bucket of a band when all values
// of the band are equal, which happens with probability 1 - (1 - p^rows)^bands for at least one band.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "hash/family.hpp"

namespace vicinal {

struct Bands {
    std::size_t bands = 0, rows = 0;
    std::size_t values() const { return bands * rows; }
    bool operator==(const Bands&) const = default;
};

// Throws InvalidArgumentError when there are fewer hash functions than bands * rows.
void check(const Bands& bands, std::size_t hashes);

// 32 bits: far items meet by accident once in four billion pairs, and whatever meets is compared anyway.
using BandKey = std::uint32_t;

inline BandKey key_of(const std::uint32_t* values, std::size_t rows, std::size_t band) {
    std::uint64_t state = mix(band);
    for (std::size_t row = 0; row < rows; ++row) state = (state ^ values[row]) * 0x9e3779b97f4a7c15u + (state >> 29);
    return static_cast<BandKey>(mix(state) >> 32);
}

// keys[band] for each band of item i.
void keys_of(const Family& family, const Bands& bands, const Items& items, std::size_t i, BandKey* keys,
             std::vector<std::uint32_t>& values, Family::Scratch& scratch);

}  // namespace vicinal

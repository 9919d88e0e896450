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

// The upper half of a sum in which each value is multiplied by a random odd number of its row (multilinear hashing). So
// a value that moves by one moves the sum by a number that is known beforehand, whatever the other values are.
constexpr std::uint64_t key_step(std::size_t row) { return mix(row) | 1; }
constexpr BandKey key_of_sum(std::uint64_t sum) { return static_cast<BandKey>(sum >> 32); }

inline std::uint64_t key_sum(const std::uint32_t* values, std::size_t rows) {
    std::uint64_t sum = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        const auto value = std::int64_t{static_cast<std::int32_t>(values[row])};  // so that -1 is one step from 0
        sum += static_cast<std::uint64_t>(value) * key_step(row);
    }
    return sum;
}

inline BandKey key_of(const std::uint32_t* values, std::size_t rows) { return key_of_sum(key_sum(values, rows)); }

// keys[band] for each band of item i.
void keys_of(const Family& family, const Bands& bands, const Items& items, std::size_t i, BandKey* keys,
             std::vector<std::uint32_t>& values, Family::Scratch& scratch);

}  // namespace vicinal

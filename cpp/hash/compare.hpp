// How near two items are, exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hash/family.hpp"
#include "hash/items.hpp"

namespace vicinal {

// |A & B| / |A | B|, or the same of weights; 0 when both are empty.
double jaccard(const TokenSets& one, std::size_t i, const TokenSets& other, std::size_t j);
double weighted_jaccard(const TokenSets& one, std::size_t i, const TokenSets& other, std::size_t j);

// What a family's nearness is measured in, and which way it points: Jaccard (minhash) and cosine (simhash,
// cross_polytope), the larger the nearer; Euclidean distance (pstable) and differing bits (bit_sample), the smaller.
enum class Nearness : std::uint8_t { jaccard, weighted_jaccard, cosine, euclidean, hamming };
Nearness nearness_of(const FamilySettings& settings);
constexpr bool larger_is_nearer(Nearness nearness) { return nearness <= Nearness::cosine; }

// Finds which of many items are near one of them. Vectors are first compared by the kernels, in single precision; those
// that are near, or nearly so, once more in double precision, so that no rounding puts a pair on the wrong side.
class Comparison {
public:
    // Items are numbered through: those of `left`, then those of `right` (none, in a self-join). Borrows both.
    // Throws InvalidVectorError for a vector that cannot be compared ("items row 7 holds NaN").
    Comparison(Nearness nearness, const Items& left, const Items* right);

    struct Near {
        std::uint32_t other;
        double score;
    };
    struct Scratch {
        std::vector<float> scores;
        std::vector<std::uint32_t> slots;
    };
    // Appends those of `others` that are as near as the threshold or nearer. Requires: under vectors and bits, all of
    // `others` come from the same side.
    void near(std::uint32_t one, std::span<const std::uint32_t> others, double threshold, std::vector<Near>& found,
              Scratch& scratch) const;

    double score(std::uint32_t one, std::uint32_t other) const;

private:
    struct Place {
        const Items* items;
        std::size_t i;
    };
    Place place(std::uint32_t number) const;
    void check_rows(const Items& items, const char* name);

    Nearness nearness_;
    const Items* left_;
    const Items* right_;
    std::vector<double> inverse_norms_;  // cosine only
};

}  // namespace vicinal

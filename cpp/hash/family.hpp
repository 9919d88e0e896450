// A family of locality-sensitive hash functions: near items get equal values more often than far ones.
//
// A family draws `hashes` functions from its seed, once. Each gives an item one value of 32 bits, whose meaning is the
// family's own (one bit of SimHash is a value of 0 or 1). Keys of buckets are made of values (bands.hpp); nothing but
// equality matters there.
//
// Collision probability of one function, p(similarity):
//   SimHash        1 - angle / pi                                   (Charikar 2002)
//   PStable        1 - 2 Phi(-w/c) - 2 / (sqrt(2 pi) w/c) (1 - exp(-(w/c)^2 / 2)), c the distance, w the width
//                                                                   (Datar, Immorlica, Indyk, Mirrokni 2004)
//   CrossPolytope  that two correlated normal vectors have their largest coordinate, by magnitude, at the same place
//                  and with the same sign; no closed form           (Andoni, Indyk, Laarhoven, Razenshteyn, Schmidt
//                  2015)
//   MinHash        Jaccard |A & B| / |A | B|; weighted: the sum of the smaller weights by that of the larger
//                                                                   (Broder 1997; Ioffe 2010)
//   BitSample      1 - differing bits / bits                        (Indyk, Motwani 1998)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hash/items.hpp"

namespace vicinal {

enum class FamilyName : std::uint8_t { simhash = 0, pstable = 1, cross_polytope = 2, minhash = 3, bit_sample = 4 };

// All that says which functions a family has; the numbers of the names are part of the file format.
struct FamilySettings {
    FamilyName name = FamilyName::minhash;
    std::size_t dim = 0;  // elements; bits under bit_sample; 0 under minhash
    std::size_t hashes = 0;
    std::uint64_t seed = 0;
    double width = 0;  // pstable only
    bool weighted = false;
    std::vector<float> center{};  // simhash only: subtracted first; empty: nothing is
    // simhash and pstable: rows of `dim` numbers. Functions are drawn in the space that these products span, and see of
    // a vector nothing else; empty: in the whole space.
    std::vector<float> axes{};

    bool operator==(const FamilySettings&) const = default;
};

// Numbers that are drawn for one function of projections.
inline std::size_t drawn_dim(const FamilySettings& settings) {
    return settings.axes.empty() ? settings.dim : settings.axes.size() / settings.dim;
}

// Throws InvalidArgumentError naming what is out of its range.
void check(const FamilySettings& settings);

constexpr std::size_t kMaxHashes = 65'536;
constexpr std::size_t kMaxHashedDim = 65'536;

// Thread safety: const, any number of threads.
class Family {
public:
    explicit Family(FamilySettings settings) : settings_(std::move(settings)) {}
    Family(const Family&) = delete;
    Family& operator=(const Family&) = delete;
    virtual ~Family() = default;

    const FamilySettings& settings() const { return settings_; }
    std::size_t hashes() const { return settings_.hashes; }
    ItemKind takes() const;

    // Memory of one caller at a time.
    struct Scratch {
        std::vector<float> floats, along;
        std::vector<double> doubles;
        std::vector<std::uint32_t> integers;
        std::vector<std::uint64_t> words;
    };

    // values[0] to values[hashes - 1] of item i. With `slack`, which not every family has, beside each value how far
    // it was from being another: under simhash the distance from the plane, under pstable the place within the
    // interval, 0 to 1. Requires: the items are of the kind that the family takes.
    virtual void hash(const Items& items, std::size_t i, std::uint32_t* values, float* slack,
                      Scratch& scratch) const = 0;
    // The same of n items in a row, one after the other; where the functions are many numbers, these are read once.
    virtual void hash_several(const Items& items, std::size_t first, std::size_t n, std::uint32_t* values, float* slack,
                              Scratch& scratch) const;

private:
    FamilySettings settings_;
};

// Draws the functions. Requires: check() has passed.
std::unique_ptr<Family> make_family(const FamilySettings& settings);

namespace families {  // one file each
std::unique_ptr<Family> simhash(const FamilySettings& settings);
std::unique_ptr<Family> pstable(const FamilySettings& settings);
std::unique_ptr<Family> cross_polytope(const FamilySettings& settings);
std::unique_ptr<Family> minhash(const FamilySettings& settings);
std::unique_ptr<Family> weighted_minhash(const FamilySettings& settings);
std::unique_ptr<Family> bit_sample(const FamilySettings& settings);
}  // namespace families

}  // namespace vicinal

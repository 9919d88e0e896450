// Which buckets to look into, the likeliest first: multi-probe (Lv, Josephson, Wang, Charikar, Li 2007).
//
// An item near the query has mostly the query's values, and where it differs it is most likely one step on the other
// side of a border that the query lies close to. So each band offers steps: under SimHash one for each plane, under
// PStable two for each line, to the interval before and the one after. The score of a step is the square of how far
// the border is, that of several steps their sum, and buckets are taken in the order of their scores, over all bands
// together: a band whose borders are far gives way to one whose borders are near.
//
// The paper lists sets of steps one by one, by a heap, which took a fifth of a query. How many are wanted is known
// beforehand, so here a score is looked for that somewhat more of them stay below: these are listed band by band along
// sorted steps, and the likeliest are picked. The first guess of that score mostly is a good one (`first_limit`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hash/bands.hpp"
#include "hash/family.hpp"

namespace vicinal {

constexpr bool can_probe(FamilyName name) { return name == FamilyName::simhash || name == FamilyName::pstable; }

// Memory of one caller at a time; used again, it allocates nothing.
class Probing {
public:
    struct Bucket {
        float score;
        std::uint32_t band;
        BandKey key;
    };
    enum class Sequence { any, likeliest_first };

    // The `most` likeliest buckets that are not any band's own, by (score, band, key); fewer when there are fewer. Of a
    // query's values and slack (Family::hash). Held until the next call. Requires: can_probe(name).
    std::span<const Bucket> likeliest(FamilyName name, Bands bands, const std::uint32_t* values, const float* slack,
                                      std::size_t most, Sequence sequence);

private:
    struct Step {
        float score;
        std::uint32_t row;
        std::uint64_t by;  // what it adds to the sum that makes the key
    };
    void sort_steps(FamilyName name, const std::uint32_t* values, const float* slack);
    float first_limit(std::size_t most) const;
    void find(std::size_t most);
    bool list(float above, float limit, std::size_t room);
    bool extend(std::size_t from, float score, std::uint64_t sum);
    bool moves(std::uint32_t row) const;

    Bands bands_;
    std::size_t per_band_ = 0;
    bool both_ways_ = false;   // each row has two steps, of which a set holds one at most
    std::vector<Step> steps_;  // band by band, ascending scores
    std::vector<std::uint64_t> sums_, order_;
    std::vector<Bucket> found_;

    // Of list(): sets with scores above `above_` and up to `limit_`, at most room_ of them.
    float above_ = 0, limit_ = 0;
    std::size_t room_ = 0;
    std::uint32_t band_ = 0;
    std::vector<std::uint32_t> moved_;  // rows of the set at hand
};

}  // namespace vicinal

// Which buckets to look into, the likeliest first: multi-probe (Lv, Josephson, Wang, Charikar, Li 2007).
//
// An item near the query has mostly the query's values, and where it differs it is most likely one step on the other
// side of a border that the query lies close to. So each band offers steps: under SimHash one for each plane, under
// PStable two for each line, to the interval before and the one after. The score of a step is the square of how far
// the border is, that of several steps their sum, and buckets are taken in the order of their scores, over all bands
// together: a band whose borders are far gives way to one whose borders are near.
//
// The sets of steps of a band are listed by the paper's two moves on sorted steps: exchange the last one for the next,
// or add the next one. Each move makes a set that scores no less, and each set is reached once.
#pragma once

#include <array>
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
    // Starts with a query's values and slack (Family::hash). Borrows both. Requires: can_probe(name).
    void start(FamilyName name, Bands bands, const std::uint32_t* values, const float* slack);

    struct Bucket {
        std::size_t band;
        BandKey key;
    };
    // The next bucket that is not any band's own. False when there is none left.
    bool next(Bucket& bucket);

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    struct Step {
        float score;
        std::uint32_t row;
        std::int32_t by;
    };
    // A set of steps: those of `rest`, and the one at place `last` of the band's sorted steps.
    struct Set {
        std::uint32_t rest, last;
    };
    struct Entry {
        float score;
        std::uint32_t band, set;
    };
    std::span<const Step> steps_of(std::size_t band) const {
        return std::span(steps_).subspan(band * per_band_, per_band_);
    }
    void push(float score, std::uint32_t band, Set set);
    bool moves_a_row_twice(std::uint32_t set, std::span<const Step> steps) const;
    BandKey key_after(std::size_t band, std::uint32_t set);

    FamilyName name_ = FamilyName::simhash;
    Bands bands_;
    const std::uint32_t* values_ = nullptr;
    std::size_t per_band_ = 0;
    std::vector<Step> steps_;
    std::vector<Set> sets_;
    std::vector<Entry> heap_;
    std::vector<std::uint32_t> moved_;
};

}  // namespace vicinal

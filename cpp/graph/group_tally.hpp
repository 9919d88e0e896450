// How many hits of each group have been chosen.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.hpp"

namespace vicinal {

// An open-addressing table, at most half full; groups of which nothing has been chosen take no room.
class GroupTally {
public:
    // For up to `hits` hits.
    void reset(std::size_t hits) { cells_.assign(std::bit_ceil(2 * std::max<std::size_t>(hits, 4)), Cell{}); }

    // Counts a hit of `group` unless `most` have been counted already. Requires: fewer than `hits` so far.
    bool take(std::int64_t group, std::size_t most) {
        std::size_t at = mix(static_cast<std::uint64_t>(group)) & (cells_.size() - 1);
        while (cells_[at].count != 0 && cells_[at].group != group) at = (at + 1) & (cells_.size() - 1);
        if (cells_[at].count >= most) return false;
        cells_[at].group = group;
        ++cells_[at].count;
        return true;
    }

private:
    struct Cell {
        std::int64_t group = 0;
        std::size_t count = 0;
    };
    std::vector<Cell> cells_;
};

}  // namespace vicinal

// Which nodes a walk has met.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vicinal {

// A bit per slot: 12 KB for 100 000 nodes, where a byte each would not fit into the nearest cache. Cleared by
// going over what was set, since a walk sets few of the bits.
class Visited {
public:
    // Requires: cleared.
    void make_room(std::size_t slots) {
        if (bits_.size() * 64 < slots) bits_.resize((slots + 63) / 64, 0);
    }

    // True the first time.
    bool visit(std::uint32_t slot) {
        std::uint64_t& word = bits_[slot / 64];
        const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
        if ((word & bit) != 0) return false;
        if (word == 0) touched_.push_back(slot / 64);
        word |= bit;
        return true;
    }

    void clear() {
        for (const std::uint32_t word : touched_) bits_[word] = 0;
        touched_.clear();
    }

private:
    std::vector<std::uint64_t> bits_;
    std::vector<std::uint32_t> touched_;
};

}  // namespace vicinal

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
        const std::size_t words = (slots + 63) / 64;
        if (bits_.size() >= words) return;
        touched_.resize(words + 1);  // the last is written and not counted when all are touched
        bits_.resize(words, 0);      // last: its size says that there is room
    }

    // True the first time. Free of branches: whether a neighbor has been met is a coin toss, and a wrong guess costs
    // a processor more than all the rest of this.
    bool visit(std::uint32_t slot) {
        std::uint64_t& word = bits_[slot / 64];
        const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
        const bool fresh = (word & bit) == 0;
        touched_[count_] = slot / 64;
        count_ += word == 0 ? 1U : 0U;
        word |= bit;
        return fresh;
    }

    void clear() {
        for (std::size_t i = 0; i < count_; ++i) bits_[touched_[i]] = 0;
        count_ = 0;
    }

private:
    std::vector<std::uint64_t> bits_;
    std::vector<std::uint32_t> touched_;  // words that are not zero, each once: the first count_ of them
    std::size_t count_ = 0;
};

}  // namespace vicinal

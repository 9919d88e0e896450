// The slots that a filter admits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

// A bit per slot of one View, and how many are set. Slots that have come into use since are not admitted.
class Admitted {
public:
    // Room for a View of so many slots, none of them admitted. Keeps what it has allocated.
    void reset(std::uint32_t slots) {
        words_.assign((std::size_t{slots} + 63) / 64, 0);
        slots_ = slots;
        count_ = 0;
    }

    // More slots, none of them admitted.
    void extend(std::uint32_t slots) {
        words_.resize((std::size_t{slots} + 63) / 64, 0);
        slots_ = slots;
    }

    // Requires: slot < slots().
    void admit(std::uint32_t slot) {
        std::uint64_t& word = words_[slot / 64];
        const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
        count_ += (word & bit) == 0 ? 1U : 0U;
        word |= bit;
    }

    bool admits(std::uint32_t slot) const { return slot < slots_ && ((words_[slot / 64] >> (slot % 64)) & 1) != 0; }

    std::uint32_t count() const { return count_; }
    std::uint32_t slots() const { return slots_; }

    // The first admitted slots from `from` on that lie below `end`, ascending, as many as there is room for. Returns
    // how many, and moves `from` behind the last that was looked at. Requires: end <= slots().
    std::size_t list(std::uint32_t& from, std::uint32_t end, std::span<std::uint32_t> slots) const {
        std::size_t n = 0;
        while (from < end) {
            const std::uint64_t rest = words_[from / 64] >> (from % 64);
            if (rest == 0) {
                from = (from / 64 + 1) * 64;
                continue;
            }
            from += static_cast<std::uint32_t>(std::countr_zero(rest));
            if (from >= end) break;
            if (n == slots.size()) return n;
            slots[n++] = from++;
        }
        from = end;
        return n;
    }

private:
    std::vector<std::uint64_t> words_;
    std::uint32_t slots_ = 0;
    std::uint32_t count_ = 0;
};

}  // namespace vicinal

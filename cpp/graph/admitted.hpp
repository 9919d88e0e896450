// The slots that a filter admits, and the nodes by which a walk meets them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "graph/region.hpp"

namespace vicinal {

// A bit per slot of one View, and how many are set. Slots that have come into use since are not admitted. A walk meets
// a copy by its node (copies.hpp): where copies are admitted, a second row of bits says by which nodes.
//
// Or no bits: each slot is asked whether it lies in a region. That spares looking at all of them before a walk that
// will meet a few hundred.
class Admitted {
public:
    // Room for a View of so many slots, none of them admitted. Keeps what it has allocated.
    void reset(std::uint32_t slots) {
        words_.assign((std::size_t{slots} + 63) / 64, 0);
        nodes_.clear();
        slots_ = slots;
        count_ = 0;
        asked_ = {};
    }

    // Whatever lies in a region, which is about so many slots.
    void ask(const SlotsInRegion& region, std::uint32_t about) {
        slots_ = region.slots;
        count_ = about;
        asked_ = region;
    }
    bool asks() const { return asked_.region != nullptr; }

    // More slots, none of them admitted.
    void extend(std::uint32_t slots) {
        words_.resize((std::size_t{slots} + 63) / 64, 0);
        if (!nodes_.empty()) nodes_.resize(words_.size(), 0);
        slots_ = slots;
    }

    // `node` is the slot itself, or the node of a copy. Requires: both < slots().
    void admit(std::uint32_t slot, std::uint32_t node) {
        std::uint64_t& word = words_[slot / 64];
        count_ += (word & bit_of(slot)) == 0 ? 1U : 0U;
        word |= bit_of(slot);
        if (node != slot && nodes_.empty()) nodes_ = words_;
        if (!nodes_.empty()) {
            nodes_[slot / 64] |= bit_of(slot);
            nodes_[node / 64] |= bit_of(node);
        }
    }

    bool admits(std::uint32_t slot) const {
        if (slot >= slots_) return false;
        return asks() ? asked_.holds(slot) : (words_[slot / 64] & bit_of(slot)) != 0;
    }

    // A bit per slot that is not set for any node by which nothing is met that is admitted. Requires: !asks().
    std::span<const std::uint64_t> nodes() const { return nodes_.empty() ? words_ : nodes_; }

    std::uint32_t count() const { return count_; }  // an estimate where asks()
    std::uint32_t slots() const { return slots_; }

    // The first admitted slots from `from` on that lie below `end`, ascending, as many as there is room for. Returns
    // how many, and moves `from` behind the last that was looked at. Requires: end <= slots().
    std::size_t list(std::uint32_t& from, std::uint32_t end, std::span<std::uint32_t> slots) const {
        std::size_t n = 0;
        for (; asks() && from < end; ++from) {
            if (!asked_.holds(from)) continue;
            if (n == slots.size()) return n;
            slots[n++] = from;
        }
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
    static std::uint64_t bit_of(std::uint32_t slot) { return std::uint64_t{1} << (slot % 64); }

    std::vector<std::uint64_t> words_;
    std::vector<std::uint64_t> nodes_;  // empty while no copy is admitted
    std::uint32_t slots_ = 0;
    std::uint32_t count_ = 0;
    SlotsInRegion asked_;
};

}  // namespace vicinal

// A set of slots that never changes under those who read it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

// A value: copies share the bits, and what seems to change one makes another, of which only the blocks that differ are
// new. So each View has its own, and a writer pays for the slots it names, not for all there are. The empty set, which
// is that of an index from which nothing was ever removed, takes no memory.
class SlotSet {
public:
    bool contains(std::uint32_t slot) const {
        const std::size_t block = slot / kBits;
        if (blocks_ == nullptr || block >= blocks_->size()) return false;
        const Block* bits = (*blocks_)[block].get();
        return bits != nullptr && (((*bits)[slot % kBits / 64] >> (slot % 64)) & 1) != 0;
    }
    bool contains(Slot slot) const { return contains(index_of(slot)); }

    std::uint32_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // The set with, or without, these besides. Strong guarantee; throws std::bad_alloc.
    SlotSet with(std::span<const std::uint32_t> slots) const { return changed(slots, true); }
    SlotSet without(std::span<const std::uint32_t> slots) const { return changed(slots, false); }

    // Calls visit(slot) for each, ascending, as long as it returns true.
    template <class Visit>
    void for_each_while(Visit&& visit) const {
        for (std::size_t block = 0; blocks_ != nullptr && block < blocks_->size(); ++block) {
            if ((*blocks_)[block] == nullptr) continue;
            const Block& bits = *(*blocks_)[block];
            for (std::size_t word = 0; word < bits.size(); ++word)
                for (std::uint64_t rest = bits[word]; rest != 0; rest &= rest - 1)
                    if (!visit(static_cast<std::uint32_t>(block * kBits + word * 64) +
                               static_cast<std::uint32_t>(std::countr_zero(rest))))
                        return;
        }
    }
    template <class Visit>
    void for_each(Visit&& visit) const {
        for_each_while([&](std::uint32_t slot) {
            visit(slot);
            return true;
        });
    }

    friend bool operator==(const SlotSet& a, const SlotSet& b);

private:
    static constexpr std::size_t kBits = 4'096;
    using Block = std::array<std::uint64_t, kBits / 64>;
    using Blocks = std::vector<std::shared_ptr<const Block>>;  // null: none of these slots

    SlotSet changed(std::span<const std::uint32_t> slots, bool in) const;

    std::shared_ptr<const Blocks> blocks_;
    std::uint32_t size_ = 0;
};

}  // namespace vicinal

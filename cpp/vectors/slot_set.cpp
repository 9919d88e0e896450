#include "vectors/slot_set.hpp"

#include <algorithm>

namespace vicinal {

SlotSet SlotSet::changed(std::span<const std::uint32_t> slots, bool in) const {
    if (slots.empty()) return *this;
    SlotSet result;
    auto blocks = blocks_ == nullptr ? std::make_shared<Blocks>() : std::make_shared<Blocks>(*blocks_);
    const std::size_t last = *std::max_element(slots.begin(), slots.end()) / kBits;
    if (in && blocks->size() <= last) blocks->resize(last + 1);
    std::vector<std::shared_ptr<Block>> fresh(blocks->size());
    result.size_ = size_;
    for (const std::uint32_t slot : slots) {
        const std::size_t block = slot / kBits;
        if (block >= fresh.size()) continue;
        if (fresh[block] == nullptr) {
            const Block* before = (*blocks)[block].get();
            fresh[block] = before == nullptr ? std::make_shared<Block>(Block{}) : std::make_shared<Block>(*before);
            (*blocks)[block] = fresh[block];
        }
        std::uint64_t& word = (*fresh[block])[slot % kBits / 64];
        const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
        if (((word & bit) != 0) == in) continue;
        word ^= bit;
        result.size_ += in ? 1U : ~0U;
    }
    if (result.size_ != 0) result.blocks_ = std::move(blocks);
    return result;
}

bool operator==(const SlotSet& a, const SlotSet& b) {
    if (a.size_ != b.size_) return false;
    bool same = true;
    a.for_each_while([&](std::uint32_t slot) { return same = b.contains(slot); });
    return same;
}

}  // namespace vicinal

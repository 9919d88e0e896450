#include "graph/reach.hpp"

#include "base/errors.hpp"

namespace vicinal {

void Reach::spread(Slot start, Slot from, Watch& watch) {
    constexpr std::uint32_t kNodesAtOnce = 1'024;
    from_[index_of(start)] = index_of(from);
    waiting_.assign(1, index_of(start));
    for (std::uint32_t seen = 1; !waiting_.empty(); ++seen) {
        if (seen % kNodesAtOnce == 0 && !watch.again()) throw Stopped();
        const std::uint32_t slot = waiting_.back();
        waiting_.pop_back();
        view_.links_of(Slot{slot}, 0).for_each([&](std::uint32_t to) {
            // A writer beside us may have linked to what this View does not know.
            if (to >= from_.size()) return;
            ++leading_[to];
            if (met(to)) return;
            from_[to] = slot;
            waiting_.push_back(to);
        });
    }
}

std::vector<std::uint32_t> Reach::lost(const SlotSet& leaving) const {
    std::vector<std::uint32_t> slots;
    for (std::uint32_t slot = 0; slot < from_.size(); ++slot)
        if (!met(slot) && view_.is_node(Slot{slot}) && !leaving.contains(slot)) slots.push_back(slot);
    return slots;
}

}  // namespace vicinal

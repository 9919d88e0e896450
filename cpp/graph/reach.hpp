// Which nodes a walk on level 0 can come to.
#pragma once

#include <cstdint>
#include <vector>

#include "base/types.hpp"
#include "base/watch.hpp"
#include "graph/view.hpp"

namespace vicinal {

// A search comes to level 0 at some node of the levels above. What it reaches from there is, on every set looked at,
// what is reached from the entry; so that is asked of a graph, and links above level 0 do not count.
//
// Each node that is reached remembers from where: these links are a tree, and whatever else a row holds can go without
// anybody being cut off.
class Reach {
public:
    explicit Reach(const View& view) : view_(view), from_(view.count, kNobody), leading_(view.count, 0) {}

    // Goes wherever links lead from `start`, which now counts as reached, from `from`. Throws Stopped.
    void spread(Slot start, Slot from, Watch& watch);

    bool met(std::uint32_t slot) const { return from_[slot] != kNobody; }
    // Requires: met.
    std::uint32_t from(std::uint32_t slot) const { return from_[slot]; }

    // How many of the nodes that are reached lead to this one.
    std::uint32_t leading_to(std::uint32_t slot) const { return leading_[slot]; }

    // Nodes that were not met and do not leave, ascending.
    std::vector<std::uint32_t> lost(const SlotSet& leaving) const;

private:
    static constexpr std::uint32_t kNobody = UINT32_MAX;
    const View& view_;
    std::vector<std::uint32_t> from_, leading_;
    std::vector<std::uint32_t> waiting_;
};

}  // namespace vicinal

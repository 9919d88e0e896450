// What a walk may report. It may walk through everything.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "graph/admitted.hpp"
#include "graph/copies.hpp"
#include "graph/links.hpp"
#include "graph/view.hpp"

namespace vicinal {

// Borrows both. Without `admitted` every live slot passes.
class Gate {
public:
    explicit Gate(const View& view, const Admitted* admitted = nullptr)
        : view_(&view), admitted_(admitted), some_gone_(!view.gone.empty()), some_copies_(view.copies != 0) {}

    // A node passes when it or one of its copies may be reported. Slots that have come into use since the View was
    // published pass nowhere.
    bool admits(std::uint32_t node) const {
        const bool passes = admits_slot(node);
        return passes || (some_copies_ && admits_copy_of(node));
    }

    // A slot by itself.
    bool admits_slot(std::uint32_t slot) const {
        if (slot >= view_->count) return false;
        return (admitted_ == nullptr || admitted_->admits(slot)) && !(some_gone_ && view_->gone.contains(slot));
    }

    // Writes those links of a row that pass, in their order, and returns how many. Requires: room for a row.
    //
    // Where one in ten passes, the rest of a walk is nothing beside putting links to the filter. So it is one bit each
    // and no branch; what a bit does not tell is asked of the few that are left. A two-hop walk took 1.7 times as long
    // when every link was put to admits().
    std::size_t pick(const Links& links, std::uint32_t* nodes) const {
        std::size_t n = 0;
        if (admitted_ == nullptr) {
            links.for_each([&](std::uint32_t node) { nodes[n++] = node; });
        } else if (admitted_->asks()) {
            links.for_each([&](std::uint32_t node) {
                nodes[n] = node;
                n += admits(node) ? 1U : 0U;
            });
            return n;
        } else {
            const std::uint64_t* const words = admitted_->nodes().data();
            const std::uint32_t end = std::min(admitted_->slots(), view_->count);
            links.for_each([&](std::uint32_t node) {
                nodes[n] = node;
                n += node < end ? (words[node / 64] >> (node % 64)) & 1 : 0;
            });
            if (!some_gone_ && !some_copies_) return n;
        }
        const auto last = std::remove_if(nodes, nodes + n, [&](std::uint32_t node) { return !admits(node); });
        return static_cast<std::size_t>(last - nodes);
    }

private:
    bool admits_copy_of(std::uint32_t node) const {
        if (node >= view_->count) return false;
        bool passes = false;
        for_each_copy(*view_, Slot{node}, [&](std::uint32_t copy) { passes = passes || admits_slot(copy); });
        return passes;
    }

    const View* view_;
    const Admitted* admitted_;
    bool some_gone_, some_copies_;
};

}  // namespace vicinal

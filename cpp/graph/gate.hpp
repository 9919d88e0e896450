// What a walk may report. It may walk through everything.
#pragma once

#include <cstdint>

#include "graph/admitted.hpp"
#include "graph/copies.hpp"
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

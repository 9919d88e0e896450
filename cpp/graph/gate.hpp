// What a walk may report. It may walk through everything.
#pragma once

#include <cstdint>

#include "graph/admitted.hpp"
#include "graph/view.hpp"

namespace vicinal {

// Borrows both. Without `admitted` every live node passes.
class Gate {
public:
    explicit Gate(const View& view, const Admitted* admitted = nullptr)
        : view_(&view), admitted_(admitted), some_removed_(view.removed != 0) {}

    // Slots that have come into use since the View was published pass nowhere.
    bool admits(std::uint32_t slot) const {
        if (slot >= view_->count) return false;
        bool passes = admitted_ == nullptr || admitted_->admits(slot);
        if (some_removed_) passes &= view_->state(Slot{slot}) == State::live;
        return passes;
    }

private:
    const View* view_;
    const Admitted* admitted_;
    bool some_removed_;
};

}  // namespace vicinal

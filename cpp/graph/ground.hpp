// What a walk stands on: the rows it compares with, and how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/space.hpp"
#include "codecs/walk_code.hpp"
#include "graph/view.hpp"

namespace vicinal {

// Either the stored vectors, or their 8-bit codes. Borrows the View.
class Ground {
public:
    static Ground stored(const View& view, const Space& space, const Ruler& ruler) {
        return {view, &space, view.vectors(), ruler};
    }
    // Requires: view.code is on.
    static Ground coded(const View& view) { return {view, nullptr, view.coded_vectors(), view.code.ruler()}; }

    void measure(const Probe& probe, const std::uint32_t* slots, std::size_t n, Distance* distances) const {
        ruler_.measure(probe, rows_, slots, n, distances);
    }

    // The vector of a slot, ready to be compared with others here.
    Probe probe_of(Slot slot, std::vector<float>& scratch) const {
        if (space_ == nullptr)
            return view_->code.probe_code(view_->codes.row(index_of(slot)), view_->code_factors_of(slot));
        return space_->probe_row(view_->vector(slot), view_->factor(slot), scratch);
    }

    const kernels::Rows& rows() const { return rows_; }
    const Ruler& ruler() const { return ruler_; }

private:
    Ground(const View& view, const Space* space, const kernels::Rows& rows, const Ruler& ruler)
        : view_(&view), space_(space), rows_(rows), ruler_(ruler) {}

    const View* view_;
    const Space* space_;  // none: the rows are codes
    kernels::Rows rows_;
    Ruler ruler_;
};

}  // namespace vicinal

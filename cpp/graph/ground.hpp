// What a walk stands on: the rows it compares with, and how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "codecs/space.hpp"
#include "codecs/walk_code.hpp"
#include "graph/beam.hpp"
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

    // Whether two rows, measured from the same vector, are one vector twice, as far as can be seen here. A distance of
    // nothing between them does not say so: 1 - x.y is 0 for any two rows with x.y = 1, and below 0 for longer ones.
    // Under cosine multiples of one vector are copies too; 2e-7 is the most that rounding leaves between them.
    bool copies(Key one, Key other, Distance between) const {
        constexpr Distance kRounding = 2e-7F;
        if (view_->code.metric() == Metric::cosine) return between <= kRounding;
        return one.distance() == other.distance() && same_bytes(one.slot(), other.slot());
    }

    const kernels::Rows& rows() const { return rows_; }
    const Ruler& ruler() const { return ruler_; }

private:
    Ground(const View& view, const Space* space, const kernels::Rows& rows, const Ruler& ruler)
        : view_(&view), space_(space), rows_(rows), ruler_(ruler) {}

    bool same_bytes(std::uint32_t one, std::uint32_t other) const {
        const auto same = [&](const Table& table, std::size_t bytes) {
            return bytes == 0 || std::memcmp(table.row(one), table.row(other), bytes) == 0;
        };
        if (space_ != nullptr) return same(view_->rows, space_->row_bytes());
        return same(view_->codes, view_->dim) && same(view_->code_factors, view_->code.factor_bytes());
    }

    const View* view_;
    const Space* space_;  // none: the rows are codes
    kernels::Rows rows_;
    Ruler ruler_;
};

}  // namespace vicinal

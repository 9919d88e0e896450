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

// Either the stored vectors, or codes of theirs. Borrows the View.
class Ground {
public:
    static Ground stored(const View& view, const Space& space, const Ruler& ruler) {
        return {view, &space, nullptr, view.vectors(), ruler};
    }
    // `table` is one of the view's, and on.
    static Ground coded(const View& view, const CodeTable& table) {
        return {view, nullptr, &table, table.rows(), table.code.ruler()};
    }

    void measure(const Probe& probe, const std::uint32_t* slots, std::size_t n, Distance* distances) const {
        if (view_->first_touch != nullptr && codes_ == nullptr) view_->first_touch->rows(slots, n);
        ruler_.measure(probe, rows_, slots, n, distances);
    }

    // The vector of a slot, ready to be compared with others here.
    Probe probe_of(Slot slot, std::vector<float>& scratch) const {
        if (codes_ != nullptr) return codes_->probe_of(slot);
        return space_->probe_row(view_->vector(slot), view_->factor(slot), scratch);
    }

    // Whether two rows, measured from the same vector, are one vector twice, as far as can be seen here. A distance of
    // nothing between them does not say so: 1 - x.y is 0 for any two rows with x.y = 1, and below 0 for longer ones.
    // Under cosine multiples of one vector are copies too; 2e-7 is the most that rounding leaves between them.
    bool copies(Key one, Key other, Distance between) const {
        constexpr Distance kRounding = 2e-7F;
        if (view_->fine.code.metric() == Metric::cosine) return between <= kRounding;
        return one.distance() == other.distance() && same_bytes(one.slot(), other.slot());
    }

    const kernels::Rows& rows() const { return rows_; }
    const Ruler& ruler() const { return ruler_; }
    std::size_t row_bytes() const { return codes_ != nullptr ? codes_->row_bytes() : space_->row_bytes(); }

private:
    Ground(const View& view, const Space* space, const CodeTable* codes, const kernels::Rows& rows, const Ruler& ruler)
        : view_(&view), space_(space), codes_(codes), rows_(rows), ruler_(ruler) {}

    bool same_bytes(std::uint32_t one, std::uint32_t other) const {
        const auto same = [&](const Table& table, std::size_t bytes) {
            return bytes == 0 || std::memcmp(table.row(one), table.row(other), bytes) == 0;
        };
        if (codes_ == nullptr) return same(view_->rows, space_->row_bytes());
        return same(codes_->codes, view_->dim) && same(codes_->factors, codes_->code.factor_bytes());
    }

    const View* view_;
    const Space* space_;      // of stored vectors,
    const CodeTable* codes_;  // or none of those
    kernels::Rows rows_;
    Ruler ruler_;
};

}  // namespace vicinal

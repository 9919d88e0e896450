// Comparison with every vector: the truth that graphs are measured against, and what answers when a graph would have
// to look at nearly everything anyway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/watch.hpp"
#include "codecs/space.hpp"
#include "graph/admitted.hpp"
#include "graph/nearest.hpp"
#include "graph/view.hpp"

namespace vicinal {

// The rows of a scan. Without ids a row's number is its id. Without a filter all count but the gone.
struct ScanRows {
    kernels::Rows vectors;
    std::uint32_t count = 0;
    const Id* ids = nullptr;
    const SlotSet* gone = nullptr;
    const Admitted* admitted = nullptr;
    FirstTouch* first_touch = nullptr;
};

inline ScanRows rows_of(const View& view) {
    ScanRows rows{view.vectors(), view.count, view.ids.as<Id>(), view.gone.empty() ? nullptr : &view.gone};
    rows.first_touch = view.first_touch.get();
    return rows;
}

// The next rows that count from `at` on, below `end`, as many as there is room for; moves `at` behind them. What is
// gone is not compared: its row may be changing.
std::size_t next_rows(const ScanRows& rows, std::uint32_t& at, std::uint32_t end, std::span<std::uint32_t> slots);

// Offers every row to every query's heap. Rows are taken a cacheful at a time and each handful meets all the
// queries, so that a batch of queries reads memory once. Ends early, with answers that are of no use, when the watch
// says stop.
void scan(const ScanRows& rows, const Ruler& ruler, std::span<const Probe> probes, std::span<Nearest> nearest,
          const Checkpoint& checkpoint);

}  // namespace vicinal

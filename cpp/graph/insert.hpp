// New nodes enter the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/team.hpp"
#include "graph/graph.hpp"
#include "graph/undo.hpp"

namespace vicinal {

struct Progress {
    std::size_t done = 0, total = 0;
};

// How many of `waiting` vectors may enter side by side in a graph of `linked` nodes.
//
// The nodes of a batch look for neighbors in the graph as it was before the batch, and among one another by direct
// comparison; so what they find does not depend on how many threads look, nor on which is first. (That batches make
// a parallel build repeatable is ParlayANN's idea, Manohar et al. 2024. There the nodes of a batch do not see each
// other; where rows that arrive together are alike, as in the package descriptions of a distribution by name, that
// costs five points of recall at batches of 1 024.) The limit keeps the comparisons few and the uninterruptible part
// of a batch short.
std::size_t batch_size(std::size_t linked, std::size_t waiting);

// Where the next n rows go: into the vacant slots, the lowest first, and then after the last. Ascending.
std::vector<std::uint32_t> next_slots(const View& view, std::size_t n);

// The rows of a call, as callers hand them in, in the sequence in which they enter, from number `first` on.
struct Arrivals {
    const std::byte* rows;
    std::size_t row_bytes;
    std::span<const std::int64_t> order = {};  // row numbers; empty: as the rows stand
    std::size_t first = 0;

    const std::byte* row(std::size_t i) const {
        const std::size_t at = first + i;
        return rows + (order.empty() ? at : static_cast<std::size_t>(order[at])) * row_bytes;
    }
};

// Stores vectors, which take no part in anything yet, with an id and a slot each, of those that come next. Vectors that
// are in the graph already, or earlier in the batch, become copies (graph/copies.hpp). Requires: reserve_lookup() and
// view.reserve() has made room (upper levels: see upper_rows_needed); no search can still be reading these slots.
// Returns false when the watch said stop; the caller then goes back to its Footing.
bool store_batch(Graph& graph, const Arrivals& given, std::span<const Id> ids, std::span<const std::uint32_t> slots,
                 const Crew& crew);

// Rows of upper links that the next n insertions will take beyond the spare ones.
std::size_t upper_rows_needed(const Graph& graph, std::size_t n);

// Links the nodes stored last, in these slots, and makes them live. Returns false, and has linked none of them, when
// the watch said stop before links were changed. When it throws, links may have been changed: the caller takes back
// what `undo` has kept. Afterwards the graph's View has them; the caller publishes it.
bool link_batch(Graph& graph, std::span<const std::uint32_t> slots, Undo& undo, const Crew& crew, Progress progress);

}  // namespace vicinal

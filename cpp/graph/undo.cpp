#include "graph/undo.hpp"

#include <span>

#include "graph/copies.hpp"

namespace vicinal {

// Names stay with the graph: cells are shared, and what a writer's copy counts must go with them.
void Footing::restore(Graph& graph) const noexcept {
    const IdMap names = graph.view.names;
    graph.view = view_;
    graph.view.names = names;
    graph.norms = norms_;
    graph.insertions = insertions_;
    graph.judge_at = judge_at_;
    graph.spare_rows.go_back_to(spare_rows_);
}

std::size_t Undo::number_of(Slot node, Level level) const {
    if (level == 0) return index_of(node);
    const View& view = before_.view();
    return view.count + view.upper_first.as<std::uint32_t>()[index_of(node)] + static_cast<std::size_t>(level) - 1;
}

bool Undo::mark(std::size_t number) {
    const std::uint64_t bit = std::uint64_t{1} << (number % 64);
    if ((kept_[number / 64] & bit) != 0) return false;
    kept_[number / 64] |= bit;
    return true;
}

// A call that adds a few vectors meets few rows, and none of them often: it does without the marks, whose number is
// that of all rows. What is kept twice is put back in reverse, the oldest last.
void Undo::keep(Slot node, Level level) {
    const View& view = before_.view();
    if (!view.holds(node)) return;
    const std::size_t words = (std::size_t{view.count} + view.upper_count + 63) / 64;
    if (kept_.empty() && rows_.size() >= words) {
        kept_.resize(words, 0);
        for (const Row& row : rows_) mark(number_of(row.node, row.level));
    }
    if (!kept_.empty() && !mark(number_of(node, level))) return;
    const std::size_t first = slots_.size();
    view.links_of(node, level).for_each([&](std::uint32_t slot) { slots_.push_back(slot); });
    rows_.push_back({node, level, first, slots_.size() - first});
}

void Undo::keep_copies(Slot node) {
    if (before_.view().holds(node)) chains_.push_back({node, next_copy(before_.view(), index_of(node))});
}

void Undo::take_back(Graph& graph) const noexcept {
    for (auto chain = chains_.rbegin(); chain != chains_.rend(); ++chain)
        set_next_copy(graph.view, index_of(chain->node), chain->next);
    for (auto row = rows_.rbegin(); row != rows_.rend(); ++row)
        graph.view.links_of(row->node, row->level).write(std::span(slots_).subspan(row->first, row->degree));
    before_.restore(graph);
}

}  // namespace vicinal

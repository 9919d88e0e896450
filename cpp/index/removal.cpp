// Vectors go: at once for searches, then out of the graph piece by piece, and out of memory when that is asked for.
// Declared in parts.hpp.
#include <algorithm>
#include <limits>
#include <string>

#include "base/errors.hpp"
#include "graph/reconnect.hpp"
#include "index/parts.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kAllRows = std::numeric_limits<std::size_t>::max();

}  // namespace

void Index::Parts::forget(std::span<const std::int64_t> ids) {
    View& view = graph.view;
    const std::vector<Slot> slots = slots_of(ids, view);
    std::vector<Slot> sorted = slots;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
        throw DuplicateIdError("id " + std::to_string(number_of(view.id(*twice))) + " is named twice in one call");

    std::vector<std::uint32_t> leaving;
    leaving.reserve(slots.size());
    for (const Slot slot : slots) leaving.push_back(index_of(slot));
    std::unique_ptr<View> prepared = prepare_to_publish();
    view.gone = view.gone.with(leaving);
    publish(std::move(prepared));
}

void Index::Parts::sweep_after(std::size_t n, const Crew& crew) {
    try {
        sweep(graph.view.size() == 0 ? kAllRows : n * kRowsSweptForOne, crew);
    } catch (const Stopped&) {
        return;
    } catch (const std::bad_alloc&) {
        return;
    }
}

void Index::Parts::sweep(std::size_t rows, const Crew& crew) {
    while (rows != 0 && graph.view.removed() != 0 && (sweeping(graph) || (!is_held() && begin_sweep(graph)))) {
        rows -= std::min(rows, sweep_some(graph, rows, crew));
        if (swept(graph)) end_sweep(crew.watch);
    }
}

// All or nothing: a pass whose end is interrupted ends with a later call. (Links that were given meanwhile stay.)
void Index::Parts::end_sweep(Watch& watch) {
    std::unique_ptr<View> prepared = prepare_to_publish();
    View view = graph.view;
    Sweep sweep = graph.sweep;
    SpareRows spare_rows = graph.spare_rows;
    try {
        vicinal::end_sweep(graph);
        Undo undo(graph);
        reconnect(graph, undo, watch);
    } catch (...) {
        graph.view = std::move(view);
        graph.sweep = std::move(sweep);
        graph.spare_rows = std::move(spare_rows);
        throw;
    }
    withdraw_since(publish(std::move(prepared)));
}

void Index::Parts::compact(const Crew& crew) {
    sweep(kAllRows, crew);
    if (graph.view.removed() != 0 && is_held()) {
        move_to_tables_of_its_own(all_sitters(graph.view), crew.watch);
        sweep(kAllRows, crew);
    }
    if (!graph.view.gone.empty()) move_to_tables_of_its_own(live_sitters(graph.view), crew.watch);
}

void Index::Parts::move_to_tables_of_its_own(const std::vector<Sitter>& sitters, Watch& watch) {
    std::unique_ptr<View> prepared = prepare_to_publish();
    auto hold = std::make_shared<Hold>();
    renumber(graph, sitters, watch);
    graph.view.reassigned = ++reassigned;
    publish(std::move(prepared));
    withdrawn_ = 0;  // nobody has seen these tables before
    hold_ = std::move(hold);
}

}  // namespace vicinal

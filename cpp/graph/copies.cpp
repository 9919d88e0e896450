#include "graph/copies.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/errors.hpp"

namespace vicinal {
namespace {

void hang(const View& view, std::uint32_t copy) {
    const std::uint32_t node = index_of(node_of(view, Slot{copy}));
    const std::uint32_t first = next_copy(view, node);
    set_next_copy(view, copy, first == node ? copy : first);
    set_next_copy(view, node, copy);
}

// Entries of slots that hold something else by now are left over, as are those of nodes that are gone.
bool is_met(const View& view, Slot other, Slot slot, std::span<const std::uint32_t> batch) {
    if (view.holds(other)) return !view.is_copy(other) && any_live(view, other);
    return other < slot && !view.is_copy(other) && std::binary_search(batch.begin(), batch.end(), index_of(other));
}

std::optional<Slot> node_like(const Graph& graph, Slot slot, std::uint64_t hash, std::span<const std::uint32_t> batch) {
    const View& view = graph.view;
    return graph.nodes.find(hash, [&](Slot other) {
        return is_met(view, other, slot, batch) &&
               std::memcmp(view.vector(other), view.vector(slot), graph.space.row_bytes()) == 0;
    });
}

std::uint64_t hash_of(const Graph& graph, Slot slot) {
    return RowMap::hash_of(graph.view.vector(slot), graph.space.row_bytes());
}

}  // namespace

bool any_live(const View& view, Slot node) {
    if (view.is_live(node)) return true;
    if (view.copies == 0) return false;
    bool live = false;
    for_each_copy(view, node, [&](std::uint32_t copy) { live = live || view.is_live(Slot{copy}); });
    return live;
}

void reserve_lookup(Graph& graph, std::size_t fresh, Watch& watch) {
    if (graph.nodes.has_room_for(fresh)) return;
    constexpr std::uint32_t kRowsAtOnce = 1'024;
    RowMap before = std::move(graph.nodes);
    try {
        graph.nodes = RowMap(graph.view.nodes() + fresh);
        for (std::uint32_t slot = 0; slot < graph.view.count; ++slot) {
            if (slot % kRowsAtOnce == 0 && !watch.again()) throw Stopped();
            if (!graph.view.is_node(Slot{slot}) || !any_live(graph.view, Slot{slot})) continue;
            const std::uint64_t hash = hash_of(graph, Slot{slot});
            // A file may hold several nodes of the same bytes: the first has the copies to come.
            if (!node_like(graph, Slot{slot}, hash, {})) graph.nodes.insert(hash, Slot{slot});
        }
    } catch (...) {
        graph.nodes = std::move(before);
        throw;
    }
    graph.view.lookup_bytes = graph.nodes.bytes();
}

bool find_node_of(Graph& graph, Slot slot, std::span<const std::uint32_t> batch) {
    const View& view = graph.view;
    const std::uint64_t hash = hash_of(graph, slot);
    const std::optional<Slot> node = node_like(graph, slot, hash, batch);
    set_next_copy(view, index_of(slot), index_of(slot));
    if (node)
        view.links_of(slot, 0).write(std::array{index_of(*node)});
    else
        graph.nodes.insert(hash, slot, [&](Slot other) { return !is_met(view, other, slot, batch); });
    return node.has_value();
}

void hang_copies(View& view, std::span<const std::uint32_t> batch, Undo& undo) {
    for (const std::uint32_t slot : batch) {
        if (!view.is_copy(Slot{slot})) continue;
        undo.keep_copies(node_of(view, Slot{slot}));
        hang(view, slot);
        ++view.copies;
    }
}

void derive_chains(View& view) {
    for (std::uint32_t slot = 0; slot < view.count; ++slot) set_next_copy(view, slot, slot);
    view.copies = 0;
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.holds(Slot{slot}) || !view.is_copy(Slot{slot})) continue;
        hang(view, slot);
        ++view.copies;
    }
}

}  // namespace vicinal

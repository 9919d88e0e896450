#include "graph/copies.hpp"

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

// Entries of slots that were taken back may be left over: a slot at or after `slot`, or one that is now a copy.
std::optional<Slot> node_like(const Graph& graph, Slot slot, std::uint64_t hash) {
    const View& view = graph.view;
    return graph.nodes.find(hash, [&](Slot other) {
        return other < slot && view.is_node(other) &&
               std::memcmp(view.vector(other), view.vector(slot), graph.space.row_bytes()) == 0;
    });
}

std::uint64_t hash_of(const Graph& graph, Slot slot) {
    return RowMap::hash_of(graph.view.vector(slot), graph.space.row_bytes());
}

}  // namespace

bool any_live(const View& view, Slot node) {
    if (view.state(node) == State::live) return true;
    if (view.copies == 0) return false;
    bool live = false;
    for_each_copy(view, node, [&](std::uint32_t copy) {
        live = live || (copy < view.count && view.state(Slot{copy}) == State::live);
    });
    return live;
}

void reserve_lookup(Graph& graph, std::size_t slots, Watch& watch) {
    if (graph.nodes.has_room_for(slots - graph.view.count)) return;
    constexpr std::uint32_t kRowsAtOnce = 1'024;
    RowMap before = std::move(graph.nodes);
    try {
        graph.nodes = RowMap(slots);
        for (std::uint32_t slot = 0; slot < graph.view.count; ++slot) {
            if (slot % kRowsAtOnce == 0 && !watch.again()) throw Stopped();
            if (!graph.view.is_node(Slot{slot})) continue;
            const std::uint64_t hash = hash_of(graph, Slot{slot});
            // A file may hold several nodes of the same bytes: the first has the copies to come.
            if (!node_like(graph, Slot{slot}, hash)) graph.nodes.insert(hash, Slot{slot});
        }
    } catch (...) {
        graph.nodes = std::move(before);
        throw;
    }
    graph.view.lookup_bytes = graph.nodes.bytes();
}

bool find_node_of(Graph& graph, Slot slot) {
    const View& view = graph.view;
    const std::uint64_t hash = hash_of(graph, slot);
    const std::optional<Slot> node = node_like(graph, slot, hash);
    set_next_copy(view, index_of(slot), index_of(slot));
    if (node)
        view.links_of(slot, 0).write(std::array{index_of(*node)});
    else
        graph.nodes.insert(hash, slot);
    return node.has_value();
}

void hang_copies(View& view, std::uint32_t first, std::uint32_t n, Undo& undo) {
    for (std::uint32_t slot = first; slot < first + n; ++slot) {
        if (view.is_node(Slot{slot})) continue;
        undo.keep_copies(node_of(view, Slot{slot}));
        hang(view, slot);
        ++view.copies;
    }
}

void derive_chains(View& view) {
    for (std::uint32_t slot = 0; slot < view.count; ++slot) set_next_copy(view, slot, slot);
    view.copies = 0;
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (view.is_node(Slot{slot})) continue;
        hang(view, slot);
        ++view.copies;
    }
}

}  // namespace vicinal

// Vectors that are there more than once, byte for byte.
//
// A graph of copies is a graph of sinks: at distance nothing from each other they take all of one another's links, and
// of a hundred some eighty were reached by nobody. So one of them is a node, the first to come; the others are its
// copies. They have rows and ids like every slot, but no level, and nobody links to them: they hang on the node
// in a chain, and a search that finds the node reports them all. A copy's own row of links holds one, to its node. So a
// copy costs no walk when it is added, and takes no place in a beam.
//
// Whatever asks of a node whether it may be reported has to ask of its copies too.
//
// Only equal bytes make a copy. Multiples of a vector under cosine, which are as near to everything, are nodes of their
// own, since rounding may part their distances; select.hpp keeps those from becoming sinks.
//
// next_copies holds, by slot, the next in the chain, or the slot itself at its end. A new copy is put first: written
// with release after its row and id, so that a search that runs meanwhile sees it whole or not at all, and leaves it
// out because it is beyond its View's count.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/watch.hpp"
#include "graph/admitted.hpp"
#include "graph/graph.hpp"
#include "graph/undo.hpp"
#include "graph/view.hpp"

namespace vicinal {

inline std::uint32_t next_copy(const View& view, std::uint32_t slot) {
    return std::atomic_ref(view.next_copies.as<std::uint32_t>()[slot]).load(std::memory_order_acquire);
}

inline void set_next_copy(const View& view, std::uint32_t slot, std::uint32_t next) {
    std::atomic_ref(view.next_copies.as<std::uint32_t>()[slot]).store(next, std::memory_order_release);
}

// Calls visit(slot index) for each copy of a node, in no order.
template <class Visit>
void for_each_copy(const View& view, Slot node, Visit&& visit) {
    for (std::uint32_t at = index_of(node);;) {
        const std::uint32_t next = next_copy(view, at);
        if (next == at) return;
        visit(next);
        at = next;
    }
}

// The node of a copy; a node is its own.
inline Slot node_of(const View& view, Slot slot) {
    if (!view.is_copy(slot)) return slot;
    std::uint32_t node = index_of(slot);
    view.links_of(slot, 0).for_each([&](std::uint32_t to) { node = to; });
    return Slot{node};
}

inline void admit(const View& view, Slot slot, Admitted& admitted) {
    admitted.admit(index_of(slot), index_of(node_of(view, slot)));
}

// Whether a node or one of its copies is live.
bool any_live(const View& view, Slot node);

inline std::uint32_t upper_rows_of(Level level) { return level > 0 ? static_cast<std::uint32_t>(level) : 0; }

// Room to look up so many more vectors. After a load this looks at every row. Strong guarantee; throws Stopped.
void reserve_lookup(Graph& graph, std::size_t fresh, Watch& watch);

// Whether `slot`, whose row is stored, has the bytes of a node that may be reported, itself or by a copy, or of one
// before it in its batch. Then its row of links names that node; else it counts as a node from now on. Requires: the
// batch ascends; reserve_lookup() has made room.
bool find_node_of(Graph& graph, Slot slot, std::span<const std::uint32_t> batch);

// Puts the copies of a batch into the chains of their nodes.
void hang_copies(View& view, std::span<const std::uint32_t> batch, Undo& undo);

// Takes copies that go out of the chain of their node: gone(slot).
template <class Gone>
void unhang_copies(const View& view, Slot node, Gone&& gone) {
    for (std::uint32_t at = index_of(node);;) {
        const std::uint32_t next = next_copy(view, at);
        if (next == at) return;
        if (gone(next))
            set_next_copy(view, at, next_copy(view, next) == next ? at : next_copy(view, next));
        else
            at = next;
    }
}

// Makes all chains anew from the copies' rows of links.
void derive_chains(View& view);

}  // namespace vicinal

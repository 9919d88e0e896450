// Graphs grown for a test, and what can be seen of them row by row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/team.hpp"
#include "base/watch.hpp"
#include "graph/copies.hpp"
#include "graph/graph.hpp"
#include "graph/insert.hpp"
#include "vectors_drawn.hpp"

namespace vicinal::trial {

// Adds rows to a graph as an index does; ids are slot numbers.
inline void grow(Graph& graph, const std::byte* rows, std::size_t n, std::size_t threads) {
    Team team(threads);
    Watch nobody;
    graph.view.reserve(graph.view.count + n, graph.view.upper_count + upper_rows_needed(graph, n), nobody);
    reserve_lookup(graph, n, nobody);
    const std::vector<std::uint32_t> slots = next_slots(graph.view, n);
    Undo undo(graph);
    for (std::size_t done = 0; done < n;) {
        const std::size_t batch = batch_size(graph.view.nodes(), n - done);
        std::vector<Id> ids;
        const std::span here = std::span(slots).subspan(done, batch);
        for (const std::uint32_t slot : here) ids.push_back(Id{slot});
        store_batch(graph, {rows, graph.space.given_row_bytes(), {}, done}, ids, here, {team, nobody});
        link_batch(graph, here, undo, {team, nobody}, {done, n});
        done += batch;
    }
}

template <class T>
Graph grown(const Space& space, const GraphOptions& options, const std::vector<T>& vectors, std::size_t threads) {
    Graph graph(space, options);
    grow(graph, bytes_of(vectors), vectors.size() * sizeof(T) / space.given_row_bytes(), threads);
    return graph;
}

inline std::vector<std::uint32_t> links_of(const View& view, std::uint32_t slot, Level level) {
    std::vector<std::uint32_t> slots;
    view.links_of(Slot{slot}, level).for_each([&](std::uint32_t to) { slots.push_back(to); });
    return slots;
}

// Where two graphs differ first, or nothing.
inline std::string difference(const View& a, const View& b) {
    if (a.count != b.count || a.upper_count != b.upper_count) return "counts";
    if (a.copies != b.copies) return "copies";
    if (a.entry != b.entry || a.top != b.top) return "entry";
    for (std::uint32_t slot = 0; slot < a.count; ++slot) {
        const std::string where = " of slot " + std::to_string(slot);
        if (std::memcmp(a.rows.row(slot), b.rows.row(slot), a.rows.stride()) != 0) return "vector" + where;
        if (a.factor(Slot{slot}) != b.factor(Slot{slot})) return "factor" + where;
        if (a.id(Slot{slot}) != b.id(Slot{slot})) return "id" + where;
        if (a.is_live(Slot{slot}) != b.is_live(Slot{slot})) return "whether it is live," + where;
        if (a.holds(Slot{slot}) != b.holds(Slot{slot})) return "whether it is vacant," + where;
        if (a.level(Slot{slot}) != b.level(Slot{slot})) return "level" + where;
        if (next_copy(a, slot) != next_copy(b, slot)) return "copies" + where;
        if (links_of(a, slot, 0) != links_of(b, slot, 0)) return "links on level 0" + where;
        for (Level level = 1; level <= a.level(Slot{slot}); ++level)
            if (links_of(a, slot, level) != links_of(b, slot, level))
                return "links on level " + std::to_string(level) + where;
    }
    return {};
}

// By slot: whether a path on level 0 leads there, or to its node, from the entry, or it is vacant.
inline std::vector<bool> reached(const View& view) {
    std::vector<bool> met(view.count, false);
    std::vector<std::uint32_t> waiting{index_of(view.entry)};
    met[index_of(view.entry)] = true;
    while (!waiting.empty()) {
        const std::uint32_t slot = waiting.back();
        waiting.pop_back();
        for (const std::uint32_t to : links_of(view, slot, 0))
            if (!met[to]) {
                met[to] = true;
                waiting.push_back(to);
            }
    }
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        met[slot] = !view.holds(Slot{slot}) || met[index_of(node_of(view, Slot{slot}))];
    return met;
}

inline std::size_t unreachable(const View& view) {
    const std::vector<bool> met = reached(view);
    return static_cast<std::size_t>(std::count(met.begin(), met.end(), false));
}

// What no row of links may be, or nothing.
inline std::string fault_in_links(const View& view) {
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        for (Level level = 0; view.holds(Slot{slot}) && level <= view.level(Slot{slot}); ++level) {
            const std::string where = " of slot " + std::to_string(slot) + " on level " + std::to_string(level);
            std::vector<std::uint32_t> slots = links_of(view, slot, level);
            if (slots.size() > (level == 0 ? view.width : view.upper_width)) return "too many links" + where;
            for (const std::uint32_t to : slots) {
                if (!view.holds(Slot{to})) return "a link to nowhere" + where;
                if (to == slot) return "a link to itself" + where;
                if (view.level(Slot{to}) < level) return "a link to a node below the level" + where;
            }
            std::sort(slots.begin(), slots.end());
            if (std::adjacent_find(slots.begin(), slots.end()) != slots.end()) return "a link twice" + where;
        }
    return {};
}

}  // namespace vicinal::trial

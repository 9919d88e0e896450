// The writer's side of a graph: what is needed beyond a View to add to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/team.hpp"
#include "base/types.hpp"
#include "codecs/space.hpp"
#include "graph/ground.hpp"
#include "graph/spare_rows.hpp"
#include "graph/view.hpp"
#include "vectors/row_map.hpp"

namespace vicinal {

// Where the vectors lie that codes stand for (Traversal, is_tier). On disk: in a file without a name while the index is
// being filled or was loaded, and in the index's own file while that is mapped. So one rule holds for what is in the
// index and what has just been added; and nothing but tables knows of it.
enum class Tier : std::uint8_t { memory = 0, disk = 1 };

struct GraphOptions {
    std::size_t M = 16;
    std::size_t ef_construction = 200;
    std::uint64_t seed = 0;
    Traversal traversal = Traversal::automatic;
    enum class Lift : std::uint8_t { automatic = 0, on = 1, off = 2 } lift = Lift::automatic;
    Tier vectors = Tier::memory;
};

// Of the vectors so far: whether construction under ip is lifted, and how high.
struct Norms {
    double shortest = 0, longest = 0;  // of the vectors ever added; both 0 before the first
    double ceiling = 0;                // squared; see settle_factors
};

// A pass over all rows of links (graph/sweep.hpp). Idle: nobody leaves.
struct Sweep {
    SlotSet leaving;           // no row of links before `cursor` leads to these
    std::uint32_t cursor = 0;  // the first slot whose rows have not been looked at
};

struct Graph {
    Graph(const Space& vector_space, const GraphOptions& graph_options)
        : space(vector_space),
          options(graph_options),
          layout(space, options.M, place_of(options.vectors)),
          view(layout, space) {}

    Space space;
    GraphOptions options;
    Layout layout;
    View view;                     // the writer's own copy; published by whoever owns the graph
    RowMap nodes;                  // by their bytes; filled when the first vectors are added
    SpareRows spare_rows;          // of upper links, left by nodes whose slots are vacant
    Sweep sweep;                   // how far the links of removed nodes are repaired
    std::uint64_t insertions = 0;  // ever begun and finished; the level of the next node is drawn with it
    Norms norms;
    std::uint32_t judge_at = 0;  // automatic traversal is chosen anew when the graph has this many nodes

    bool lifted() const;

    static Table::Place place_of(Tier tier) { return tier == Tier::disk ? Table::Place::disk : Table::Place::memory; }

    // What construction stands on. A lift is not in the codes, and coarse codes are too coarse to choose links by.
    Ground build_ground() const {
        if (view.fine.on() && !lifted()) return Ground::coded(view, view.fine);
        return Ground::stored(view, space, space.build_ruler(lifted(), norms.ceiling));
    }
};

// Takes notice of the norms of the rows in these slots, which are encoded but not yet linked, and sets their factors.
// Under ip, whenever the number of rows passes a power of two, or the longest has become longer by a quarter of a
// doubling, the ceiling is chosen anew: nine tenths of the rows stay below it, and with it all heights change, in a
// table made anew. Returns false, with the norms half settled, when the watch said stop.
//
// Why not above the longest row, which would make all rows equally long? Then a long vector, which is the answer to
// many queries, is a neighbor to none but the few that are as long; MiniLM with log-normal norms (sigma 0.5) has a
// recall@10 of 0.60 at ef = 40, where this ceiling has 0.98. Above the ceiling rows lie at height 0 and so are compared
// by inner product; there is nothing to lose, they are everybody's neighbors. Without any lift they are that to the
// others' exclusion, and a fifth of the nodes of that set cannot be reached (bench/ABLATIONS.md).
bool settle_factors(Graph& graph, std::span<const std::uint32_t> slots, const Crew& crew);

}  // namespace vicinal

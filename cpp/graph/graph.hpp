// The writer's side of a graph: what is needed beyond a View to add to it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/types.hpp"
#include "codecs/space.hpp"
#include "graph/ground.hpp"
#include "graph/view.hpp"

namespace vicinal {

struct GraphOptions {
    std::size_t M = 16;
    std::size_t ef_construction = 200;
    std::uint64_t seed = 0;
    Traversal traversal = Traversal::automatic;
    enum class Lift : std::uint8_t { automatic = 0, on = 1, off = 2 } lift = Lift::automatic;
};

// The longest and the shortest vector so far, which decide whether construction under ip is lifted, and how high.
struct Norms {
    double shortest = 0, longest = 0;  // of the vectors ever added; both 0 before the first
    double ceiling = 0;                // squared; no row's squared norm exceeds it
};

struct Graph {
    Graph(const Space& vector_space, const GraphOptions& graph_options)
        : space(vector_space), options(graph_options), layout(space, options.M), view(layout, space) {}

    Space space;
    GraphOptions options;
    Layout layout;
    View view;                     // the writer's own copy; published by whoever owns the graph
    std::uint64_t insertions = 0;  // ever begun and finished; the level of the next node is drawn with it
    Norms norms;
    std::uint32_t judge_at = 0;  // automatic traversal is chosen anew when the graph has this many nodes

    bool lifted() const;

    // What construction stands on. A lift is not in the codes.
    Ground build_ground() const {
        if (view.code.on() && !lifted()) return Ground::coded(view);
        return Ground::stored(view, space, space.build_ruler(lifted(), norms.ceiling));
    }
};

// Takes notice of the norms of rows [first, first + n), which are encoded but not yet linked, and sets their
// factors; raises the ceiling, and with it all heights, where a new row is longer than any before.
void settle_factors(Graph& graph, std::uint32_t first, std::uint32_t n);

}  // namespace vicinal

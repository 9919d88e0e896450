// The same graph with other slots: without gaps, or in an order that suits walks.
#pragma once

#include <cstdint>
#include <vector>

#include "base/watch.hpp"
#include "graph/graph.hpp"

namespace vicinal {

// Who sits in a slot: whose row, links and level it has, and by whose id and group it goes. They differ where a removed
// node stays only because it has live copies: one of them takes its place.
struct Sitter {
    std::uint32_t node, name;
};

// All that is live, in the order of slots. Requires: nothing is left to sweep but removed nodes with live copies.
std::vector<Sitter> live_sitters(const View& view);

// All that is not vacant.
std::vector<Sitter> all_sitters(const View& view);

// Makes the tables of a graph anew, with the sitters in slots 0, 1, 2 ...: nothing is vacant, and there is room for no
// more. The links are the same. Whoever holds the old View is not disturbed. Strong guarantee; throws Stopped,
// std::bad_alloc. Requires: no pass is under way; no sitter has a link to who is none.
void renumber(Graph& graph, const std::vector<Sitter>& sitters, Watch& watch);

}  // namespace vicinal

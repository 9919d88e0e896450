// Nodes that nobody leads to any more get a link again.
//
// A row that is full takes a new link for an old one, and the old one may have been the last that led somewhere: of 20
// 000 vectors of uneven length under ip a fifth are lost so, of GIST1M one in 200 (knowhere #340), of most sets a
// handful. Which link was the last cannot be told where it is dropped, short of counting for every node who leads to
// it, and a count misses groups that lead to each other only. So now and then the whole graph is looked at, and what is
// lost is linked from a neighbor, in place of a link that nobody is reached by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/watch.hpp"
#include "graph/graph.hpp"
#include "graph/undo.hpp"

namespace vicinal {

// Whether the graph is to be looked at after a call that brought it from `before` nodes to `after`: when the call has
// added a thirty-second, and whenever a sixteenth of a power of two is passed. By counts alone, so that the same calls
// make the same graph. A look at a node costs a thousandth of what it takes to add it.
bool reconnection_is_due(std::uint32_t before, std::uint32_t after);

// Gives a link to whatever cannot be reached from the entry on level 0; afterwards everything can, but for what only
// nodes that leave (graph/sweep.hpp) could lead to. Returns how many
// nodes were lost. When it throws (Stopped, std::bad_alloc), the rows that have changed are sound.
std::size_t reconnect(Graph& graph, Undo& undo, Watch& watch);

// For the calls in between: each new node that none of those it chose leads to gets a link from one of them, in place
// of a link to a node that others of its own choice lead to. This looks at the new nodes' neighbors only; it does not
// see whether those can be reached.
void hold_new_nodes(const View& view, std::span<const std::uint32_t> slots, Undo& undo);

}  // namespace vicinal

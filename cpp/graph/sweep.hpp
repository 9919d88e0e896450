// What was removed leaves the graph.
//
// A removed node is not reported from that moment on, but rows of links still lead to it and through it. A pass goes
// over all rows in the order of slots, and each that leads to a node that leaves is chosen anew from its other
// neighbors and the neighbors of those that leave, by the heuristic that chose it: so the ways that went through the
// removed are not cut off but taken over. At its end nobody leads to them, whatever that has made unreachable gets a
// link again (reconnect.hpp), and their slots are vacant: the next rows to come take them, the lowest first.
//
// A pass takes those that are removed when it begins. They are few at a time, since each call that writes does a piece
// of it, by the number of rows it writes and by nothing else: the same calls make the same file, and no call stands
// still for a whole pass that has not itself removed a share of the rows.
//
// Nobody takes up a link to a removed node meanwhile: new nodes choose live ones (linking.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/team.hpp"
#include "graph/graph.hpp"

namespace vicinal {

// How many rows are looked at for each row that a call writes. To look at one costs a five-thousandth of what it takes
// to add a row, to look for what cannot be reached as much again for each of the pass. With 128 what waits to be swept
// is at most a hundredth of an index, or two.
constexpr std::size_t kRowsSweptForOne = 128;

inline bool sweeping(const Graph& graph) { return !graph.sweep.leaving.empty(); }

// Begins a pass for all that is removed and reported by nobody. False when there is nothing to do. Requires: no pass is
// under way. Strong guarantee.
bool begin_sweep(Graph& graph);

// Looks at up to `rows` rows more. Returns how many; fewer when the pass has come to the last row. When it throws
// (Stopped, std::bad_alloc), some rows are chosen anew and all are sound. Requires: a pass is under way.
std::size_t sweep_some(Graph& graph, std::size_t rows, const Crew& crew);

// Whether only the end of a pass is left to do.
inline bool swept(const Graph& graph) { return sweeping(graph) && graph.sweep.cursor >= graph.view.count; }

// After a load, which hangs all copies into the chains of their nodes: takes out those that a pass under way had taken
// out, of the nodes it has gone by.
void resume_sweep(const Graph& graph);

// Ends a pass: the slots of those that left are vacant. The caller publishes the View, and does not fill them before
// all searches that began earlier have ended. Requires: swept(graph). Strong guarantee.
void end_sweep(Graph& graph);

}  // namespace vicinal

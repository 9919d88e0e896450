// The last step of taking a graph over, from a file or from arrays: its tables are full, and nobody has looked at them.
#pragma once

#include <string>

#include "graph/graph.hpp"
#include "persist/effort.hpp"
#include "persist/settings.hpp"

namespace vicinal {

// Checks rows, ids, links and copies, and derives what follows from them: where upper links lie, the chains of copies.
// Requires: states and levels are checked; counts, entry and norms are set. Throws CorruptIndexError beginning with
// `name`; Stopped.
void complete(Graph& graph, const Settings& settings, const std::string& name, Effort& effort);

}  // namespace vicinal

// An order of slots in which what a walk reads together lies together.
#pragma once

#include <vector>

#include "base/watch.hpp"
#include "graph/renumber.hpp"

namespace vicinal {

// The sitters in the order of Gorder (Wei et al., "Speedup Graph Processing by Graph Ordering", 2016): next comes who
// has the most links from those that were seated last. Copies come after their node. Throws Stopped.
std::vector<Sitter> by_locality(const View& view, const std::vector<Sitter>& sitters, Watch& watch);

}  // namespace vicinal

// How much effort a search may take: what its caller says, or what the index was tuned for.
#pragma once

#include "graph/search.hpp"
#include "graph/view.hpp"
#include "index/index.hpp"

namespace vicinal {

// Throws InvalidArgumentError (ef, recall or rule out of range), NotTunedError.
Asked effort_of(const SearchOptions& options, const View& view);

}  // namespace vicinal

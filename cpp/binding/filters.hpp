// Filters of a search, as Python hands them in.
#pragma once

#include <vector>

#include "binding/python.hpp"
#include "index/index.hpp"

namespace vicinal::binding {

// None, or a list whose entries are each a _core.IdSet, a _core.AttributeFilter or a mask (uint8, one dimension,
// contiguous). Borrows from them. Throws InvalidArgumentError.
std::vector<Filter> filters_of(const py::object& filters);

// The names of what searches did, as res.stats["strategy"] has them.
py::list strategies_of(const std::vector<Work>& work);

}  // namespace vicinal::binding

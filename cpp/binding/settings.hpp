// Settings by their public names.
#pragma once

#include <cstddef>
#include <string>

#include "binding/python.hpp"
#include "index/index.hpp"

namespace vicinal::binding {

// The other options have their defaults. All throw InvalidArgumentError naming the setting, what was found and what is
// known; ranges are the core's affair.
Options options_of(std::size_t dim, const std::string& metric, const std::string& dtype);
Lift lift_of(const std::string& name);
Traversal traversal_of(const std::string& name);
// Codes of a tier, or none where the name is empty, and where vectors are to lie then.
void set_tier(Options& options, const std::string& codes, const std::string& vectors);

py::dict as_dict(const Options& options);
py::dict as_dict(const Memory& memory);
py::dict as_dict(const GraphShape& shape);
py::dict as_dict(const Health& health);
py::dict as_dict(const Info& info);

}  // namespace vicinal::binding

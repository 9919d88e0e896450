// Settings by their public names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "binding/python.hpp"
#include "index/index.hpp"

namespace vicinal::binding {

// Throws InvalidArgumentError naming the setting, what was found and what is known. Ranges are the core's affair.
Options options_of(std::size_t dim, const std::string& metric, const std::string& dtype, std::size_t M,
                   std::size_t ef_construction, const std::string& lift, std::uint64_t seed);

py::dict as_dict(const Options& options);
py::dict as_dict(const Memory& memory);
py::dict as_dict(const GraphShape& shape);
py::dict as_dict(const Info& info);

}  // namespace vicinal::binding

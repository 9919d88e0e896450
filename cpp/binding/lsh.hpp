// The hash layer as the Python layer sees it.
#pragma once

#include "binding/python.hpp"

namespace vicinal::binding {

void bind_lsh(py::module_& module);
void bind_lsh_index(py::module_& module);

}  // namespace vicinal::binding

// A calibration as Python sees it: a dict with a list of dicts.
#pragma once

#include "binding/python.hpp"
#include "graph/calibration.hpp"

namespace vicinal::binding {

py::dict as_dict(const Calibration& calibration);

// Throws what pybind11 throws for keys that are missing and values of another type; the core looks at the numbers.
Calibration calibration_of(const py::dict& dict);

}  // namespace vicinal::binding

// C++ exceptions as Python knows them.
#pragma once

#include <exception>

namespace vicinal::binding {

// Raises, in Python, what `error` holds: the class of vicinal.errors that has its name, or the built-in that fits.
// Needs the GIL; leaves Python's error indicator set.
void set_python_error(const std::exception_ptr& error) noexcept;

// Makes pybind11 do the same for every call of this module.
void register_exceptions();

}  // namespace vicinal::binding

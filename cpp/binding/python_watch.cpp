#include "binding/python_watch.hpp"

#include <utility>

namespace vicinal::binding {

PythonWatch::PythonWatch(py::object progress)
    : progress_(std::move(progress)),
      watch_([this](std::size_t done, std::size_t total) { return ask(done, total); }) {}

bool PythonWatch::ask(std::size_t done, std::size_t total) {
    const py::gil_scoped_acquire acquire;
    try {
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        if (!progress_.is_none()) progress_(done, total);
    } catch (const py::error_already_set& error) {
        error_.emplace(error);
    }
    return !error_;
}

}  // namespace vicinal::binding

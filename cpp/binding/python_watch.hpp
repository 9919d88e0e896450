// A Watch whose answers come from Python.
#pragma once

#include <cstddef>
#include <optional>

#include "base/watch.hpp"
#include "binding/python.hpp"

namespace vicinal::binding {

// Every now and then takes the GIL, runs Python's signal handlers (Ctrl-C; only the main thread does) and tells
// `progress`, a callable or None, how far the call has come. What Python raises then stops the call, is kept, and is
// raised again once the core has returned.
class PythonWatch {
public:
    explicit PythonWatch(py::object progress);
    PythonWatch(const PythonWatch&) = delete;
    PythonWatch& operator=(const PythonWatch&) = delete;

    Watch& watch() { return watch_; }

    const std::optional<py::error_already_set>& error() const { return error_; }
    void throw_error() const {
        if (error_) throw *error_;
    }

private:
    bool ask(std::size_t done, std::size_t total);

    py::object progress_;
    std::optional<py::error_already_set> error_;
    Watch watch_;
};

// Runs call(watch) without the GIL. What Python raised meanwhile comes before what the core made of it.
template <class Call>
decltype(auto) watched(PythonWatch& watch, Call&& call) {
    try {
        return without_gil([&]() -> decltype(auto) { return call(watch.watch()); });
    } catch (...) {
        watch.throw_error();
        throw;
    }
}

}  // namespace vicinal::binding

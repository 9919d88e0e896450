// Python's headers and the few words every file of this folder says to them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace vicinal::binding {

namespace py = pybind11;
using namespace pybind11::literals;

// Runs a call into the core while other Python threads go on. The core never touches a Python object.
template <class Call>
decltype(auto) without_gil(Call&& call) {
    const py::gil_scoped_release release;
    return std::forward<Call>(call)();
}

// The elements of an array that the Python layer has made contiguous.
template <class T>
std::span<T> span_of(py::array_t<T>& array) {
    return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

}  // namespace vicinal::binding

// Arrays in one piece, seen as spans.
#pragma once

#include <cstddef>
#include <span>

#include "binding/python.hpp"

namespace vicinal::binding {

template <class T>
using Flat = py::array_t<T, py::array::c_style>;

template <class T>
std::span<const T> elements_of(const Flat<T>& array) {
    return {array.data(), static_cast<std::size_t>(array.size())};
}

}  // namespace vicinal::binding

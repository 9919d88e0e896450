// Vectors as numpy holds them, and as the core takes them.
#pragma once

#include <cstddef>

#include "binding/python.hpp"
#include "codecs/types.hpp"

namespace vicinal::binding {

struct Rows {
    const std::byte* data;
    std::size_t n;
};

// The Python layer (arrays.py) has brought `array` into shape and says what was wrong with it in the caller's words.
// This only makes sure that the core never reads beyond it: throws InvalidArgumentError.
Rows rows_of(const py::array& array, const char* name, Dtype dtype, std::size_t dim);

// An array for n rows as a caller gets them: float32, int8, uint8, or packed bits.
py::array new_rows(Dtype dtype, std::size_t dim, std::size_t n);

// Arrays a search writes into.
struct FoundArrays {
    FoundArrays(std::size_t n, std::size_t k)
        : ids({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(k)}),
          distances({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(k)}) {}

    py::array_t<std::int64_t> ids;
    py::array_t<float> distances;
};

}  // namespace vicinal::binding

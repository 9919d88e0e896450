// Bytes of an index, handed to Python and taken from it.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <span>
#include <vector>

#include "base/errors.hpp"

namespace vicinal::binding {

// Not py::bytes(data, size), which calls a lack of memory a RuntimeError.
inline pybind11::bytes python_bytes(const std::vector<std::byte>& bytes) {
    PyObject* object = PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()),
                                                 static_cast<pybind11::ssize_t>(bytes.size()));
    if (object == nullptr) throw pybind11::error_already_set();
    return pybind11::reinterpret_steal<pybind11::bytes>(object);
}

// Borrowed from the buffer. Throws InvalidArgumentError.
inline std::span<const std::byte> bytes_of(const pybind11::buffer_info& info) {
    if (info.ndim != 1 || info.itemsize != 1 || (info.size > 1 && info.strides[0] != 1))
        throw InvalidArgumentError("an index is read from bytes in one piece, one byte an item");
    return {static_cast<const std::byte*>(info.ptr), static_cast<std::size_t>(info.size)};
}

}  // namespace vicinal::binding

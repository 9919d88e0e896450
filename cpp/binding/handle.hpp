// What a Python Index holds.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "binding/python.hpp"
#include "index/index.hpp"

namespace vicinal::binding {

// The settings that every search asks for lie beside the index, not behind its pointer.
struct Handle {
    explicit Handle(std::unique_ptr<Index> held)
        : index(std::move(held)),
          dim(index->options().dim),
          takes_float32(is_floating(index->options().dtype)),
          metric(py::str(std::string(name_of(index->options().metric)))) {}

    std::unique_ptr<Index> index;
    std::size_t dim;
    bool takes_float32;
    py::str metric;
};

// An index that has been read and waits for the Python object that will hold it: a class method of Python makes the
// object, because only Python knows which subclass is wanted.
struct Loaded {
    std::unique_ptr<Index> index;
};

void bind_index(py::module_& module);
void bind_search_result(py::module_& module);
void bind_fast_search(py::module_& module);

}  // namespace vicinal::binding

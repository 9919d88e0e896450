// The light object a search returns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "binding/python.hpp"

namespace vicinal::binding {

// Memory layout of _core.SearchResult and of vicinal.SearchResult, which adds methods but no fields.
//
// It holds its two arrays; or, as the answer to a single query, k ids and k distances behind the object itself, which
// arrays made for whoever looks share. Making both at once costs more than a search of a small index.
struct SearchResult {
    PyObject_VAR_HEAD   // ob_size is k where the answer lies behind the object, else 0
        PyObject* ids;  // null: behind the object
    PyObject* distances;
    PyObject* metric;
    PyObject* stats;  // null: None

    std::int64_t* row_ids() { return reinterpret_cast<std::int64_t*>(this + 1); }
    float* row_distances() { return reinterpret_cast<float*>(row_ids() + Py_SIZE(this)); }
};

// A new object of `type` (a SearchResult or a subclass), with room for a row of k. Null, with Python's error set, when
// there is no memory. The caller fills the row before anyone else sees the object.
SearchResult* new_row_result(PyTypeObject* type, std::size_t k, PyObject* metric);

}  // namespace vicinal::binding

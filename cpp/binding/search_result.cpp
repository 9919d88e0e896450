// Written against the C API and not with pybind11: a pybind11 object costs as much to make as a short search takes.
#include "binding/search_result.hpp"

#include <structmember.h>

#include <array>
#include <cstddef>

#include "binding/handle.hpp"

namespace vicinal::binding {
namespace {

SearchResult* cast(PyObject* object) { return reinterpret_cast<SearchResult*>(object); }

PyObject* new_reference(PyObject* object) {
    Py_XINCREF(object);
    return object;
}

PyObject* create(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
    static std::array<const char*, 5> names{"ids", "distances", "metric", "stats", nullptr};
    PyObject *ids = nullptr, *distances = nullptr, *metric = nullptr, *stats = nullptr;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "OOU|O:SearchResult", const_cast<char**>(names.data()), &ids,
                                    &distances, &metric, &stats) == 0)
        return nullptr;
    SearchResult* result = new_row_result(type, 0, metric);
    if (result == nullptr) return nullptr;
    result->ids = new_reference(ids);
    result->distances = new_reference(distances);
    result->stats = new_reference(stats);
    return reinterpret_cast<PyObject*>(result);
}

void destroy(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    SearchResult* result = cast(self);
    Py_XDECREF(result->ids);
    Py_XDECREF(result->distances);
    Py_XDECREF(result->metric);
    Py_XDECREF(result->stats);
    type->tp_free(self);
    Py_DECREF(reinterpret_cast<PyObject*>(type));
}

// A new reference to `held`, or else to a new array on the row behind `self`, which lives as long as the array. It is
// not kept: result and array would hold each other for ever.
template <class T>
PyObject* array_of(PyObject* self, PyObject* held, T* row) {
    static PyObject* const element = py::dtype::of<T>().release().ptr();
    if (held != nullptr) return new_reference(held);
    const auto& numpy = py::detail::npy_api::get();
    const Py_ssize_t k = Py_SIZE(self);
    PyObject* array = numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, new_reference(element), 1, &k, nullptr, row,
                                                  py::detail::npy_api::NPY_ARRAY_WRITEABLE_, nullptr);
    if (array == nullptr || numpy.PyArray_SetBaseObject_(array, new_reference(self)) == 0) return array;
    Py_DECREF(array);
    return nullptr;
}

PyObject* get_ids(PyObject* self, void*) { return array_of(self, cast(self)->ids, cast(self)->row_ids()); }
PyObject* get_distances(PyObject* self, void*) {
    return array_of(self, cast(self)->distances, cast(self)->row_distances());
}

// `ids, distances = result`
PyObject* iterate(PyObject* self) {
    PyObject* ids = get_ids(self, nullptr);
    PyObject* distances = get_distances(self, nullptr);
    PyObject* pair = ids == nullptr || distances == nullptr ? nullptr : PyTuple_Pack(2, ids, distances);
    Py_XDECREF(ids);
    Py_XDECREF(distances);
    if (pair == nullptr) return nullptr;
    PyObject* iterator = PyObject_GetIter(pair);
    Py_DECREF(pair);
    return iterator;
}

Py_ssize_t length(PyObject*) { return 2; }

PyObject* item(PyObject* self, Py_ssize_t position) {
    if (position == 0) return get_ids(self, nullptr);
    if (position == 1) return get_distances(self, nullptr);
    PyErr_SetString(PyExc_IndexError, "a search result has two items: ids and distances");
    return nullptr;
}

std::array<PyMemberDef, 3> members{{
    {"metric", T_OBJECT, offsetof(SearchResult, metric), READONLY, nullptr},
    {"stats", T_OBJECT, offsetof(SearchResult, stats), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
}};
std::array<PyGetSetDef, 3> properties{{
    {"ids", get_ids, nullptr, nullptr, nullptr},
    {"distances", get_distances, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
}};

template <class Function>
PyType_Slot slot(int number, Function* function) {
    return {number, reinterpret_cast<void*>(function)};
}

}  // namespace

SearchResult* new_row_result(PyTypeObject* type, std::size_t k, PyObject* metric) {
    SearchResult* result = cast(type->tp_alloc(type, static_cast<Py_ssize_t>(k)));  // filled with zeros
    if (result != nullptr) result->metric = new_reference(metric);
    return result;
}

void bind_search_result(py::module_& module) {
    static std::array<PyType_Slot, 9> slots{{
        slot(Py_tp_new, create),
        slot(Py_tp_dealloc, destroy),
        slot(Py_tp_iter, iterate),
        slot(Py_sq_length, length),
        slot(Py_sq_item, item),
        slot(Py_tp_members, members.data()),
        slot(Py_tp_getset, properties.data()),
        {Py_tp_doc, const_cast<char*>("What a search found; vicinal.SearchResult adds the methods.")},
        {0, nullptr},
    }};
    static PyType_Spec spec{"vicinal._core.SearchResult", static_cast<int>(sizeof(SearchResult)),
                            static_cast<int>(sizeof(std::int64_t) + sizeof(float)),
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots.data()};
    const py::object type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
    if (!type) throw py::error_already_set();
    module.attr("SearchResult") = type;
}

}  // namespace vicinal::binding

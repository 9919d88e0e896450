// The short way from Python to a search, for the call services make all day: one float32 vector, k and perhaps ef,
// threads (of which one query needs one) and an IdSet to keep to.
//
// vicinal.Index.search is written in Python and takes everything. This file puts a method of the C API in front of it
// that looks at the arguments, answers the plain call itself, and hands every other one on unchanged. Measured on an
// index of one vector, argument parsing and casting by pybind11 would cost several times the search.
#include <array>
#include <cstdint>
#include <exception>
#include <string>

#include "binding/exceptions.hpp"
#include "binding/handle.hpp"
#include "binding/search_result.hpp"

namespace vicinal::binding {
namespace {

// Looked up once. The references live as long as the process: extension modules are never unloaded.
struct Known {
    PyObject* general_search = nullptr;  // the Python function
    PyTypeObject* result_type = nullptr;
    PyTypeObject* array_type = nullptr;
    PyObject* float32 = nullptr;
    PyObject* k = nullptr;
    PyObject* ef = nullptr;
    PyObject* threads = nullptr;
    PyObject* filter = nullptr;
    PyTypeObject* id_set_type = nullptr;
    std::string doc;
};
Known known;

// A larger beam takes long enough for Ctrl-C to matter, and this path does not look for it.
constexpr long kMaxPlain = 10'000;
static_assert(kMaxPlain <= static_cast<long>(kMinAllowedK) && kMaxPlain <= static_cast<long>(kMaxEf));

struct Plain {
    const std::byte* query = nullptr;
    SearchOptions options;
    Filter filter;  // the caller holds the IdSet as long as the call lasts
};

bool read_number(PyObject* object, std::size_t& number) {
    if (!PyLong_CheckExact(object)) return false;
    int overflow = 0;
    const long value = PyLong_AsLongAndOverflow(object, &overflow);
    if (overflow != 0 || value < 1 || value > kMaxPlain) return false;
    number = static_cast<std::size_t>(value);
    return true;
}

bool is_thread_count(PyObject* object) {
    if (!PyLong_CheckExact(object)) return false;
    int overflow = 0;
    const long value = PyLong_AsLongAndOverflow(object, &overflow);
    return overflow == 0 && value >= 0 && value <= static_cast<long>(kMaxThreads);
}

// A numpy array itself (no subclass, which may mean something else by its values), native float32, one dimension,
// without gaps.
bool read_query(PyObject* object, const Handle& handle, const std::byte*& query) {
    if (Py_TYPE(object) != known.array_type) return false;
    const py::detail::PyArray_Proxy* array = py::detail::array_proxy(object);
    constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    if (array->descr != known.float32 || array->nd != 1 || (array->flags & wanted) != wanted) return false;
    if (array->dimensions[0] != static_cast<Py_ssize_t>(handle.dim)) return false;
    query = reinterpret_cast<const std::byte*>(array->data);
    return true;
}

// A vicinal.IdSet, or None. (What else it may be, Python makes an IdSet of.)
bool read_filter(PyObject* object, Filter& filter) {
    if (object == Py_None) return true;
    if (PyObject_TypeCheck(object, known.id_set_type) == 0) return false;
    auto* instance = reinterpret_cast<py::detail::instance*>(object);
    filter.ids = static_cast<const IdSet*>(instance->get_value_and_holder().value_ptr());
    return filter.ids != nullptr;
}

// False when the call asks for more than this file answers, or is mistaken.
bool read_arguments(const Handle& handle, PyObject* const* arguments, Py_ssize_t positional, PyObject* names,
                    Plain& plain) {
    if (!handle.takes_float32 || positional < 1 || positional > 2) return false;
    if (!read_query(arguments[0], handle, plain.query)) return false;
    if (positional == 2 && !read_number(arguments[1], plain.options.k)) return false;
    const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* name = PyTuple_GET_ITEM(names, i);  // names written in a call are interned
        PyObject* value = arguments[positional + i];
        if (name == known.k && positional == 1) {
            if (!read_number(value, plain.options.k)) return false;
        } else if (name == known.ef) {
            if (value != Py_None && !read_number(value, plain.options.ef)) return false;
        } else if (name == known.threads) {
            if (!is_thread_count(value)) return false;
        } else if (name == known.filter) {
            if (!read_filter(value, plain.filter)) return false;
        } else {
            return false;
        }
    }
    return true;
}

PyObject* search_generally(PyObject* self, PyObject* const* arguments, Py_ssize_t positional, PyObject* names) {
    std::array<PyObject*, 32> all{self};
    const Py_ssize_t given = positional + (names == nullptr ? 0 : PyTuple_GET_SIZE(names));
    if (given >= static_cast<Py_ssize_t>(all.size()))
        return PyErr_Format(PyExc_TypeError, "search() got %zd arguments, more than it has parameters", given);
    for (Py_ssize_t i = 0; i < given; ++i) all[static_cast<std::size_t>(i) + 1] = arguments[i];
    return PyObject_Vectorcall(known.general_search, all.data(), static_cast<std::size_t>(positional) + 1, names);
}

PyObject* search_plainly(const Handle& handle, const Plain& plain) {
    static Watch nobody;  // never stops, so that all threads may share it
    const std::size_t k = plain.options.k;
    SearchResult* result = new_row_result(known.result_type, k, handle.metric.ptr());
    if (result == nullptr) return nullptr;
    std::int64_t count = 0;
    const Found found{{result->row_ids(), k}, {result->row_distances(), k}, {&count, 1}, {}};
    std::exception_ptr error;
    PyThreadState* thread = PyEval_SaveThread();
    try {
        SearchOptions options = plain.options;
        if (plain.filter.ids != nullptr) options.filters = {&plain.filter, 1};
        handle.index->search(plain.query, 1, options, found, nobody);
    } catch (...) {
        error = std::current_exception();
    }
    PyEval_RestoreThread(thread);
    if (!error) return reinterpret_cast<PyObject*>(result);
    Py_DECREF(reinterpret_cast<PyObject*>(result));
    set_python_error(error);
    return nullptr;
}

// METH_FASTCALL | METH_KEYWORDS. Python has made sure that self is a vicinal.Index.
PyObject* search(PyObject* self, PyObject* const* arguments, Py_ssize_t positional, PyObject* names) {
    auto* instance = reinterpret_cast<py::detail::instance*>(self);
    const auto* handle = static_cast<const Handle*>(instance->get_value_and_holder().value_ptr());
    if (handle == nullptr) {
        PyErr_SetString(PyExc_TypeError, "the index was never initialized: __init__ was not called");
        return nullptr;
    }
    Plain plain;
    if (read_arguments(*handle, arguments, positional, names, plain)) return search_plainly(*handle, plain);
    return search_generally(self, arguments, positional, names);
}

// Puts `search` above into the class, with the name, documentation and signature of the Python method it stands for.
void quicken_search(const py::type& index_type, const py::type& result_type, const std::string& signature) {
    const py::object general = index_type.attr("search");
    known.general_search = general.inc_ref().ptr();
    known.result_type = reinterpret_cast<PyTypeObject*>(py::object(result_type).inc_ref().ptr());
    known.array_type = py::detail::npy_api::get().PyArray_Type_;
    known.float32 = py::dtype::of<float>().release().ptr();
    known.k = PyUnicode_InternFromString("k");
    known.ef = PyUnicode_InternFromString("ef");
    known.threads = PyUnicode_InternFromString("threads");
    known.filter = PyUnicode_InternFromString("filter");
    known.id_set_type = reinterpret_cast<PyTypeObject*>(py::type::of<IdSet>().release().ptr());
    known.doc = "search" + signature + "\n--\n\n" + py::str(general.attr("__doc__")).cast<std::string>();

    static PyMethodDef method{"search", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&search)),
                              METH_FASTCALL | METH_KEYWORDS, nullptr};
    method.ml_doc = known.doc.c_str();
    auto* type = reinterpret_cast<PyTypeObject*>(index_type.ptr());
    const py::object descriptor = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &method));
    if (!descriptor) throw py::error_already_set();
    py::setattr(index_type, "search", descriptor);
}

}  // namespace

void bind_fast_search(py::module_& module) {
    module.def("quicken_search", &quicken_search, "index_type"_a, "result_type"_a, "signature"_a);
}

}  // namespace vicinal::binding

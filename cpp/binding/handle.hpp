// What a Python Index holds.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "binding/python.hpp"
#include "index/index.hpp"
#include "index/store.hpp"

namespace vicinal::binding {

// The settings that every search asks for lie beside the index, not behind its pointer.
struct Handle {
    explicit Handle(std::unique_ptr<Index> held) : Handle(held.get()) { owned = std::move(held); }
    explicit Handle(std::unique_ptr<Store> held) : Handle(&held->index()) { store = std::move(held); }

    Index* index;
    std::unique_ptr<Index> owned;  // unless a store has it
    std::unique_ptr<Store> store;  // none: the index is in memory, or mapped
    std::size_t dim;
    bool takes_float32;
    py::str metric;

private:
    explicit Handle(Index* whose)
        : index(whose),
          dim(index->options().dim),
          takes_float32(is_floating(index->options().dtype)),
          metric(py::str(std::string(name_of(index->options().metric)))) {}
};

// An index that has been read and waits for the Python object that will hold it: a class method of Python makes the
// object, because only Python knows which subclass is wanted.
struct Loaded {
    std::unique_ptr<Index> index;
    std::unique_ptr<Store> store;  // or this one, which has its own
};

// Python can make an object without calling its __init__; what pybind11 would hand on as its value is memory nobody
// has filled. So no method of a Handle, a Loaded, an IdSet or Attributes is called before this has looked.
inline void check_initialized(PyObject* self, const char* what) {
    if (reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder().value_ptr() == nullptr)
        throw py::type_error(std::string("the ") + what + " was never initialized: __init__ was not called");
}

void bind_index(py::module_& module);
void bind_store(py::class_<Handle>& index, py::module_& module);
void bind_arrays(py::class_<Handle>& index, py::module_& module);
void bind_group_search(py::class_<Handle>& index);
void bind_search_result(py::module_& module);
void bind_fast_search(py::module_& module);
void bind_id_set(py::module_& module);
void bind_attributes(py::module_& module);
void bind_sparse(py::module_& module);
void bind_sets(py::module_& module);
void bind_codecs(py::module_& module);

}  // namespace vicinal::binding

// How arguments become a Handle&, a Loaded& or an IdSet&: as for every class of pybind11, after check_initialized.
namespace pybind11::detail {

template <class Held>
struct initialized_caster : type_caster_base<Held> {
    bool load(handle source, bool convert) {
        constexpr bool is_index =
            std::is_same_v<Held, vicinal::binding::Handle> || std::is_same_v<Held, vicinal::binding::Loaded>;
        constexpr const char* what = is_index ? "index" : std::is_same_v<Held, vicinal::IdSet> ? "IdSet" : "filter";
        if (isinstance<Held>(source)) vicinal::binding::check_initialized(source.ptr(), what);
        return type_caster_base<Held>::load(source, convert);
    }
};

template <>
struct type_caster<vicinal::binding::Handle> : initialized_caster<vicinal::binding::Handle> {};
template <>
struct type_caster<vicinal::binding::Loaded> : initialized_caster<vicinal::binding::Loaded> {};
template <>
struct type_caster<vicinal::IdSet> : initialized_caster<vicinal::IdSet> {};
template <>
struct type_caster<vicinal::Attributes> : initialized_caster<vicinal::Attributes> {};
template <>
struct type_caster<vicinal::AttributeFilter> : initialized_caster<vicinal::AttributeFilter> {};

}  // namespace pybind11::detail

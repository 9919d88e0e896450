// Items and families of hash functions as Python hands them in.
#pragma once

#include <memory>
#include <vector>

#include "binding/handle.hpp"
#include "binding/python.hpp"
#include "hash/family.hpp"
#include "hash/items.hpp"

namespace vicinal::binding {

struct FamilyHandle {
    static constexpr const char* kCalled = "HashFamily";
    std::shared_ptr<const Family> family;
};

// Items and the arrays they lie in.
struct HeldItems {
    Items items;
    std::vector<py::object> arrays;
};

// Throws InvalidArgumentError when the arrays are not as the Python layer makes them for such a family.
HeldItems items_from(const py::object& given, const Family& family);

}  // namespace vicinal::binding

// As for an Index: no method runs on an object whose __init__ Python did not call.
namespace pybind11::detail {

template <class Held>
struct lsh_caster : type_caster_base<Held> {
    bool load(handle source, bool convert) {
        if (isinstance<Held>(source)) vicinal::binding::check_initialized(source.ptr(), Held::kCalled);
        return type_caster_base<Held>::load(source, convert);
    }
};
template <>
struct type_caster<vicinal::binding::FamilyHandle> : lsh_caster<vicinal::binding::FamilyHandle> {};

}  // namespace pybind11::detail

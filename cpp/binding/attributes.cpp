// _core.Attributes and _core.AttributeFilter. The Python layer has checked what they are given.
#include "index/attributes.hpp"

#include <vector>

#include "base/errors.hpp"
#include "binding/flat.hpp"
#include "binding/handle.hpp"

namespace vicinal::binding {
namespace {

using Ids = Flat<std::int64_t>;
using Values = Flat<double>;

template <class T>
std::vector<T> copy_of(const Flat<T>& array) {
    return {array.data(), array.data() + array.size()};
}

std::unique_ptr<Attributes> attributes_of(const Ids& ids, const Values& values) {
    if (values.ndim() != 2 || values.shape(0) != ids.size())
        throw InvalidArgumentError("attributes: expected a row of values for each id");
    return std::make_unique<Attributes>(copy_of(ids), copy_of(values), static_cast<std::size_t>(values.shape(1)));
}

AttributeFilter filter_of(const Attributes& attributes, const Values& low, const Values& high, const Values& center,
                          double squared_radius) {
    const auto columns = static_cast<py::ssize_t>(attributes.columns());
    if (low.size() != columns || high.size() != columns || (center.size() != 0 && center.size() != columns))
        throw InvalidArgumentError("attributes: expected a bound for each column");
    return {&attributes, {copy_of(low), copy_of(high), copy_of(center), squared_radius}};
}

py::array_t<double> values_of(const Attributes& self) {
    const auto columns = static_cast<py::ssize_t>(self.columns());
    return py::array_t<double>({static_cast<py::ssize_t>(self.ids().size()), columns}, self.values().data());
}

}  // namespace

void bind_attributes(py::module_& module) {
    py::class_<Attributes>(module, "Attributes")
        .def(py::init(&attributes_of), "ids"_a.noconvert(), "values"_a.noconvert())
        .def("_ids",
             [](const Attributes& self) {
                 return py::array_t<std::int64_t>(static_cast<py::ssize_t>(self.ids().size()), self.ids().data());
             })
        .def("_values", &values_of)
        .def("_columns", [](const Attributes& self) { return self.columns(); });
    py::class_<AttributeFilter>(module, "AttributeFilter")
        .def(py::init(&filter_of), py::keep_alive<1, 2>(), "attributes"_a, "low"_a.noconvert(), "high"_a.noconvert(),
             "center"_a.noconvert(), "squared_radius"_a)
        .def("_ids", [](const AttributeFilter& self) {
            const std::vector<std::int64_t> ids = self.attributes->ids_in(self.region);
            return py::array_t<std::int64_t>(static_cast<py::ssize_t>(ids.size()), ids.data());
        });
}

}  // namespace vicinal::binding

#include "binding/filters.hpp"

#include <array>

#include "base/errors.hpp"
#include "binding/handle.hpp"

namespace vicinal::binding {
namespace {

using Ids = py::array_t<std::int64_t, py::array::c_style>;

constexpr std::array<const char*, 6> kStrategies{"graph", "exact", "scan", "gated", "two-hop", "starved"};

Filter filter_of(const py::handle& given) {
    if (py::isinstance<IdSet>(given)) return {&given.cast<const IdSet&>(), {}, nullptr};
    if (py::isinstance<AttributeFilter>(given)) return {nullptr, {}, &given.cast<const AttributeFilter&>()};
    if (py::isinstance<py::array_t<std::uint8_t>>(given)) {
        const auto mask = py::reinterpret_borrow<py::array>(given);
        if (mask.ndim() == 1 && (mask.flags() & py::array::c_style) != 0)
            return {nullptr,
                    {static_cast<const std::uint8_t*>(mask.data()), static_cast<std::size_t>(mask.size())},
                    nullptr};
    }
    throw InvalidArgumentError("filters: expected IdSets, regions and masks of uint8 in one dimension without gaps");
}

}  // namespace

std::vector<Filter> filters_of(const py::object& filters) {
    std::vector<Filter> all;
    if (filters.is_none()) return all;
    for (const py::handle given : filters.cast<py::list>()) all.push_back(filter_of(given));
    return all;
}

py::list strategies_of(const std::vector<Work>& work) {
    py::list names;
    for (const Work& one : work) names.append(kStrategies[static_cast<std::size_t>(one.strategy)]);
    return names;
}

void bind_id_set(py::module_& module) {
    py::class_<IdSet>(module, "IdSet")
        .def(py::init([](const Ids& ids, bool once) {
                 std::vector<std::int64_t> numbers(ids.data(), ids.data() + ids.size());
                 return std::make_unique<IdSet>(std::move(numbers), once ? IdSet::Use::once : IdSet::Use::often);
             }),
             "ids"_a.noconvert(), "once"_a)
        .def("__len__", [](const IdSet& self) { return self.ids().size(); })
        .def("_contains", [](const IdSet& self, std::int64_t number) { return self.contains(number); })
        .def("_ids", [](const IdSet& self) {
            return py::array_t<std::int64_t>(static_cast<py::ssize_t>(self.ids().size()), self.ids().data());
        });
}

}  // namespace vicinal::binding

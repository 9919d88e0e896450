#include "binding/rows.hpp"

#include <array>
#include <string>

#include "base/errors.hpp"

namespace vicinal::binding {
namespace {

py::dtype element_of(Dtype dtype) {
    if (is_floating(dtype)) return py::dtype::of<float>();
    return dtype == Dtype::i8 ? py::dtype::of<std::int8_t>() : py::dtype::of<std::uint8_t>();
}

}  // namespace

Rows rows_of(const py::array& array, const char* name, Dtype dtype, std::size_t dim) {
    const py::dtype element = element_of(dtype);
    const std::size_t columns = given_bytes(dtype, dim) / static_cast<std::size_t>(element.itemsize());
    const bool fits = array.ndim() == 2 && array.shape(1) == static_cast<py::ssize_t>(columns) &&
                      (array.flags() & py::array::c_style) != 0 && array.dtype().is(element);
    if (!fits)
        throw InvalidArgumentError(std::string(name) + ": expected rows of " + std::to_string(columns) + " native " +
                                   py::str(py::object(element)).cast<std::string>() + " without gaps");
    return {static_cast<const std::byte*>(array.data()), static_cast<std::size_t>(array.shape(0))};
}

py::array new_rows(Dtype dtype, std::size_t dim, std::size_t n) {
    const py::dtype element = element_of(dtype);
    const auto columns = static_cast<py::ssize_t>(given_bytes(dtype, dim)) / element.itemsize();
    return py::array(element, std::array<py::ssize_t, 2>{static_cast<py::ssize_t>(n), columns});
}

}  // namespace vicinal::binding

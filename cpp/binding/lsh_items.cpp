#include "binding/lsh_items.hpp"

#include <algorithm>
#include <string>

#include "base/errors.hpp"

namespace vicinal::binding {
namespace {

using Numbers = py::array_t<std::int64_t>;
using Tokens = py::array_t<Token>;

HeldItems sets_from(const py::tuple& parts, ItemKind kind) {
    HeldItems held;
    const auto offsets = parts[0].cast<Numbers>();
    const auto tokens = parts[1].cast<Tokens>();
    const auto size = static_cast<std::size_t>(offsets.size());
    const bool sound = size > 0 && offsets.at(0) == 0 && offsets.at(offsets.size() - 1) == tokens.size() &&
                       std::is_sorted(offsets.data(), offsets.data() + size);
    if (!sound) throw InvalidArgumentError("items: expected offsets that ascend from 0 to the number of tokens");
    held.items.kind = kind;
    held.items.n = size - 1;
    held.items.sets = {{offsets.data(), size}, tokens.data(), nullptr};
    held.arrays = {offsets, tokens};
    if (kind == ItemKind::weighted_sets) {
        const auto weights = parts[2].cast<py::array_t<float>>();
        if (weights.size() != tokens.size()) throw InvalidArgumentError("items: expected one weight for each token");
        held.items.sets.weights = weights.data();
        held.arrays.push_back(weights);
    }
    return held;
}

HeldItems rows_from(const py::array& array, const FamilySettings& settings, ItemKind kind) {
    const std::size_t columns = kind == ItemKind::bits ? settings.dim / 8 : settings.dim;
    const py::dtype element = kind == ItemKind::bits ? py::dtype::of<std::uint8_t>() : py::dtype::of<float>();
    const bool fits = array.ndim() == 2 && array.shape(1) == static_cast<py::ssize_t>(columns) &&
                      (array.flags() & py::array::c_style) != 0 && array.dtype().is(element);
    if (!fits) throw InvalidArgumentError("items: expected rows of " + std::to_string(columns) + " without gaps");
    HeldItems held;
    held.items.kind = kind;
    held.items.n = static_cast<std::size_t>(array.shape(0));
    held.items.rows = static_cast<const std::byte*>(array.data());
    held.items.stride = columns * static_cast<std::size_t>(element.itemsize());
    held.arrays = {array};
    return held;
}

}  // namespace

HeldItems items_from(const py::object& given, const Family& family) {
    if (family.takes() >= ItemKind::sets) return sets_from(given.cast<py::tuple>(), family.takes());
    return rows_from(given.cast<py::array>(), family.settings(), family.takes());
}

}  // namespace vicinal::binding

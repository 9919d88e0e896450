// _core.Index._groups_within: the groups that have a vector within a radius.
#include "base/team.hpp"
#include "binding/flat.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"
#include "binding/rows.hpp"

namespace vicinal::binding {
namespace {

template <class T>
Flat<T> array_of(const std::vector<T>& values) {
    return Flat<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::tuple groups_within(const Handle& self, const py::array& queries, float radius, std::size_t most, std::size_t ef,
                        bool exact, std::size_t threads) {
    const Options& options = self.index->options();
    const Rows rows = rows_of(queries, "queries", options.dtype, options.dim);
    const GroupOptions asked{
        .most = most, .ef = ef, .radius = radius, .exact = exact, .threads = resolve_threads(threads)};
    PythonWatch watch(py::none{});
    const GroupsWithin found =
        watched(watch, [&](Watch& core) { return self.index->groups_within(rows.data, rows.n, asked, core); });
    watch.throw_error();
    return py::make_tuple(array_of(found.lims), array_of(found.groups), array_of(found.distances),
                          array_of(found.compared));
}

}  // namespace

void bind_group_search(py::class_<Handle>& index) {
    index.def("_groups_within", &groups_within, "queries"_a, "radius"_a, "most"_a, "ef"_a, "exact"_a, "threads"_a);
}

}  // namespace vicinal::binding

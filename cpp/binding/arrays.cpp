// Graphs as numpy arrays: _core.adopt, and _core.Index._arrays (persist/arrays.hpp says what is in them).
#include "persist/arrays.hpp"

#include "binding/flat.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"
#include "binding/rows.hpp"

namespace vicinal::binding {
namespace {

template <class T>
py::array_t<T> as_array(const std::vector<T>& numbers, py::ssize_t columns = 1) {
    const auto size = static_cast<py::ssize_t>(numbers.size());
    if (columns == 1) return py::array_t<T>(size, numbers.data());
    return py::array_t<T>({size / columns, columns}, numbers.data());
}

// `like` has the options of the index to be.
Loaded adopt(const Handle& like, const py::array& vectors, const Flat<std::int64_t>& ids,
             const Flat<std::uint8_t>& gone, const Flat<std::int8_t>& levels, const Flat<std::uint32_t>& links,
             const Flat<std::uint32_t>& upper_links, std::uint32_t entry, const std::string& name) {
    const Options& options = like.index->options();
    const Rows rows = rows_of(vectors, "vectors", options.dtype, options.dim);
    const GraphArrays arrays{{rows.data, rows.n * given_bytes(options.dtype, options.dim)},
                             elements_of(ids),
                             elements_of(gone),
                             elements_of(levels),
                             elements_of(links),
                             elements_of(upper_links),
                             entry};
    PythonWatch watch(py::none{});
    Loaded loaded{watched(watch, [&](Watch& core) { return Index::adopt(options, arrays, name, core); }), nullptr};
    watch.throw_error();
    return loaded;
}

py::dict arrays_of(const Handle& self) {
    const Options& options = self.index->options();
    const OwnedArrays arrays = without_gil([&] { return self.index->arrays(); });
    py::array vectors = new_rows(options.dtype, options.dim, arrays.ids.size());
    std::copy(arrays.vectors.begin(), arrays.vectors.end(), static_cast<std::byte*>(vectors.mutable_data()));
    const auto width = static_cast<py::ssize_t>(options.M);
    return py::dict("vectors"_a = vectors, "ids"_a = as_array(arrays.ids), "gone"_a = as_array(arrays.gone),
                    "levels"_a = as_array(arrays.levels), "links"_a = as_array(arrays.links, 2 * width),
                    "upper_links"_a = as_array(arrays.upper_links, width), "entry"_a = arrays.entry);
}

}  // namespace

void bind_arrays(py::class_<Handle>& index, py::module_& module) {
    module.def("adopt", &adopt, "like"_a, "vectors"_a, "ids"_a.noconvert(), "gone"_a.noconvert(),
               "levels"_a.noconvert(), "links"_a.noconvert(), "upper_links"_a.noconvert(), "entry"_a, "name"_a);
    index.def("_arrays", &arrays_of);
}

}  // namespace vicinal::binding

// vicinal._core: the C++ core as the Python layer sees it.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "base/types.hpp"
#include "binding/exceptions.hpp"
#include "binding/handle.hpp"
#include "binding/lsh.hpp"
#include "binding/python_watch.hpp"
#include "binding/rows.hpp"
#include "binding/settings.hpp"

namespace vicinal::binding {
namespace {

// The stored type that holds the rows of `array` as they are, and their dimension.
std::pair<Dtype, std::size_t> layout_of(const py::array& array, Metric metric) {
    if (array.ndim() != 2) throw InvalidArgumentError("base: expected two dimensions, rows and columns");
    const auto columns = static_cast<std::size_t>(array.shape(1));
    const py::dtype element = array.dtype();
    if (element.is(py::dtype::of<float>())) return {Dtype::f32, columns};
    if (element.is(py::dtype::of<std::int8_t>())) return {Dtype::i8, columns};
    if (!element.is(py::dtype::of<std::uint8_t>()))
        throw InvalidArgumentError("base: expected float32, int8 or uint8, found " +
                                   py::str(py::object(element)).cast<std::string>());
    if (go_together(metric, Dtype::b1)) return {Dtype::b1, columns * 8};
    return {Dtype::u8, columns};
}

py::tuple exact_search_arrays(const py::array& base, const py::array& queries, std::size_t k, const std::string& metric,
                              std::size_t threads, py::object progress) {
    Options options = options_of(0, metric, "f32");
    std::tie(options.dtype, options.dim) = layout_of(base, options.metric);
    const Rows rows = rows_of(base, "base", options.dtype, options.dim);
    const Rows asked = rows_of(queries, "queries", options.dtype, options.dim);
    FoundArrays arrays(asked.n, k);
    std::vector<std::int64_t> counts(asked.n);
    const Found found{span_of(arrays.ids), span_of(arrays.distances), counts, {}};
    PythonWatch watch(std::move(progress));
    watched(watch, [&](Watch& core) {
        exact_search(options, {rows.data, rows.n}, {asked.data, asked.n}, {.k = k, .threads = threads}, found, core);
    });
    watch.throw_error();
    return py::make_tuple(arrays.ids, arrays.distances);
}

py::dict plan_memory_dict(std::size_t n, std::size_t dim, const std::string& metric, const std::string& dtype,
                          std::size_t M, const std::string& traversal, const std::string& codes,
                          const std::string& vectors) {
    Options options = options_of(dim, metric, dtype);
    options.M = M;
    options.traversal = traversal_of(traversal);
    set_tier(options, codes, vectors);
    check(options);
    return as_dict(plan_memory(options, n));
}

}  // namespace
}  // namespace vicinal::binding

PYBIND11_MODULE(_core, module) {
    using namespace vicinal::binding;
    register_exceptions();
    bind_id_set(module);
    bind_attributes(module);
    bind_index(module);
    bind_search_result(module);
    bind_fast_search(module);
    bind_lsh(module);
    bind_sparse(module);
    bind_sets(module);
    bind_codecs(module);
    module.def("exact_search", &exact_search_arrays, "base"_a, "queries"_a, "k"_a, "metric"_a = "l2", "threads"_a = 0,
               "progress"_a = py::none());
    module.def("plan_memory", &plan_memory_dict, "n"_a, "dim"_a, "metric"_a, "dtype"_a, "M"_a, "traversal"_a, "codes"_a,
               "vectors"_a);
    module.def("info", [](const std::string& path) { return as_dict(vicinal::Index::info(path)); }, "path"_a);
    module.def("kernels_in_use", &vicinal::kernels_in_use);
    module.attr("__version__") = VICINAL_VERSION;
    module.attr("MAX_DIM") = vicinal::kMaxDim;
    module.attr("MIN_M") = vicinal::kMinM;
    module.attr("MAX_M") = vicinal::kMaxM;
    module.attr("MAX_EF") = vicinal::kMaxEf;
    module.attr("MAX_THREADS") = vicinal::kMaxThreads;
    module.attr("MAX_VECTORS") = vicinal::kMaxSlots - 1;
    module.attr("ALWAYS_ALLOWED_K") = vicinal::kMinAllowedK;
}

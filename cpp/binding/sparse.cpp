// Sparse top-k: scipy's CSR layout in, answers one after another out.
#include "sparse/top_k.hpp"

#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"

namespace vicinal::binding {
namespace {

template <class T>
using Flat = py::array_t<T, py::array::c_style>;

template <class T>
std::span<const T> flat(const Flat<T>& array, const char* name) {
    if (array.ndim() != 1) throw InvalidArgumentError(std::string(name) + ": expected one dimension");
    return {array.data(), static_cast<std::size_t>(array.size())};
}

SparseRows rows_from(const py::tuple& csr, const char* name, std::size_t width) {
    const auto starts = csr[0].cast<Flat<std::int64_t>>();
    const auto columns = csr[1].cast<Flat<std::int32_t>>();
    const auto values = csr[2].cast<Flat<float>>();
    if (starts.ptr() != csr[0].ptr() || columns.ptr() != csr[1].ptr() || values.ptr() != csr[2].ptr())
        throw InvalidArgumentError(std::string(name) + ": expected arrays of int64, int32 and float32 without gaps");
    const SparseRows rows{flat(starts, name), flat(columns, name), flat(values, name)};
    check(rows, width, name);
    return rows;
}

// The memory stays where the core made it; numpy frees it.
template <class T>
py::array_t<T> handed_over(std::vector<T>&& values) {
    auto* kept = new std::vector<T>(std::move(values));
    const py::capsule owner(kept, [](void* memory) { delete static_cast<std::vector<T>*>(memory); });
    return py::array_t<T>(static_cast<py::ssize_t>(kept->size()), kept->data(), owner);
}

py::tuple top_k(const py::tuple& base, const py::tuple& queries, std::size_t width, std::size_t k, float least,
                bool skip_own, std::size_t threads, py::object progress) {
    const SparseRows rows = rows_from(base, "base", width);
    const SparseRows asked = rows_from(queries, "queries", width);
    PythonWatch watch(std::move(progress));
    SparseAnswers answers;
    watched(watch, [&](Watch& core) {
        const InvertedIndex index(rows, width);
        answers = sparse_top_k(index, asked, {.k = k, .least = least, .skip_own = skip_own, .threads = threads}, core);
    });
    watch.throw_error();
    return py::make_tuple(handed_over(std::move(answers.starts)), handed_over(std::move(answers.rows)),
                          handed_over(std::move(answers.scores)));
}

}  // namespace

void bind_sparse(py::module_& module) {
    module.def("sparse_top_k", &top_k, "base"_a, "queries"_a, "width"_a, "k"_a, "least"_a, "skip_own"_a = false,
               "threads"_a = 0, "progress"_a = py::none());
}

}  // namespace vicinal::binding

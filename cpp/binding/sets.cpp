// Sets of vectors: MaxSim and fixed-dimensional encodings. Arrays come as the Python layer has brought them into shape.
#include "sets/sets.hpp"

#include "base/errors.hpp"
#include "base/team.hpp"
#include "binding/flat.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"
#include "sets/fde.hpp"
#include "sets/maxsim.hpp"

namespace vicinal::binding {
namespace {

VectorSets sets_from(const py::array& rows, const Flat<std::int64_t>& starts, const char* name) {
    const bool wide = rows.dtype().equal(py::dtype::of<float>());
    if (rows.ndim() != 2 || (rows.flags() & py::array::c_style) == 0 || (!wide && !rows.dtype().equal(py::dtype("e"))))
        throw InvalidArgumentError(std::string(name) + ": expected float32 or float16 in two dimensions without gaps");
    const VectorSets sets{static_cast<const std::byte*>(rows.data()), static_cast<std::size_t>(rows.shape(0)),
                          static_cast<std::size_t>(rows.shape(1)), wide ? VectorSets::Type::f32 : VectorSets::Type::f16,
                          elements_of(starts)};
    check(sets, name);
    return sets;
}

template <class Call>
void on_team(std::size_t threads, py::object progress, Call&& call) {
    PythonWatch watch(std::move(progress));
    watched(watch, [&](Watch& core) {
        Team team(resolve_threads(threads));
        call(Crew{team, core});
    });
    watch.throw_error();
}

py::array_t<float> maxsim_lists(const py::array& queries, const Flat<std::int64_t>& query_starts,
                                const py::array& documents, const Flat<std::int64_t>& document_starts,
                                const Flat<std::int64_t>& list_starts, const Flat<std::int64_t>& list_documents,
                                std::size_t threads) {
    const VectorSets asked = sets_from(queries, query_starts, "queries");
    const VectorSets sets = sets_from(documents, document_starts, "documents");
    if (asked.dim != sets.dim) throw InvalidArgumentError("queries and documents differ in dimension");
    const ScoreLists lists{elements_of(list_starts), elements_of(list_documents)};
    py::array_t<float> scores(list_documents.size());
    float* to = scores.mutable_data();
    on_team(threads, py::none{}, [&](const Crew& crew) { maxsim(asked, sets, lists, to, crew); });
    return scores;
}

py::array_t<float> encode(const py::array& rows, const Flat<std::int64_t>& starts, std::size_t bits,
                          std::size_t sketched, const Flat<float>& planes, const Flat<float>& origin,
                          const Flat<std::uint8_t>& places, const Flat<float>& signs, const std::string& side,
                          std::size_t threads) {
    const VectorSets sets = sets_from(rows, starts, "sets");
    const std::size_t repetitions = static_cast<std::size_t>(signs.size()) / std::max<std::size_t>(sets.dim, 1);
    const FdeSettings settings{
        repetitions, bits, sketched, elements_of(planes), elements_of(origin), elements_of(places), elements_of(signs)};
    const FdeSide which = side == "query"    ? FdeSide::query
                          : side == "filled" ? FdeSide::filled_document
                                             : FdeSide::document;
    py::array_t<float> encodings({static_cast<py::ssize_t>(sets.size()), static_cast<py::ssize_t>(settings.length())});
    float* to = encodings.mutable_data();
    on_team(threads, py::none{}, [&](const Crew& crew) { encode_sets(sets, settings, which, to, crew); });
    return encodings;
}

}  // namespace

void bind_sets(py::module_& module) {
    module.def("maxsim", &maxsim_lists, "queries"_a, "query_starts"_a.noconvert(), "documents"_a,
               "document_starts"_a.noconvert(), "list_starts"_a.noconvert(), "list_documents"_a.noconvert(),
               "threads"_a = 1);
    module.def("encode_sets", &encode, "rows"_a, "starts"_a.noconvert(), "bits"_a, "sketched"_a, "planes"_a.noconvert(),
               "origin"_a.noconvert(), "places"_a.noconvert(), "signs"_a.noconvert(), "side"_a, "threads"_a = 1);
}

}  // namespace vicinal::binding

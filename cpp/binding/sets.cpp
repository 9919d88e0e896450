// Sets of vectors: MaxSim and fixed-dimensional encodings. Arrays come as the Python layer has brought them into shape.
#include "sets/sets.hpp"

#include <optional>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "binding/flat.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"
#include "sets/assign.hpp"
#include "sets/centroids.hpp"
#include "sets/fde.hpp"
#include "sets/four_bits.hpp"
#include "sets/maxsim.hpp"

namespace vicinal::binding {
namespace {

// `dim` is needed where rows may be of four bits, which are bytes.
VectorSets sets_from(const py::array& rows, const Flat<std::int64_t>& starts, const char* name, std::size_t dim = 0) {
    const py::dtype element = rows.dtype();
    const auto type = element.equal(py::dtype::of<float>())                      ? VectorSets::Type::f32
                      : element.equal(py::dtype("e"))                            ? VectorSets::Type::f16
                      : dim != 0 && element.equal(py::dtype::of<std::uint8_t>()) ? VectorSets::Type::b4
                                                                                 : std::optional<VectorSets::Type>{};
    if (rows.ndim() != 2 || (rows.flags() & py::array::c_style) == 0 || !type)
        throw InvalidArgumentError(std::string(name) + ": expected float32 or float16 in two dimensions without gaps");
    const auto width = static_cast<std::size_t>(rows.shape(1));
    if (type == VectorSets::Type::b4 && width != four_bit_bytes(dim))
        throw InvalidArgumentError(std::string(name) + ": rows of four bits have " + std::to_string(width) +
                                   " bytes, expected " + std::to_string(four_bit_bytes(dim)));
    const VectorSets sets{static_cast<const std::byte*>(rows.data()), static_cast<std::size_t>(rows.shape(0)),
                          type == VectorSets::Type::b4 ? dim : width, *type, elements_of(starts)};
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
    const VectorSets sets = sets_from(documents, document_starts, "documents", asked.dim);
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

struct Matrix {
    std::size_t n, width;
};

Matrix shape_of(const py::array& rows, const char* name) {
    if (rows.ndim() != 2) throw InvalidArgumentError(std::string(name) + ": expected two dimensions");
    return {static_cast<std::size_t>(rows.shape(0)), static_cast<std::size_t>(rows.shape(1))};
}

py::array_t<std::uint8_t> coded_rows(const Flat<float>& rows) {
    const auto [n, dim] = shape_of(rows, "rows");
    py::array_t<std::uint8_t> coded({n, four_bit_bytes(dim)});
    auto* to = reinterpret_cast<std::byte*>(coded.mutable_data());
    for (std::size_t row = 0; row < n; ++row)
        to_four_bits(rows.data() + row * dim, dim, to + row * four_bit_bytes(dim));
    return coded;
}

py::array_t<float> decoded_rows(const Flat<std::uint8_t>& coded, std::size_t dim) {
    const auto [n, width] = shape_of(coded, "rows");
    if (width != four_bit_bytes(dim)) throw InvalidArgumentError("rows: not of so many dimensions");
    py::array_t<float> rows({n, dim});
    const auto* from = reinterpret_cast<const std::byte*>(coded.data());
    for (std::size_t row = 0; row < n; ++row) from_four_bits(from + row * width, dim, rows.mutable_data() + row * dim);
    return rows;
}

py::array_t<std::uint32_t> assigned(const Flat<float>& rows, const Flat<float>& others, std::size_t threads) {
    const auto [n, dim] = shape_of(rows, "rows");
    const auto [n_others, width] = shape_of(others, "others");
    if (dim != width || n_others == 0) throw InvalidArgumentError("others: expected some, of the rows' dimension");
    py::array_t<std::uint32_t> result(static_cast<py::ssize_t>(n));
    std::uint32_t* to = result.mutable_data();
    const float *from = rows.data(), *with = others.data();
    on_team(threads, py::none{}, [&, n = n, n_others = n_others, dim = dim](const Crew& crew) {
        assign_rows(from, n, with, n_others, dim, to, crew);
    });
    return result;
}

py::array_t<std::int64_t> found_by_centroids(const py::array& queries, const Flat<std::int64_t>& query_starts,
                                             const Flat<float>& centroids, const Flat<std::int64_t>& starts,
                                             const Flat<std::uint32_t>& centroid_of, const Flat<std::uint8_t>& left,
                                             const Flat<std::int64_t>& list_starts, const Flat<std::uint32_t>& listed,
                                             std::size_t unlisted_from, const Flat<std::uint8_t>& admitted,
                                             std::size_t wanted, std::size_t probes, std::size_t survivors,
                                             std::size_t threads) {
    const VectorSets asked = sets_from(queries, query_starts, "queries");
    const CentroidTables tables{elements_of(centroids),
                                asked.dim,
                                elements_of(starts),
                                elements_of(centroid_of),
                                std::as_bytes(elements_of(left)),
                                elements_of(list_starts),
                                elements_of(listed),
                                unlisted_from,
                                elements_of(admitted)};
    py::array_t<std::int64_t> found({asked.size(), wanted});
    std::int64_t* to = found.mutable_data();
    on_team(threads, py::none{},
            [&](const Crew& crew) { find_by_centroids(asked, tables, {wanted, probes, survivors}, to, crew); });
    return found;
}

}  // namespace

void bind_sets(py::module_& module) {
    module.def("maxsim", &maxsim_lists, "queries"_a, "query_starts"_a.noconvert(), "documents"_a,
               "document_starts"_a.noconvert(), "list_starts"_a.noconvert(), "list_documents"_a.noconvert(),
               "threads"_a = 1);
    module.def("encode_sets", &encode, "rows"_a, "starts"_a.noconvert(), "bits"_a, "sketched"_a, "planes"_a.noconvert(),
               "origin"_a.noconvert(), "places"_a.noconvert(), "signs"_a.noconvert(), "side"_a, "threads"_a = 1);
    module.def("coded_rows", &coded_rows, "rows"_a);
    module.def("decoded_rows", &decoded_rows, "rows"_a.noconvert(), "dim"_a);
    module.def("assigned", &assigned, "rows"_a, "others"_a, "threads"_a = 1);
    module.def("found_by_centroids", &found_by_centroids, "queries"_a, "query_starts"_a.noconvert(),
               "centroids"_a.noconvert(), "starts"_a.noconvert(), "centroid_of"_a.noconvert(), "left"_a.noconvert(),
               "list_starts"_a.noconvert(), "listed"_a.noconvert(), "unlisted_from"_a, "admitted"_a.noconvert(),
               "wanted"_a, "probes"_a, "survivors"_a, "threads"_a = 1);
}

}  // namespace vicinal::binding

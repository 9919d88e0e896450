// Codes of vectors, and the linear algebra that fits them. Arrays come as the Python layer has brought them into shape;
// what would read or write outside of one is looked at here once more.
#include "codecs/centroids.hpp"
#include "codecs/code_scan.hpp"
#include "codecs/level_code.hpp"
#include "codecs/linear.hpp"

#include "base/errors.hpp"
#include "base/team.hpp"
#include "binding/handle.hpp"
#include "binding/python_watch.hpp"
#include "binding/settings.hpp"

namespace vicinal::binding {
namespace {

template <class T>
using Matrix = py::array_t<T, py::array::c_style>;

template <class Call>
void on_team(std::size_t threads, Call&& call) {
    PythonWatch watch(py::none{});
    watched(watch, [&](Watch& core) {
        Team team(resolve_threads(threads));
        call(Crew{team, core});
    });
    watch.throw_error();
}

template <class T>
std::size_t count(const Matrix<T>& rows, const char* name, std::size_t width) {
    if (rows.ndim() != 2 || static_cast<std::size_t>(rows.shape(1)) != width)
        throw InvalidArgumentError(std::string(name) + ": expected rows of " + std::to_string(width));
    return static_cast<std::size_t>(rows.shape(0));
}

template <class T>
Matrix<T> made(std::size_t n, std::size_t width) {
    return Matrix<T>({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(width)});
}

LevelCode code_of(std::size_t dim, unsigned bits, bool unbiased) {
    if ((bits != 1 && bits != 2 && bits != 4 && bits != 8) || dim == 0 || dim > kMaxDim)
        throw InvalidArgumentError("a code of " + std::to_string(bits) + " bits and " + std::to_string(dim) +
                                   " dimensions");
    return {dim, bits, unbiased ? CodeScale::unbiased : CodeScale::length};
}

CodeRows rows_of(const Matrix<std::uint8_t>& rows, const char* name, std::size_t bytes) {
    return {rows.data(), count(rows, name, bytes), bytes};
}

Matrix<std::uint8_t> encode_few_bits(const Matrix<float>& values, unsigned bits, bool unbiased, std::size_t threads) {
    const auto dim = values.ndim() == 2 ? static_cast<std::size_t>(values.shape(1)) : 0;
    const LevelCode code = code_of(dim, bits, unbiased);
    const std::size_t n = count(values, "values", dim);
    auto rows = made<std::uint8_t>(n, code.row_bytes());
    const float* from = values.data();
    std::uint8_t* to = rows.mutable_data();
    on_team(threads, [&](const Crew& crew) {
        constexpr std::size_t kRowsAtOnce = 64;
        crew.aside(n, kRowsAtOnce, [&](std::size_t, std::size_t i, std::size_t end) {
            for (; i < end; ++i) code.encode(from + i * dim, to + i * code.row_bytes());
        });
    });
    return rows;
}

Matrix<float> decode_few_bits(const Matrix<std::uint8_t>& rows, std::size_t dim, unsigned bits) {
    const LevelCode code = code_of(dim, bits, false);
    const CodeRows given = rows_of(rows, "rows", code.row_bytes());
    auto values = made<float>(given.n, dim);
    float* to = values.mutable_data();
    without_gil([&] {
        for (std::size_t i = 0; i < given.n; ++i) code.decode(given.row(i), to + i * dim);
    });
    return values;
}

Matrix<std::uint32_t> level_products(const Matrix<std::uint8_t>& queries, const Matrix<std::uint8_t>& rows,
                                     std::size_t dim, unsigned bits, std::size_t threads) {
    const LevelCode code = code_of(dim, bits, false);
    const CodeRows asked = rows_of(queries, "queries", code.row_bytes());
    const CodeRows given = rows_of(rows, "rows", code.row_bytes());
    auto products = made<std::uint32_t>(asked.n, given.n);
    std::uint32_t* to = products.mutable_data();
    on_team(threads, [&](const Crew& crew) { scan_level_products(code, asked, given, to, crew); });
    return products;
}

Matrix<float> code_distances(const Matrix<std::uint8_t>& queries, const Matrix<std::uint8_t>& rows, std::size_t dim,
                             unsigned bits, const std::string& metric, std::size_t threads) {
    const LevelCode code = code_of(dim, bits, false);
    const CodeRows asked = rows_of(queries, "queries", code.row_bytes());
    const CodeRows given = rows_of(rows, "rows", code.row_bytes());
    const Metric by = options_of(dim, metric, "f32").metric;
    auto distances = made<float>(asked.n, given.n);
    float* to = distances.mutable_data();
    on_team(threads, [&](const Crew& crew) { scan_codes(code, by, asked, given, to, crew); });
    return distances;
}

Matrix<float> float_distances(const Matrix<float>& queries, const Matrix<std::uint8_t>& rows, unsigned bits,
                              const std::string& metric, std::size_t threads) {
    const auto dim = queries.ndim() == 2 ? static_cast<std::size_t>(queries.shape(1)) : 0;
    const LevelCode code = code_of(dim, bits, false);
    const std::size_t n = count(queries, "queries", dim);
    const CodeRows given = rows_of(rows, "rows", code.row_bytes());
    const Metric by = options_of(dim, metric, "f32").metric;
    auto distances = made<float>(n, given.n);
    const float* from = queries.data();
    float* to = distances.mutable_data();
    on_team(threads, [&](const Crew& crew) { scan_floats(code, by, from, n, given, to, crew); });
    return distances;
}

Matrix<float> table_sums(const Matrix<float>& tables, const Matrix<std::uint8_t>& rows, std::size_t threads) {
    const auto bytes = rows.ndim() == 2 ? static_cast<std::size_t>(rows.shape(1)) : 0;
    const CodeRows given = rows_of(rows, "rows", bytes);
    const std::size_t n = count(tables, "tables", bytes * 256);
    auto sums = made<float>(n, given.n);
    const float* from = tables.data();
    float* to = sums.mutable_data();
    on_team(threads, [&](const Crew& crew) { scan_tables(from, n, given, to, crew); });
    return sums;
}

py::tuple nearest_of_books(const py::array_t<float, py::array::c_style>& books, const Matrix<float>& rows,
                           std::size_t threads) {
    if (books.ndim() != 3 || books.shape(1) < 1 || books.shape(1) > 256)
        throw InvalidArgumentError("books: expected places, 1 to 256 centroids, and what each is wide");
    const Centroids given{books.data(), static_cast<std::size_t>(books.shape(0)),
                          static_cast<std::size_t>(books.shape(1)), static_cast<std::size_t>(books.shape(2))};
    const std::size_t n = count(rows, "rows", given.places * given.width);
    auto codes = made<std::uint8_t>(n, given.places);
    py::array_t<float> lost(static_cast<py::ssize_t>(n));
    const float* from = rows.data();
    std::uint8_t* to = codes.mutable_data();
    float* off = lost.mutable_data();
    on_team(threads, [&](const Crew& crew) { nearest_centroids(given, from, n, to, off, crew); });
    return py::make_tuple(codes, lost);
}

Matrix<float> products(const Matrix<float>& a, const Matrix<float>& b, std::size_t threads) {
    const auto dim = a.ndim() == 2 ? static_cast<std::size_t>(a.shape(1)) : 0;
    const FloatRows left{a.data(), count(a, "a", dim), dim};
    const FloatRows right{b.data(), count(b, "b", dim), dim};
    auto all = made<float>(left.n, right.n);
    float* to = all.mutable_data();
    on_team(threads, [&](const Crew& crew) { all_products(left, right, to, crew); });
    return all;
}

Matrix<double> orthonormal(const Matrix<double>& rows) {
    const auto dim = rows.ndim() == 2 ? static_cast<std::size_t>(rows.shape(1)) : 0;
    const std::size_t n = count(rows, "rows", dim);
    if (n > dim) throw InvalidArgumentError("rows: more than they have dimensions");
    auto made_so = made<double>(n, dim);
    std::copy_n(rows.data(), n * dim, made_so.mutable_data());
    const std::span<double> all{made_so.mutable_data(), n * dim};
    if (!without_gil([&] { return orthonormalize(all, n, dim); }))
        throw InvalidArgumentError("rows: one is a combination of those before it");
    return made_so;
}

py::tuple eigen(const Matrix<double>& matrix) {
    const auto dim = matrix.ndim() == 2 ? static_cast<std::size_t>(matrix.shape(1)) : 0;
    if (count(matrix, "matrix", dim) != dim) throw InvalidArgumentError("matrix: expected as many rows as columns");
    auto vectors = made<double>(dim, dim);
    py::array_t<double> values(static_cast<py::ssize_t>(dim));
    std::copy_n(matrix.data(), dim * dim, vectors.mutable_data());
    const std::span<double> all{vectors.mutable_data(), dim * dim}, sizes{values.mutable_data(), dim};
    if (!without_gil([&] { return symmetric_eigen(all, dim, sizes); }))
        throw InvalidArgumentError("matrix: it holds NaN or an infinity");
    return py::make_tuple(values, vectors);
}

}  // namespace

void bind_codecs(py::module_& module) {
    module.def("encode_few_bits", &encode_few_bits, "values"_a.noconvert(), "bits"_a, "unbiased"_a, "threads"_a = 1);
    module.def("decode_few_bits", &decode_few_bits, "rows"_a.noconvert(), "dim"_a, "bits"_a);
    module.def("level_products", &level_products, "queries"_a.noconvert(), "rows"_a.noconvert(), "dim"_a, "bits"_a,
               "threads"_a = 1);
    module.def("code_distances", &code_distances, "queries"_a.noconvert(), "rows"_a.noconvert(), "dim"_a, "bits"_a,
               "metric"_a, "threads"_a = 1);
    module.def("float_distances", &float_distances, "queries"_a.noconvert(), "rows"_a.noconvert(), "bits"_a, "metric"_a,
               "threads"_a = 1);
    module.def("table_sums", &table_sums, "tables"_a.noconvert(), "rows"_a.noconvert(), "threads"_a = 1);
    module.def("nearest_centroids", &nearest_of_books, "books"_a.noconvert(), "rows"_a.noconvert(), "threads"_a = 1);
    module.def("products", &products, "a"_a.noconvert(), "b"_a.noconvert(), "threads"_a = 1);
    module.def("orthonormal", &orthonormal, "rows"_a.noconvert());
    module.def("symmetric_eigen", &eigen, "matrix"_a.noconvert());
}

}  // namespace vicinal::binding

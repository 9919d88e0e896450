#include "codecs/code_scan.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/checked.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kRowsAtOnce = 2048;
constexpr std::size_t kByteValues = 256;

// Shares out queries and runs of rows: body(query, first row, last row), a query's runs mostly to one thread.
template <class Body>
bool share_out(std::size_t queries, std::size_t rows, const Crew& crew, const Body& body) {
    const std::size_t runs = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
    constexpr std::size_t kRunsAtOnce = 4;
    return crew.aside(checked_multiply(queries, runs), kRunsAtOnce, [&](std::size_t, std::size_t i, std::size_t end) {
        for (; i < end; ++i) {
            const std::size_t first = i % runs * kRowsAtOnce;
            body(i / runs, first, std::min(first + kRowsAtOnce, rows));
        }
    });
}

kernels::DotPacked dots_of(unsigned bits) {
    const kernels::PackedDots& dots = *kernels::active().packed;
    if (bits == 1) return dots.one;
    if (bits == 2) return dots.two;
    return bits == 4 ? dots.four : dots.eight;
}

void level_products(const LevelCode& code, const std::uint8_t* query, const CodeRows& rows, std::size_t first,
                    std::size_t last, std::uint32_t* products) {
    dots_of(code.bits())(query, {rows.row(first), rows.bytes, code.code_bytes()}, last - first, products);
}

float distance_of(Metric metric, double query_norm, double row_norm, double product) {
    if (metric == Metric::ip) return static_cast<float>(1 - product);
    const double squared = query_norm + row_norm - 2 * product;
    return static_cast<float>(metric == Metric::cosine ? squared / 2 : squared);
}

// What each byte of a code adds to <query, levels>: of its elements q * (2c - t), summed.
void fill_table(const LevelCode& code, const float* query, std::vector<float>& table) {
    const std::size_t per_byte = 8 / code.bits();
    const auto t = static_cast<float>(code.most());
    table.resize(code.code_bytes() * kByteValues);
    for (std::size_t byte = 0; byte < code.code_bytes(); ++byte) {
        float* sums = table.data() + byte * kByteValues;
        std::size_t filled = 1;
        sums[0] = 0;
        for (std::size_t e = 0; e < per_byte; ++e) {
            const std::size_t i = byte * per_byte + e;
            const float q = i < code.dim() ? query[i] : 0.0F;  // bits behind the last element count nothing
            for (std::size_t c = code.most() + 1; c-- > 0;)    // downward, as the first run is read by the others
                for (std::size_t below = 0; below < filled; ++below)
                    sums[c * filled + below] = sums[below] + q * (2 * static_cast<float>(c) - t);
            filled *= code.most() + 1;
        }
    }
}

float table_sum(const float* table, const std::uint8_t* row, std::size_t bytes) {
    std::array<float, 4> sums{};
    std::size_t at = 0;
    for (; at + 4 <= bytes; at += 4)
        for (std::size_t s = 0; s < 4; ++s) sums[s] += table[(at + s) * kByteValues + row[at + s]];
    for (; at < bytes; ++at) sums[0] += table[at * kByteValues + row[at]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

bool scan_level_products(const LevelCode& code, const CodeRows& queries, const CodeRows& rows, std::uint32_t* products,
                         const Crew& crew) {
    return share_out(queries.n, rows.n, crew, [&](std::size_t query, std::size_t first, std::size_t last) {
        level_products(code, queries.row(query), rows, first, last, products + query * rows.n + first);
    });
}

bool scan_codes(const LevelCode& code, Metric metric, const CodeRows& queries, const CodeRows& rows, float* distances,
                const Crew& crew) {
    const auto t = static_cast<std::int64_t>(code.most());
    const std::int64_t constant = static_cast<std::int64_t>(code.dim()) * t * t;
    return share_out(queries.n, rows.n, crew, [&](std::size_t query, std::size_t first, std::size_t last) {
        std::array<std::uint32_t, kRowsAtOnce> products;
        level_products(code, queries.row(query), rows, first, last, products.data());
        const LevelCode::Factors asked = code.factors_of(queries.row(query));
        for (std::size_t r = first; r < last; ++r) {
            const LevelCode::Factors row = code.factors_of(rows.row(r));
            const std::int64_t sums = static_cast<std::int64_t>(asked.sum) + static_cast<std::int64_t>(row.sum);
            const std::int64_t whole = 4 * static_cast<std::int64_t>(products[r - first]) - 2 * t * sums + constant;
            const double scales = static_cast<double>(asked.scale) * static_cast<double>(row.scale);
            distances[query * rows.n + r] =
                distance_of(metric, static_cast<double>(asked.squared_norm), static_cast<double>(row.squared_norm),
                            scales * static_cast<double>(whole));
        }
    });
}

bool scan_floats(const LevelCode& code, Metric metric, const float* queries, std::size_t n, const CodeRows& rows,
                 float* distances, const Crew& crew) {
    return share_out(n, rows.n, crew, [&](std::size_t query, std::size_t first, std::size_t last) {
        thread_local std::vector<float> table;
        const float* asked = queries + query * code.dim();
        double squares = 0;
        for (std::size_t i = 0; i < code.dim(); ++i)
            squares += static_cast<double>(asked[i]) * static_cast<double>(asked[i]);
        fill_table(code, asked, table);
        for (std::size_t r = first; r < last; ++r) {
            const LevelCode::Factors row = code.factors_of(rows.row(r));
            const auto sum = static_cast<double>(table_sum(table.data(), rows.row(r), code.code_bytes()));
            distances[query * rows.n + r] = distance_of(metric, squares, static_cast<double>(row.squared_norm),
                                                        static_cast<double>(row.scale) * sum);
        }
    });
}

bool scan_tables(const float* tables, std::size_t n, const CodeRows& rows, float* sums, const Crew& crew) {
    return share_out(n, rows.n, crew, [&](std::size_t query, std::size_t first, std::size_t last) {
        const float* table = tables + query * rows.bytes * kByteValues;
        for (std::size_t r = first; r < last; ++r) sums[query * rows.n + r] = table_sum(table, rows.row(r), rows.bytes);
    });
}

}  // namespace vicinal

// Distances of queries to every row of a table of codes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/team.hpp"
#include "codecs/level_code.hpp"
#include "codecs/types.hpp"

namespace vicinal {

// Rows of bytes, one after the other.
struct CodeRows {
    const std::uint8_t* data;
    std::size_t n, bytes;

    const std::uint8_t* row(std::size_t i) const { return data + i * bytes; }
};

// Each scan writes queries * rows.n values, query after query, the same on any number of threads; false when the watch
// said stop. Metrics: l2, ip and cosine, whose rows have been given length one before a center was taken from them.

// The sums of products of levels' numbers, exactly (kernels.hpp, PackedDots).
bool scan_level_products(const LevelCode& code, const CodeRows& queries, const CodeRows& rows, std::uint32_t* products,
                         const Crew& crew);

// Between codes and codes: the whole number of level_code.hpp, times two scales.
bool scan_codes(const LevelCode& code, Metric metric, const CodeRows& queries, const CodeRows& rows, float* distances,
                const Crew& crew);

// Between vectors of floats (`n` of them, of the code's dimension) and codes.
bool scan_floats(const LevelCode& code, Metric metric, const float* queries, std::size_t n, const CodeRows& rows,
                 float* distances, const Crew& crew);

// sums[r] = the sum over the bytes of row r of what the query's table says for the byte at that place: tables hold
// rows.bytes times 256 floats a query.
bool scan_tables(const float* tables, std::size_t n, const CodeRows& rows, float* sums, const Crew& crew);

}  // namespace vicinal

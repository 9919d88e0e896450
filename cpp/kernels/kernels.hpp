// Distance arithmetic, one table of functions per instruction set.
//
// A kernel scores one query against many rows. One indirect call per hop of the graph costs nothing, so whoever
// calls a kernel is compiled once, in plain C++, and instruction sets stay inside this folder. A kernel file
// includes <immintrin.h> (or <arm_neon.h>), <cstddef>, <cstdint> and this header, and nothing else of ours: an
// inline function from a shared header compiled there with -mavx2 may be the copy the linker keeps for the whole
// program. For the same reason this header holds no inline code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal::kernels {

// Where the rows lie. Row s starts at base + s * stride and holds `dim` elements (for packed bits: dim bits,
// dim a multiple of 8). A kernel never reads past the last element of a row or of the query. It may be given rows
// at any alignment; it is fastest at 64 bytes.
struct Rows {
    const std::byte* base;
    std::size_t stride;       // bytes
    std::size_t dim;          // elements
    const float* scale;       // the factors of row s begin at scale + s * factors. The scaled kernels read one,
    std::size_t factors = 0;  // the others none; all are prefetched with the row, for who goes on with its score
};

// Writes out[i] = score(query, row slots[i]) for i < n. A score depends on the query and the row alone, bit for bit:
// not on its place in the list, not on n, not on addresses. Prefetches rows ahead of the one it works on. `query` is
// float32 for the floating row types, signed bytes for nibbles and crumbs, and of the rows' own type for i8, u8 and
// packed bits.
using ScoreRows = void (*)(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out);

// maxima[j] becomes the largest of itself and the inner products of column j with n rows of `dim` floats, one after the
// other in memory. `panel` holds the columns in groups of kMaximaGroup: group after group, `dim` times the same element
// of each of its columns.
constexpr std::size_t kMaximaGroup = 16;
using RaiseMaxima = void (*)(const float* panel, std::size_t groups, const float* rows, std::size_t n, std::size_t dim,
                             float* maxima);

// Rows of few-bit codes one after the other in memory, as a scan meets them: 1, 2, 4 or 8 bits an element, the first
// element in the lowest bits of the first byte. Row r starts at base + r * stride; the bits behind the last element of
// its `bytes` bytes are zero.
struct PackedRows {
    const std::uint8_t* base;
    std::size_t stride, bytes;
};

// dots[r] = sum over i of q[i] * x_r[i] for r < n, exactly, on every instruction set. At most 65 536 elements, so that
// 255 * 255 times as many fit 32 bits. Reads no byte past a row's last.
using DotPacked = void (*)(const std::uint8_t* query, const PackedRows& rows, std::size_t n, std::uint32_t* dots);

struct PackedDots {
    DotPacked one, two, four, eight;  // bits an element
};

using Narrow = void (*)(const float* from, std::uint16_t* to, std::size_t n);  // round to nearest, ties to even
using Widen = void (*)(const std::uint16_t* from, float* to, std::size_t n);

// What is done to one vector of floats before it is compared or stored. The same bits on every instruction set.
struct Loops {
    // As bits, which order as magnitudes do; those of infinity, and of NaN above it, are above all others.
    std::uint32_t (*largest_magnitude)(const float* values, std::size_t n);
    // In an order of additions that is part of the file format: factors must come out alike wherever they are computed.
    double (*sum_of_squares)(const float* values, std::size_t n);
    void (*scale)(const float* values, float factor, std::size_t n, float* scaled);
    // steps[i] = values[i] * inverse, rounded, ties to even; returns the sum of their squares. No product is above 127.
    std::int32_t (*round_to_steps)(const float* values, float inverse, std::size_t n, std::int8_t* steps);
    // Whether all are whole numbers from 0 to 255, and these as bytes.
    bool (*are_bytes)(const float* values, std::size_t n);
    void (*to_bytes)(const float* values, std::size_t n, std::uint8_t* bytes);
    // With c the values times `inverse`, rounded and held between -7 and 7: <values, c> and <c, c>.
    void (*fit_few_steps)(const float* values, float inverse, std::size_t n, float* along, float* squares);
    // The same c as rows of dot_nibbles hold them. n is a multiple of 64.
    void (*to_nibbles)(const float* values, float inverse, std::size_t n, std::uint8_t* nibbles);
    // The same two with c the nearest of -3, -1, 1 and 3, as rows of dot_crumbs hold them.
    void (*fit_crumbs)(const float* values, float inverse, std::size_t n, float* along, float* squares);
    void (*to_crumbs)(const float* values, float inverse, std::size_t n, std::uint8_t* crumbs);

    Narrow f32_to_f16, f32_to_bf16;
    Widen f16_to_f32, bf16_to_f32;
};

struct Table {
    const char* name;  // "scalar" | "avx2" | "avx512" | "neon"

    // sum over i of (q[i] - x[i])^2
    ScoreRows l2_f32, l2_f16, l2_bf16;
    // sum over i of (q[i] - s * x[i])^2, s = rows.scale[slot]: l2 to the normalized row, without storing one
    ScoreRows scaled_l2_f32, scaled_l2_f16, scaled_l2_bf16;
    // sum over i of q[i] * x[i]
    ScoreRows dot_f32, dot_f16, dot_bf16;

    // Exact integers, rounded once to float at the end: the same on every instruction set (dim <= 65 536, so that
    // the largest sum, 255 * 255 * 65 536, still fits 32 bits unsigned).
    ScoreRows l2_u8, l2_i8, dot_u8, dot_i8;
    // The same of signed bytes none of which is -128: where the processor multiplies bytes with fewer steps, it may.
    ScoreRows dot_steps;
    // The same of signed bytes and four-bit rows: x[i] is -8 to 7 and stored as x[i] + 8. Of every 64 elements byte j
    // of 32 holds element j in its lower half and element j + 32 in its upper half. dim is a multiple of 64.
    ScoreRows dot_nibbles;
    // The same of two-bit rows: x[i] is -3, -1, 1 or 3 and stored as (x[i] + 3) / 2. Of every 64 elements byte j of 16
    // holds, from its lowest bits up, elements j, j + 16, j + 32 and j + 48. dim is a multiple of 64.
    ScoreRows dot_crumbs;
    // Packed bits: differing bits; one minus the share of common bits (0 where both are empty).
    ScoreRows hamming_b1, jaccard_b1;

    const RaiseMaxima* raise_maxima;
    const PackedDots* packed;
    const Loops* loops;
};

// The table in use: the best the processor has, or the one VICINAL_KERNELS names. Chosen once, at first use.
// Throws std::runtime_error when VICINAL_KERNELS names a set that this build or this processor lacks.
const Table& active();

// Every table this build contains and this processor can run, best first; for tests and benchmarks.
// Writes at most `room` pointers and returns how many there are.
std::size_t runnable(const Table** tables, std::size_t room);

// Names this build contains, whether or not this processor can run them (nullptr-terminated).
const char* const* compiled();

}  // namespace vicinal::kernels

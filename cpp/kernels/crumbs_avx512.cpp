#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

// A row is a line or two, so rows are taken one by one and fetched some ahead: the processor overlaps them by itself.
constexpr std::size_t kLine = 64;
constexpr std::size_t kAhead = 6;

[[gnu::always_inline]] inline void prefetch_row(const std::byte* row, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += kLine) __builtin_prefetch(row + at);
    __builtin_prefetch(row + bytes - 1);  // rows need not begin where a line does
}

__m512i load(const std::byte* from) { return _mm512_loadu_si512(from); }

// Not _mm512_reduce_add_epi32, of which GCC 12 warns.
std::int32_t total(__m512i sums) {
    alignas(64) std::int32_t lanes[16];
    _mm512_store_si512(lanes, sums);
    const __m256i half = _mm256_add_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(lanes)),
                                          _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes + 8)));
    const __m128i quarter = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    const __m128i eighth = _mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(eighth, _mm_shuffle_epi32(eighth, 0xb1)));
}

// As bytes of 0 to 3 the elements are half of what they stand for and three halves too large: of the query's sum three
// times too much is taken off at the end.
std::int32_t sum_of(const std::byte* q, std::size_t dim) {
    __m512i sums = _mm512_setzero_si512();
    for (std::size_t i = 0; i < dim; i += 64) sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), load(q + i));
    return total(sums);
}

// Four quarters of a register take the same 16 bytes, shifted differently, so that elements lie as the query's do.
std::int32_t dot(const std::byte* q, const std::byte* row, std::size_t bytes) {
    const __m512i crumb = _mm512_set1_epi8(3);
    const __m512i shifts = _mm512_set_epi64(6, 6, 4, 4, 2, 2, 0, 0);
    __m512i sums = _mm512_setzero_si512();
    for (std::size_t i = 0; i < bytes; i += 16, q += 64) {
        const __m128i quarter = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + i));
        const __m512i four = _mm512_maskz_broadcast_i32x4(0xffff, quarter);
        const __m512i crumbs = _mm512_and_si512(_mm512_maskz_srlv_epi64(0xff, four, shifts), crumb);
        sums = _mm512_dpbusd_epi32(sums, crumbs, load(q));
    }
    return total(sums);
}

}  // namespace

void dot_crumbs_avx512(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    const auto* const q = static_cast<const std::byte*>(query);
    const std::size_t bytes = rows.dim / 4;
    const auto row_at = [&](std::size_t r) { return rows.base + slots[r] * rows.stride; };
    const std::int32_t shared = 3 * sum_of(q, rows.dim);
    for (std::size_t r = 0; r < n && r < kAhead; ++r) prefetch_row(row_at(r), bytes);
    for (std::size_t r = 0; r < n; ++r) {
        if (r + kAhead < n) prefetch_row(row_at(r + kAhead), bytes);
        out[r] = static_cast<float>(2 * dot(q, row_at(r), bytes) - shared);
    }
}

}  // namespace vicinal::kernels

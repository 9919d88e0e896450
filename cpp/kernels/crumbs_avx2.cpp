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

__m256i load(const std::byte* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

std::int32_t total(__m256i sums) {
    const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i quarter = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0xb1)));
}

// As bytes of 0 to 3 the elements are half of what they stand for and three halves too large: of the query's sum three
// times too much is taken off at the end.
std::int32_t sum_of(const std::byte* q, std::size_t dim) {
    const __m256i ones = _mm256_set1_epi8(1);
    __m256i sums = _mm256_setzero_si256();
    for (std::size_t i = 0; i < dim; i += 32)
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(ones, load(q + i)), _mm256_set1_epi16(1)));
    return total(sums);
}

// Two halves of a register take the same 16 bytes, shifted differently, so that elements lie as the query's do.
// Products of two are at most 2 * 3 * 128, and two such are added: far from saturating.
std::int32_t dot(const std::byte* q, const std::byte* row, std::size_t bytes) {
    const __m256i crumb = _mm256_set1_epi8(3);
    const __m256i first = _mm256_setr_epi64x(0, 0, 2, 2);
    const __m256i second = _mm256_setr_epi64x(4, 4, 6, 6);
    __m256i sums = _mm256_setzero_si256();
    for (std::size_t i = 0; i < bytes; i += 16, q += 64) {
        const __m256i four = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row + i)));
        const __m256i low = _mm256_and_si256(_mm256_srlv_epi64(four, first), crumb);
        const __m256i high = _mm256_and_si256(_mm256_srlv_epi64(four, second), crumb);
        const __m256i pairs =
            _mm256_add_epi16(_mm256_maddubs_epi16(low, load(q)), _mm256_maddubs_epi16(high, load(q + 32)));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    return total(sums);
}

}  // namespace

void dot_crumbs_avx2(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
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

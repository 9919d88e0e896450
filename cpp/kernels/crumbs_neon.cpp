#include <arm_neon.h>

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

int8x16_t load(const std::byte* from) { return vld1q_s8(reinterpret_cast<const std::int8_t*>(from)); }

int32x4_t add_products(int32x4_t sums, int8x16_t q, uint8x16_t crumbs) {
    const int8x16_t x = vreinterpretq_s8_u8(vandq_u8(crumbs, vdupq_n_u8(3)));
    const int16x8_t low = vmull_s8(vget_low_s8(q), vget_low_s8(x));
    return vpadalq_s16(sums, vmlal_s8(low, vget_high_s8(q), vget_high_s8(x)));
}

// As bytes of 0 to 3 the elements are half of what they stand for and three halves too large: of the query's sum three
// times too much is taken off at the end.
std::int32_t sum_of(const std::byte* q, std::size_t dim) {
    int32x4_t sums = vdupq_n_s32(0);
    for (std::size_t i = 0; i < dim; i += 16) sums = vpadalq_s16(sums, vpaddlq_s8(load(q + i)));
    return vaddvq_s32(sums);
}

std::int32_t dot(const std::byte* q, const std::byte* row, std::size_t bytes) {
    int32x4_t sums = vdupq_n_s32(0);
    for (std::size_t i = 0; i < bytes; i += 16, q += 64) {
        const uint8x16_t four = vld1q_u8(reinterpret_cast<const std::uint8_t*>(row + i));
        sums = add_products(sums, load(q), four);
        sums = add_products(sums, load(q + 16), vshrq_n_u8(four, 2));
        sums = add_products(sums, load(q + 32), vshrq_n_u8(four, 4));
        sums = add_products(sums, load(q + 48), vshrq_n_u8(four, 6));
    }
    return vaddvq_s32(sums);
}

}  // namespace

void dot_crumbs_neon(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
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

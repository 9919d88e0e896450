#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {

void dot_crumbs_scalar(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    const auto* const q = static_cast<const std::int8_t*>(query);
    for (std::size_t r = 0; r < n; ++r) {
        if (r + 1 < n) __builtin_prefetch(rows.base + slots[r + 1] * rows.stride);
        const auto* const row = reinterpret_cast<const std::uint8_t*>(rows.base + slots[r] * rows.stride);
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < rows.dim; ++i)
            sum += q[i] * (2 * ((row[i / 64 * 16 + i % 16] >> (i % 64 / 16 * 2)) & 3) - 3);
        out[r] = static_cast<float>(sum);
    }
}

}  // namespace vicinal::kernels

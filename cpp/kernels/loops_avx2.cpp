#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {

#include "kernels/loops.ipp"

namespace {

void f32_to_f16(const float* from, std::uint16_t* to, std::size_t n) {
    const auto narrow = [](const float* eight) {
        return _mm256_cvtps_ph(_mm256_loadu_ps(eight), _MM_FROUND_TO_NEAREST_INT);
    };
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), narrow(from + i));
    if (i == n) return;
    float last[8] = {};
    std::uint16_t narrowed[8];
    for (std::size_t j = i; j < n; ++j) last[j - i] = from[j];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(narrowed), narrow(last));
    for (std::size_t j = i; j < n; ++j) to[j] = narrowed[j - i];
}

void f16_to_f32(const std::uint16_t* from, float* to, std::size_t n) {
    const auto widen = [](const std::uint16_t* eight) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(eight)));
    };
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(to + i, widen(from + i));
    if (i == n) return;
    std::uint16_t last[8] = {};
    float widened[8];
    for (std::size_t j = i; j < n; ++j) last[j - i] = from[j];
    _mm256_storeu_ps(widened, widen(last));
    for (std::size_t j = i; j < n; ++j) to[j] = widened[j - i];
}

}  // namespace

constinit const Loops kAvx2Loops = loops_with(f32_to_f16, f16_to_f32);

}  // namespace vicinal::kernels

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {

#include "kernels/loops.ipp"

namespace {

__mmask16 first(std::size_t count) { return static_cast<__mmask16>(count < 16 ? (1u << count) - 1u : 0xffffu); }

void f32_to_f16(const float* from, std::uint16_t* to, std::size_t n) {
    for (std::size_t i = 0; i < n; i += 16) {
        const __mmask16 lanes = first(n - i);
        const __m512 sixteen = _mm512_maskz_loadu_ps(lanes, from + i);
        _mm256_mask_storeu_epi16(to + i, lanes, _mm512_maskz_cvtps_ph(0xffff, sixteen, _MM_FROUND_TO_NEAREST_INT));
    }
}

void f16_to_f32(const std::uint16_t* from, float* to, std::size_t n) {
    for (std::size_t i = 0; i < n; i += 16) {
        const __mmask16 lanes = first(n - i);
        const __m256i sixteen = _mm256_maskz_loadu_epi16(lanes, from + i);
        _mm512_mask_storeu_ps(to + i, lanes, _mm512_maskz_cvtph_ps(0xffff, sixteen));
    }
}

}  // namespace

constinit const Loops kAvx512Loops = loops_with(f32_to_f16, f16_to_f32);

}  // namespace vicinal::kernels

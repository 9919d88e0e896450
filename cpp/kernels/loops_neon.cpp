#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {

#include "kernels/loops.ipp"

namespace {

void f32_to_f16(const float* from, std::uint16_t* to, std::size_t n) {
    const auto narrow = [](const float* four) { return vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(four))); };
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1_u16(to + i, narrow(from + i));
    if (i == n) return;
    float last[4] = {};
    std::uint16_t narrowed[4];
    for (std::size_t j = i; j < n; ++j) last[j - i] = from[j];
    vst1_u16(narrowed, narrow(last));
    for (std::size_t j = i; j < n; ++j) to[j] = narrowed[j - i];
}

void f16_to_f32(const std::uint16_t* from, float* to, std::size_t n) {
    const auto widen = [](const std::uint16_t* four) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(four))); };
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) vst1q_f32(to + i, widen(from + i));
    if (i == n) return;
    std::uint16_t last[4] = {};
    float widened[4];
    for (std::size_t j = i; j < n; ++j) last[j - i] = from[j];
    vst1q_f32(widened, widen(last));
    for (std::size_t j = i; j < n; ++j) to[j] = widened[j - i];
}

}  // namespace

constinit const Loops kNeonLoops = loops_with(f32_to_f16, f16_to_f32);

}  // namespace vicinal::kernels

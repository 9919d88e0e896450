#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {

#include "kernels/half.ipp"
#include "kernels/loops.ipp"

namespace {

std::uint16_t f16_of(float value) {
    const std::uint32_t bits = float_bits(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000u;
    const std::uint32_t magnitude = bits & 0x7fff'ffffu;

    std::uint32_t half = 0;
    if (magnitude > 0x7f80'0000u) {  // NaN: quieted, the top of its payload kept, as vcvtps2ph and fcvtn do
        half = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
    } else if (magnitude >= 0x4780'0000u) {  // 2^16 and above; 65 520 to 2^16 get there by the carry below
        half = 0x7c00u;
    } else if (magnitude >= 0x3880'0000u) {  // 2^-14, the smallest normal f16; 112 is the difference of the biases
        half = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - (112u << 23)) >> 13;
    } else if (magnitude >= 0x3300'0000u) {  // 2^-25, half of the smallest subnormal; below is zero
        const std::uint32_t significand = (magnitude & 0x7f'ffffu) | 0x80'0000u;
        const std::uint32_t shift = 126u - (magnitude >> 23);  // to units of 2^-24
        const std::uint32_t cut = significand & ((1u << shift) - 1u);
        const std::uint32_t middle = 1u << (shift - 1u);
        half = significand >> shift;
        if (cut > middle || (cut == middle && (half & 1u) != 0)) ++half;
    }
    return static_cast<std::uint16_t>(sign | half);
}

void f32_to_f16(const float* from, std::uint16_t* to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) to[i] = f16_of(from[i]);
}

void f16_to_f32(const std::uint16_t* from, float* to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) to[i] = float_of_f16(from[i]);
}

}  // namespace

constinit const Loops kScalarLoops = loops_with(f32_to_f16, f16_to_f32);

}  // namespace vicinal::kernels

// IEEE half precision in plain C++, for files that have no instruction for it.
namespace {

float float_of(std::uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
}

std::uint32_t float_bits(float value) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits;
}

float float_of_f16(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1fu;
    const std::uint32_t mantissa = half & 0x3ffu;
    if (exponent == 0) return float_of(sign | float_bits(static_cast<float>(mantissa) * 0x1p-24f));
    if (exponent < 31) return float_of(sign | ((exponent + 112u) << 23) | (mantissa << 13));
    const std::uint32_t quiet = mantissa != 0 ? 0x40'0000u : 0u;
    return float_of(sign | 0x7f80'0000u | quiet | (mantissa << 13));
}

}  // namespace

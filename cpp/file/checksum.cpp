#include "file/checksum.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#define VICINAL_CRC32C_TARGET __attribute__((target("sse4.2")))
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define VICINAL_CRC32C_TARGET
#endif

namespace vicinal {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78u;

// kTables[0][b] carries one byte through the remainder; kTables[n][b] carries it n bytes further, so that eight
// bytes are taken per step with eight independent look-ups.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1u) != 0 ? kPolynomial : 0u);
        tables[0][byte] = remainder;
    }
    for (std::size_t further = 1; further < tables.size(); ++further) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t nearer = tables[further - 1][byte];
            tables[further][byte] = (nearer >> 8) ^ tables[0][nearer & 0xffu];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

#if defined(VICINAL_CRC32C_TARGET)
std::uint64_t load_word(const std::byte* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}
#endif

}  // namespace

std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
    std::uint32_t remainder = ~before;
    std::size_t i = 0;
    for (; bytes.size() - i >= 8; i += 8) {
        const auto byte = [&](std::size_t j) { return std::to_integer<std::uint32_t>(bytes[i + j]); };
        const std::uint32_t low = remainder ^ (byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24);
        remainder = kTables[7][low & 0xffu] ^ kTables[6][(low >> 8) & 0xffu] ^ kTables[5][(low >> 16) & 0xffu] ^
                    kTables[4][low >> 24] ^ kTables[3][byte(4)] ^ kTables[2][byte(5)] ^ kTables[1][byte(6)] ^
                    kTables[0][byte(7)];
    }
    for (; i < bytes.size(); ++i) {
        remainder = (remainder >> 8) ^ kTables[0][(remainder ^ std::to_integer<std::uint32_t>(bytes[i])) & 0xffu];
    }
    return ~remainder;
}

#if defined(__x86_64__)

bool crc32c_has_instruction() noexcept { return __builtin_cpu_supports("sse4.2") != 0; }

VICINAL_CRC32C_TARGET std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes,
                                                          std::uint32_t before) noexcept {
    std::uint64_t remainder = static_cast<std::uint32_t>(~before);
    std::size_t i = 0;
    for (; bytes.size() - i >= 8; i += 8) remainder = _mm_crc32_u64(remainder, load_word(bytes.data() + i));
    auto last = static_cast<std::uint32_t>(remainder);
    for (; i < bytes.size(); ++i) last = _mm_crc32_u8(last, std::to_integer<std::uint8_t>(bytes[i]));
    return ~last;
}

#elif defined(VICINAL_CRC32C_TARGET)

bool crc32c_has_instruction() noexcept { return true; }

std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
    std::uint32_t remainder = ~before;
    std::size_t i = 0;
    for (; bytes.size() - i >= 8; i += 8) remainder = __crc32cd(remainder, load_word(bytes.data() + i));
    for (; i < bytes.size(); ++i) remainder = __crc32cb(remainder, std::to_integer<std::uint8_t>(bytes[i]));
    return ~remainder;
}

#else

bool crc32c_has_instruction() noexcept { return false; }

std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
    return crc32c_by_table(bytes, before);
}

#endif

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
    static const bool instruction = crc32c_has_instruction();
    return instruction ? crc32c_by_instruction(bytes, before) : crc32c_by_table(bytes, before);
}

}  // namespace vicinal

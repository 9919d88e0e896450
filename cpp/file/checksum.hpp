// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum LevelDB and iSCSI use. It guards against
// accidents: any one flipped bit, any burst of up to 32 bits. It is no defence against someone who wants to deceive;
// whoever reads values checks the values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vicinal {

// The checksum of `bytes`; with `before` = the checksum of what came earlier, of both together:
// crc32c(b, crc32c(a)) == crc32c(a followed by b).
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

// The two ways crc32c() may take, for tests that compare them. crc32c_by_instruction() must be called only where
// crc32c_has_instruction() says so.
[[nodiscard]] bool crc32c_has_instruction() noexcept;
[[nodiscard]] std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;
[[nodiscard]] std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

}  // namespace vicinal

// Where things stand in a log (append_log.hpp says what they are).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vicinal::append_log {

constexpr std::array<unsigned char, 8> kMagic{0x89, 'V', 'C', 'L', '\r', '\n', 0x1a, '\n'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionAt = 8, kSeedAt = 12, kFollowsAt = 16, kBootAt = 32, kHeaderChecksumAt = 60;

constexpr std::size_t kChecksumAt = 0, kKindAt = 4, kSequenceAt = 8, kLengthAt = 16, kVouchedAt = 24;
constexpr std::size_t kAlignment = 8;

constexpr std::size_t padding_of(std::uint64_t length) {
    return static_cast<std::size_t>((kAlignment - length % kAlignment) % kAlignment);
}

}  // namespace vicinal::append_log

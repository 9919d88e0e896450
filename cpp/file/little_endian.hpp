// Numbers as bytes, the lowest first, at any alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vicinal {

// `at` must leave room for the whole number.
template <typename Unsigned>
[[nodiscard]] Unsigned load_number(std::span<const std::byte> bytes, std::size_t at) {
    std::uint64_t number = 0;
    for (std::size_t i = sizeof(Unsigned); i-- > 0;)
        number = number << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
    return static_cast<Unsigned>(number);
}

template <typename Unsigned>
void store_number(std::span<std::byte> bytes, std::size_t at, Unsigned number) {
    std::uint64_t rest = number;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i, rest >>= 8) bytes[at + i] = static_cast<std::byte>(rest & 0xffu);
}

}  // namespace vicinal

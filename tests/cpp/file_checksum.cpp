#include "file/checksum.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <numeric>
#include <random>
#include <string_view>
#include <vector>

namespace {

using vicinal::crc32c;

std::vector<std::byte> bytes_of(std::string_view text) {
    std::vector<std::byte> bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
}

std::vector<std::byte> random_bytes(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::byte> bytes(n);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xffu);
    return bytes;
}

// One bit at a time, straight from the definition of the polynomial.
std::uint32_t by_definition(std::span<const std::byte> bytes) {
    std::uint32_t remainder = 0xffffffffu;
    for (const std::byte byte : bytes) {
        remainder ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) remainder = remainder & 1u ? remainder >> 1 ^ 0x82f63b78u : remainder >> 1;
    }
    return ~remainder;
}

}  // namespace

TEST_CASE("checksums agree with the known answers of RFC 3720 by every way of computing them") {
    std::vector<std::byte> ascending(32);
    for (std::size_t i = 0; i < 32; ++i) ascending[i] = static_cast<std::byte>(i);
    std::vector<std::byte> descending(ascending.rbegin(), ascending.rend());
    const struct {
        std::vector<std::byte> bytes;
        std::uint32_t expected;
    } answers[] = {
        {std::vector<std::byte>(32, std::byte{0x00}), 0x8a9136aau},
        {std::vector<std::byte>(32, std::byte{0xff}), 0x62a8ab43u},
        {ascending, 0x46dd794eu},
        {descending, 0x113fdb5cu},
        {bytes_of("123456789"), 0xe3069283u},
        {{}, 0u},
    };

    for (const auto& answer : answers) {
        CHECK(crc32c(answer.bytes) == answer.expected);
        CHECK(vicinal::crc32c_by_table(answer.bytes) == answer.expected);
        if (vicinal::crc32c_has_instruction()) CHECK(vicinal::crc32c_by_instruction(answer.bytes) == answer.expected);
    }
    if (!vicinal::crc32c_has_instruction()) MESSAGE("SKIPPED by instruction: this processor or build has none");
}

TEST_CASE("both ways of computing a checksum agree with the definition at every length and alignment") {
    const std::vector<std::byte> bytes = random_bytes(300, 17);

    for (std::size_t start = 0; start < 9; ++start) {
        for (std::size_t length = 0; length + start <= bytes.size(); ++length) {
            const auto piece = std::span(bytes).subspan(start, length);
            const std::uint32_t expected = by_definition(piece);
            REQUIRE(vicinal::crc32c_by_table(piece) == expected);
            if (vicinal::crc32c_has_instruction()) REQUIRE(vicinal::crc32c_by_instruction(piece) == expected);
        }
    }
}

TEST_CASE("a checksum continued over two pieces is the checksum of the whole") {
    const std::vector<std::byte> bytes = random_bytes(1000, 18);
    const std::uint32_t whole = crc32c(bytes);

    for (std::size_t cut = 0; cut <= bytes.size(); cut += 7) {
        const auto first = std::span(bytes).first(cut);
        const auto rest = std::span(bytes).subspan(cut);
        CHECK(crc32c(rest, crc32c(first)) == whole);
        CHECK(vicinal::crc32c_by_table(rest, vicinal::crc32c_by_table(first)) == whole);
    }
}

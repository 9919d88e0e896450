#include "vectors/row_map.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include "base/random.hpp"

namespace vicinal {
namespace {

std::uint64_t draw_salt() {
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return draw(now, reinterpret_cast<std::uintptr_t>(&now));
}
const std::uint64_t kSalt = draw_salt();

std::uint64_t stir(std::uint64_t sum, const std::byte* word) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, word, sizeof bits);
    sum = (sum ^ bits) * 0x9e3779b97f4a7c15u;
    return sum ^ (sum >> 32);
}

}  // namespace

// Four sums side by side, because one would wait for itself at every word.
std::uint64_t RowMap::hash_of(const std::byte* row, std::size_t bytes) {
    constexpr std::size_t kWord = sizeof(std::uint64_t), kSums = 4;
    std::array<std::uint64_t, kSums> sums{kSalt, kSalt + 1, kSalt + 2, kSalt + 3};
    std::size_t at = 0;
    for (; at + kSums * kWord <= bytes; at += kSums * kWord)
        for (std::size_t i = 0; i < kSums; ++i) sums[i] = stir(sums[i], row + at + i * kWord);
    for (; at < bytes; at += kWord) {
        std::array<std::byte, kWord> last{};
        std::memcpy(last.data(), row + at, std::min(kWord, bytes - at));
        sums[0] = stir(sums[0], last.data());
    }
    return mix(sums[0] ^ mix(sums[1] ^ mix(sums[2] ^ mix(sums[3]))));
}

std::size_t RowMap::cells_for(std::size_t entries) {
    return entries == 0 ? 0 : std::bit_ceil(std::max<std::size_t>(entries + entries / 4, 8));  // four fifths full
}

RowMap::RowMap(std::size_t entries) : cells_(cells_for(entries), kEmpty) {}

}  // namespace vicinal

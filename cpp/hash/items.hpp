// What is hashed: rows of numbers, rows of bits, or sets of tokens. Borrowed from whoever calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hash/tokens.hpp"

namespace vicinal {

// Sets side by side: those of item i are tokens[offsets[i]] to tokens[offsets[i + 1]], ascending, none twice. With
// weights, one above 0 beside each token.
struct TokenSets {
    std::span<const std::int64_t> offsets{};  // one more than there are sets
    const Token* tokens = nullptr;
    const float* weights = nullptr;

    std::size_t size() const { return offsets.empty() ? 0 : offsets.size() - 1; }
    std::size_t begin_of(std::size_t i) const { return static_cast<std::size_t>(offsets[i]); }
    std::size_t length(std::size_t i) const { return static_cast<std::size_t>(offsets[i + 1] - offsets[i]); }
    std::span<const Token> set(std::size_t i) const { return {tokens + begin_of(i), length(i)}; }
    std::span<const float> weight(std::size_t i) const { return {weights + begin_of(i), length(i)}; }
};

enum class ItemKind : std::uint8_t { vectors, bits, sets, weighted_sets };

struct Items {
    ItemKind kind = ItemKind::vectors;
    std::size_t n = 0;
    const std::byte* rows = nullptr;  // float32 under vectors, bytes of eight under bits; without gaps
    std::size_t stride = 0;           // bytes
    TokenSets sets;

    const float* vector(std::size_t i) const { return reinterpret_cast<const float*>(rows + i * stride); }
    const std::uint8_t* bits(std::size_t i) const { return reinterpret_cast<const std::uint8_t*>(rows + i * stride); }
    bool is_empty(std::size_t i) const { return kind >= ItemKind::sets && sets.length(i) == 0; }
};

}  // namespace vicinal

// What a set is a set of: tokens, each known by 64 bits of a hash of its bytes.
//
// Two different tokens of one collection have the same 64 bits with a chance of n^2 / 2^65: one in four million for
// three million distinct tokens. Such a pair counts as one token from there on, also where sets are compared exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace vicinal {

using Token = std::uint64_t;

// The same on every machine. It keeps out accidents, not somebody who looks for tokens that collide.
Token token_of(std::string_view bytes);
Token token_of(std::int64_t number);

// How a text, in UTF-8, becomes tokens.
struct Shingle {
    // 0: words, which end at ASCII characters that are neither letter, digit nor underscore; a byte above 127 is part
    // of a word. n: every n characters that follow each other; a text that is shorter is one token.
    std::size_t characters = 0;
};

// Appends the tokens of the text, in its order, repeated where it repeats them.
void append_tokens(std::string_view text, Shingle shingle, std::vector<Token>& tokens);

// Sorts the tokens from `first` on, and leaves one of each.
void make_set(std::vector<Token>& tokens, std::size_t first);

}  // namespace vicinal

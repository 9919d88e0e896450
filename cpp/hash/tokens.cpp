#include "hash/tokens.hpp"

#include <algorithm>
#include <cstring>

#include "base/random.hpp"

namespace vicinal {
namespace {

constexpr std::uint64_t kNumbers = 0x6e756d6265727300u;  // keeps the number 7 apart from the text "7" and its bytes

bool is_word_byte(char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return value > 127 || (value >= '0' && value <= '9') || (value >= 'a' && value <= 'z') ||
           (value >= 'A' && value <= 'Z') || value == '_';
}

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0u) != 0x80u; }

void append_words(std::string_view text, std::vector<Token>& tokens) {
    std::size_t begin = 0;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        if (at < text.size() && is_word_byte(text[at])) continue;
        if (at > begin) tokens.push_back(token_of(text.substr(begin, at - begin)));
        begin = at + 1;
    }
}

void append_runs(std::string_view text, std::size_t characters, std::vector<Token>& tokens) {
    if (text.empty()) return;
    const auto next_character = [&](std::size_t at) {
        do ++at;
        while (at < text.size() && !begins_character(text[at]));
        return at;
    };
    std::size_t end = 0;
    for (std::size_t count = 0; count < characters && end < text.size(); ++count) end = next_character(end);
    std::size_t begin = 0;
    for (;;) {
        tokens.push_back(token_of(text.substr(begin, end - begin)));
        if (end >= text.size()) return;
        begin = next_character(begin);
        end = next_character(end);
    }
}

}  // namespace

// Eight bytes a step, each mixed into all 64 bits before the next comes.
Token token_of(std::string_view bytes) {
    std::uint64_t state = mix(bytes.size());
    while (bytes.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8);
        state = mix(state ^ word);
        bytes.remove_prefix(8);
    }
    if (bytes.empty()) return state;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    return mix(state ^ word);
}

Token token_of(std::int64_t number) { return draw(kNumbers, static_cast<std::uint64_t>(number)); }

void append_tokens(std::string_view text, Shingle shingle, std::vector<Token>& tokens) {
    if (shingle.characters == 0) return append_words(text, tokens);
    append_runs(text, shingle.characters, tokens);
}

void make_set(std::vector<Token>& tokens, std::size_t first) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, tokens.end());
    tokens.erase(std::unique(begin, tokens.end()), tokens.end());
}

}  // namespace vicinal

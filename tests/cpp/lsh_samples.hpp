// Small collections of every kind that an LshIndex takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "hash/gauss.hpp"
#include "index/lsh_index.hpp"

namespace vicinal::testing {

// Items and the memory they lie in.
struct LshSample {
    Items items;
    std::vector<float> floats;
    std::vector<std::uint8_t> bits;
    std::vector<std::int64_t> offsets{0};
    std::vector<Token> tokens;
    std::vector<float> weights;
};

constexpr std::size_t kLshDim = 16;

inline LshSettings lsh_settings(FamilyName name, bool weighted = false, bool keep = true, std::size_t cap = 0) {
    FamilySettings family{.name = name, .dim = kLshDim, .hashes = 24, .seed = 3};
    if (name == FamilyName::minhash) family.dim = 0;
    if (name == FamilyName::pstable) family.width = 6;
    if (name == FamilyName::simhash) family.center.assign(kLshDim, 0.125F);
    family.weighted = weighted;
    return {family, {5, 4}, cap, keep, 0};
}

inline std::vector<LshSettings> lsh_kinds() {
    return {lsh_settings(FamilyName::simhash),
            lsh_settings(FamilyName::pstable),
            {{.name = FamilyName::cross_polytope, .dim = kLshDim, .hashes = 6, .seed = 1}, {3, 2}, 0, true, 0},
            lsh_settings(FamilyName::bit_sample),
            lsh_settings(FamilyName::minhash),
            lsh_settings(FamilyName::minhash, true),
            lsh_settings(FamilyName::minhash, false, false)};
}

// n items in groups of four that resemble each other. Of sets, every seventh is empty.
inline std::unique_ptr<LshSample> lsh_sample(const LshSettings& settings, std::size_t n, std::uint64_t seed) {
    auto sample = std::make_unique<LshSample>();
    Items& items = sample->items;
    items.n = n;
    const auto number = [&](std::size_t i, std::size_t d) {
        return normal_draw(seed, i / 4 * 100 + d) + 0.2 * normal_draw(seed + 1, i * 100 + d);
    };
    if (settings.family.name == FamilyName::minhash) {
        items.kind = settings.family.weighted ? ItemKind::weighted_sets : ItemKind::sets;
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t first = sample->tokens.size();
            for (std::size_t t = 0; i % 7 != 6 && t < 8; ++t)
                sample->tokens.push_back(draw(seed, t == i % 8 ? i * 100 + 50 : i / 4 * 100 + t));
            make_set(sample->tokens, first);
            sample->offsets.push_back(static_cast<std::int64_t>(sample->tokens.size()));
        }
        for (const Token token : sample->tokens) sample->weights.push_back(1.0F + static_cast<float>(token % 4));
        items.sets = {sample->offsets, sample->tokens.data(),
                      settings.family.weighted ? sample->weights.data() : nullptr};
    } else if (settings.family.name == FamilyName::bit_sample) {
        items.kind = ItemKind::bits;
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t byte = 0; byte < kLshDim / 8; ++byte)
                sample->bits.push_back(static_cast<std::uint8_t>(draw(seed, i / 4 * 10 + byte) ^ (i % 4)));
        items.rows = reinterpret_cast<const std::byte*>(sample->bits.data());
        items.stride = kLshDim / 8;
    } else {
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t d = 0; d < kLshDim; ++d) sample->floats.push_back(static_cast<float>(number(i, d)));
        items.rows = reinterpret_cast<const std::byte*>(sample->floats.data());
        items.stride = kLshDim * sizeof(float);
    }
    return sample;
}

inline std::vector<std::int64_t> add(LshIndex& index, std::size_t n, std::uint64_t seed, std::size_t threads = 1) {
    const auto sample = lsh_sample(index.settings(), n, seed);
    Watch nobody;
    Overflow overflow;
    return index.add(sample->items, {}, threads, nobody, overflow);
}

inline void remove(LshIndex& index, const std::vector<std::int64_t>& ids) {
    Watch nobody;
    index.remove(ids, 1, nobody);
}

struct LshAnswers {
    std::vector<std::int64_t> ids;
    std::vector<float> distances;
    friend bool operator==(const LshAnswers&, const LshAnswers&) = default;
};

inline LshAnswers search(const LshIndex& index, std::size_t n, std::uint64_t seed, LshAsked asked = {.k = 6},
                         std::size_t threads = 1) {
    const auto sample = lsh_sample(index.settings(), n, seed);
    LshAnswers answers{std::vector<std::int64_t>(n * asked.k), std::vector<float>(n * asked.k)};
    Watch nobody;
    index.search(sample->items, asked, threads, {answers.ids, answers.distances, {}}, nobody);
    return answers;
}

inline std::vector<std::byte> bytes_of(const LshIndex& index) {
    Watch nobody;
    return index.to_bytes(nobody);
}

inline std::unique_ptr<LshIndex> lsh_from_bytes(std::span<const std::byte> bytes) {
    Watch nobody;
    return LshIndex::from_bytes(bytes, nobody);
}

}  // namespace vicinal::testing

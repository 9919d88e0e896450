// Randomness that files depend on, and the levels drawn with it.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>

#include <doctest/doctest.h>

#include "base/random.hpp"
#include "base/types.hpp"
#include "graph/levels.hpp"

using vicinal::draw;
using vicinal::draw_level;
using vicinal::kMaxLevel;
using vicinal::Level;
using vicinal::mix;

TEST_CASE("the mixing function is the finalizer of splitmix64") {
    // The first outputs of the published generator for seed 0 and for seed 1234567.
    constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;

    CHECK(mix(0) == 0xe220a8397b1dcdafu);
    CHECK(mix(kStep) == 0x6e789e6aa1b965f4u);
    CHECK(mix(2 * kStep) == 0x06c45d188009454fu);
    CHECK(mix(1234567) == 6457827717110365317u);
    CHECK(mix(1234567 + kStep) == 3203168211198807973u);
}

TEST_CASE("draws are pinned, because levels in files are derived from them") {
    CHECK(draw(0, 0) == mix(mix(0)));
    CHECK(draw(0, 0) == 0xa706dd2f4d197e6fu);
    CHECK(draw(0, 1) == 0x08b4fda8c892b50eu);
    CHECK(draw(42, 7) == 0x16062d6c1339e500u);
}

TEST_CASE("levels of known insertions are pinned, because files depend on them") {
    const auto digest = [](std::uint64_t seed, std::size_t M) {
        std::uint64_t sum = 0;
        for (std::uint64_t insertion = 0; insertion < 100'000; ++insertion)
            sum = mix(sum ^ static_cast<std::uint64_t>(draw_level(seed, insertion, M)));
        return sum;
    };

    CHECK(digest(0, 16) == 0x1d22743bf4c4358du);
    CHECK(digest(42, 2) == 0x65466f6c634ac499u);
    CHECK(digest(7, 4'096) == 0x8aaf3d6e1ef5e42cu);
}

TEST_CASE("level l or higher is drawn with probability M to the power of minus l") {
    constexpr std::uint64_t kDraws = 1'000'000;
    for (const std::size_t M : {2U, 3U, 16U, 48U})
        for (const std::uint64_t seed : {0U, 1U, 20'240'611U}) {
            std::array<std::uint64_t, kMaxLevel + 1> at_least{};

            for (std::uint64_t insertion = 0; insertion < kDraws; ++insertion)
                for (Level level = draw_level(seed, insertion, M); level >= 0; --level)
                    ++at_least[static_cast<std::size_t>(level)];

            for (std::size_t level = 0; level <= kMaxLevel; ++level) {
                CAPTURE(M);
                CAPTURE(seed);
                CAPTURE(level);
                const double expected = static_cast<double>(kDraws) * std::pow(M, -static_cast<double>(level));
                const double five_deviations = 5 * std::sqrt(expected) + 1;
                CHECK(std::abs(static_cast<double>(at_least[level]) - expected) <= five_deviations);
            }
        }
}

TEST_CASE("with M of 2 the highest level is met and never passed") {
    std::set<Level> met;

    for (std::uint64_t insertion = 0; insertion < 1'000'000; ++insertion) {
        const Level level = draw_level(0, insertion, 2);
        REQUIRE(level >= 0);
        REQUIRE(level <= kMaxLevel);
        met.insert(level);
    }

    CHECK(met.size() == static_cast<std::size_t>(kMaxLevel) + 1);
}

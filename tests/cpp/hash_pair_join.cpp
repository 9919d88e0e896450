// The join of near pairs against all pairs, with and without a cap on buckets.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/random.hpp"
#include "base/watch.hpp"
#include "hash/compare.hpp"
#include "hash/family.hpp"
#include "hash/gauss.hpp"
#include "hash/pair_join.hpp"

namespace {

using namespace vicinal;

struct Sets {
    std::vector<std::int64_t> offsets{0};
    std::vector<Token> tokens;

    void add(std::vector<Token> set) {
        tokens.insert(tokens.end(), set.begin(), set.end());
        make_set(tokens, static_cast<std::size_t>(offsets.back()));
        offsets.push_back(static_cast<std::int64_t>(tokens.size()));
    }
    Items items() const {
        Items items;
        items.kind = ItemKind::sets;
        items.n = offsets.size() - 1;
        items.sets = {offsets, tokens.data(), nullptr};
        return items;
    }
};

// Sets of 12 tokens; of every three the second differs from the first in one, the third is empty or far.
Sets drawn_sets(std::uint64_t seed, std::size_t groups) {
    Sets sets;
    for (std::size_t group = 0; group < groups; ++group) {
        std::vector<Token> set(12);
        for (std::size_t t = 0; t < set.size(); ++t) set[t] = draw(seed, group * 100 + t);
        sets.add(set);
        set[group % 12] = draw(seed, group * 100 + 50);
        sets.add(set);
        sets.add(group % 2 == 0 ? std::vector<Token>{} : std::vector<Token>{draw(seed, group)});
    }
    return sets;
}

std::vector<FoundPair> joined(const Items& left, const Items* right, Bands bands, JoinSettings settings,
                              JoinReport* report = nullptr) {
    const std::shared_ptr<const Family> family =
        make_family({.name = FamilyName::minhash, .hashes = bands.values(), .seed = 3});
    PairJoin join(family, bands, left, right, settings);
    Watch nobody;
    REQUIRE(join.prepare(nobody));
    std::vector<FoundPair> pairs;
    while (join.next(pairs.size() + 7, pairs, nobody)) continue;
    if (report != nullptr) *report = join.report();
    return pairs;
}

using Scores = std::map<std::pair<std::uint32_t, std::uint32_t>, double>;

Scores as_scores(const std::vector<FoundPair>& pairs) {
    Scores scores;
    for (const FoundPair& pair : pairs) REQUIRE(scores.emplace(std::pair(pair.left, pair.right), pair.score).second);
    return scores;
}

}  // namespace

TEST_CASE("a join finds the near pairs, each once, with their exact similarity") {
    const Sets sets = drawn_sets(1, 300);
    Scores exact;
    for (std::uint32_t i = 0; i < sets.items().n; ++i)
        for (std::uint32_t j = i + 1; j < sets.items().n; ++j)
            if (const double score = jaccard(sets.items().sets, i, sets.items().sets, j); score >= 0.8)
                exact[{i, j}] = score;

    const Scores found = as_scores(joined(sets.items(), nullptr, {40, 3}, {.threshold = 0.8, .threads = 2}));

    CHECK(exact.size() == 300);
    CHECK(found == exact);
}

TEST_CASE("a join hands out the same pairs in the same order for any number of threads") {
    const Sets sets = drawn_sets(2, 300);

    const auto one = joined(sets.items(), nullptr, {40, 2}, {.threshold = 0.1, .threads = 1});
    const auto three = joined(sets.items(), nullptr, {40, 2}, {.threshold = 0.1, .threads = 3});

    REQUIRE(one.size() == three.size());
    for (std::size_t at = 0; at < one.size(); ++at)
        CHECK(std::pair(one[at].left, one[at].right) == std::pair(three[at].left, three[at].right));
}

TEST_CASE("a capped bucket loses no more pairs than its report says, and keeps its items connected") {
    Sets copies, others;
    for (int copy = 0; copy < 60; ++copy) copies.add({1, 2, 3});
    for (int copy = 0; copy < 25; ++copy) others.add({1, 2, 3});
    const Items right = others.items();

    for (const Items* second : {static_cast<const Items*>(nullptr), &right}) {
        JoinReport report;
        const Scores found =
            as_scores(joined(copies.items(), second, {5, 2}, {.threshold = 0.8, .cap = 4, .threads = 2}, &report));

        const std::size_t every = second == nullptr ? 60 * 59 / 2 : 60 * 25;
        CHECK(report.full_buckets == 5);
        CHECK(found.size() < every);
        CHECK(report.lost_at_most == 5 * (every - found.size()));
        for (std::uint32_t i = 0; i + 1 < 60 && second == nullptr; ++i) CHECK(found.contains({i, i + 1}));
    }
}

TEST_CASE("the logarithm of the hash families is that of the library, to the last few bits") {
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        const double x = std::exp(200 * (unit_draw(7, i) - 0.5));
        const double expected = std::log(x);

        REQUIRE(natural_log(x) == doctest::Approx(expected).epsilon(1e-14));
    }
    CHECK(natural_log(1) == 0);
}

TEST_CASE("tokens of texts are words, or runs of whole characters") {
    std::vector<Token> words, runs;
    append_tokens("ab-c d", {0}, words);
    append_tokens("h\xc3\xa9h", {2}, runs);

    CHECK(words == std::vector{token_of("ab"), token_of("c"), token_of("d")});
    CHECK(runs == std::vector{token_of("h\xc3\xa9"), token_of("\xc3\xa9h")});
    CHECK(token_of("7") != token_of(std::int64_t{7}));
}

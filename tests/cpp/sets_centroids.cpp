// Rows by their nearest others, and documents by centroids and codes of what is left.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <set>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "base/watch.hpp"
#include "sets/assign.hpp"
#include "sets/centroids.hpp"
#include "sets/four_bits.hpp"
#include "sets/maxsim.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 12, kCentroids = 40, kDocuments = 150, kEach = 5, kQueries = 7, kAsked = 3;

std::vector<float> drawn(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> spread(0, 1);
    std::vector<float> values(n);
    for (float& value : values) value = spread(random);
    return values;
}

float product(const float* a, const float* b) { return std::inner_product(a, a + kDim, b, 0.0F); }

const std::byte* bytes(const std::vector<float>& floats) { return reinterpret_cast<const std::byte*>(floats.data()); }

// Documents around centroids, in lists but for the last ten.
struct Sample {
    std::vector<float> centroids = drawn(kCentroids * kDim, 1), rows, asked = drawn(kQueries * kAsked * kDim, 2);
    std::vector<std::int64_t> starts{0}, list_starts{0}, query_starts{0};
    std::vector<std::uint32_t> centroid_of, listed;
    std::vector<std::byte> left;
    std::vector<std::uint8_t> admitted = std::vector<std::uint8_t>(kDocuments, 1);
    std::size_t unlisted_from = kDocuments - 10;

    Sample() {
        const std::vector<float> beyond = drawn(kDocuments * kEach * kDim, 3);
        std::mt19937 random(4);
        std::vector<float> exact(kDim), back(kDim);
        for (std::size_t row = 0; row < kDocuments * kEach; ++row) {
            centroid_of.push_back(static_cast<std::uint32_t>(random() % kCentroids));
            for (std::size_t i = 0; i < kDim; ++i) exact[i] = 0.3F * beyond[row * kDim + i];
            left.resize((row + 1) * four_bit_bytes(kDim));
            to_four_bits(exact.data(), kDim, left.data() + row * four_bit_bytes(kDim));
            from_four_bits(left.data() + row * four_bit_bytes(kDim), kDim, back.data());
            for (std::size_t i = 0; i < kDim; ++i) rows.push_back(back[i] + centroids[centroid_of[row] * kDim + i]);
        }
        for (std::size_t document = 1; document <= kDocuments; ++document)
            starts.push_back(static_cast<std::int64_t>(document * kEach));
        for (std::size_t query = 1; query <= kQueries; ++query)
            query_starts.push_back(static_cast<std::int64_t>(query * kAsked));
        for (std::size_t centroid = 0; centroid < kCentroids; ++centroid) {
            std::set<std::uint32_t> those;
            for (std::size_t row = 0; row < unlisted_from * kEach; ++row)
                if (centroid_of[row] == centroid) those.insert(static_cast<std::uint32_t>(row / kEach));
            listed.insert(listed.end(), those.begin(), those.end());
            list_starts.push_back(static_cast<std::int64_t>(listed.size()));
        }
    }

    VectorSets queries() const { return {bytes(asked), kQueries * kAsked, kDim, VectorSets::Type::f32, query_starts}; }

    CentroidTables tables() const {
        return {centroids, kDim, starts, centroid_of, left, list_starts, listed, unlisted_from, admitted};
    }

    std::vector<std::int64_t> find(const CentroidEffort& effort, std::size_t threads = 1) const {
        std::vector<std::int64_t> found(kQueries * effort.wanted);
        Team team(threads);
        Watch watch;
        find_by_centroids(queries(), tables(), effort, found.data(), Crew{team, watch});
        return found;
    }

    // Documents that are admitted, by MaxSim of what their codes stand for.
    std::vector<std::int64_t> best(std::size_t wanted) const {
        std::vector<std::int64_t> all(kDocuments), lists(kQueries + 1, 0), which, ranked;
        std::iota(all.begin(), all.end(), 0);
        for (std::size_t query = 0; query < kQueries; ++query) {
            which.insert(which.end(), all.begin(), all.end());
            lists[query + 1] = static_cast<std::int64_t>(which.size());
        }
        std::vector<float> scores(which.size());
        Team team(1);
        Watch watch;
        const VectorSets documents{bytes(rows), kDocuments * kEach, kDim, VectorSets::Type::f32, starts};
        maxsim(queries(), documents, {lists, which}, scores.data(), Crew{team, watch});
        for (std::size_t query = 0; query < kQueries; ++query) {
            const float* mine = scores.data() + query * kDocuments;
            std::vector<std::int64_t> order;
            for (const std::int64_t one : all)
                if (admitted[static_cast<std::size_t>(one)] != 0) order.push_back(one);
            std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
                return mine[static_cast<std::size_t>(a)] > mine[static_cast<std::size_t>(b)];
            });
            order.resize(wanted, -1);
            ranked.insert(ranked.end(), order.begin(), order.end());
        }
        return ranked;
    }
};

}  // namespace

TEST_CASE("a row is assigned to the one whose product with it is largest, the first of equal ones") {
    for (const std::size_t n_others : {1U, 31U, 32U, 33U, 200U}) {
        const std::vector<float> rows = drawn(300 * kDim, 5);
        std::vector<float> others = drawn(n_others * kDim, 6);
        std::copy_n(others.begin(), kDim, others.end() - static_cast<std::ptrdiff_t>(kDim));
        std::vector<std::uint32_t> once(300), again(300);
        Team alone(1), team(4);
        Watch watch;
        assign_rows(rows.data(), 300, others.data(), n_others, kDim, once.data(), Crew{alone, watch});
        assign_rows(rows.data(), 300, others.data(), n_others, kDim, again.data(), Crew{team, watch});
        CHECK(once == again);
        bool right = true;
        for (std::size_t row = 0; row < 300; ++row) {
            float most = -1e30F;
            for (std::size_t other = 0; other < n_others; ++other)
                most = std::max(most, product(rows.data() + row * kDim, others.data() + other * kDim));
            right = right && product(rows.data() + row * kDim, others.data() + once[row] * kDim) > most - 1e-4F &&
                    (n_others == 1 || once[row] != n_others - 1);
        }
        CHECK(right);
    }
}

TEST_CASE("with all lists and enough survivors, what codes score highest is found") {
    const Sample sample;
    CHECK(sample.find({10, kCentroids, kDocuments}) == sample.best(10));
    CHECK(sample.find({10, kCentroids, kDocuments - 1}) == sample.best(10));
    CHECK(sample.find({10, 3, 40}, 1) == sample.find({10, 3, 40}, 4));
}

TEST_CASE("with few lists most of it is found") {
    const Sample sample;
    const std::vector<std::int64_t> found = sample.find({10, 4, 60}), best = sample.best(10);
    std::size_t hits = 0;
    for (std::size_t query = 0; query < kQueries; ++query) {
        const auto first = found.begin() + static_cast<std::ptrdiff_t>(query * 10);
        for (std::size_t i = 0; i < 10; ++i)
            hits += std::find(first, first + 10, best[query * 10 + i]) != first + 10 ? 1U : 0U;
    }
    CHECK(hits > kQueries * 9);
}

TEST_CASE("what is not admitted is not found, and lists are looked into until there are enough") {
    Sample sample;
    for (std::size_t document = 0; document < kDocuments; ++document)
        sample.admitted[document] = document % 9 == 0 ? 1 : 0;
    CHECK(sample.find({20, 1, 20}) == sample.best(20));
    CHECK(sample.find({10, 1, 16}) == sample.best(10));
    sample.admitted.assign(kDocuments, 0);
    CHECK(sample.find({2, 1, 2}) == std::vector<std::int64_t>(2 * kQueries, -1));
}

TEST_CASE("tables that do not fit together are refused") {
    Sample sample;
    sample.centroid_of[3] = kCentroids;
    CHECK_THROWS_AS(sample.find({1, 1, 1}), InvalidArgumentError);
    sample.centroid_of[3] = 0;
    sample.listed[0] = kDocuments;
    CHECK_THROWS_AS(sample.find({1, 1, 1}), InvalidArgumentError);
    sample.listed[0] = 0;
    sample.admitted.pop_back();
    CHECK_THROWS_AS(sample.find({1, 1, 1}), InvalidArgumentError);
}

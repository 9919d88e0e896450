// Searches that keep to a region of attributes, through the public door.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "index_asked.hpp"

namespace {

using namespace vicinal;
using Neighbors = std::vector<std::pair<float, std::int64_t>>;

constexpr std::size_t kDim = 8, kCount = 6'000, kQueries = 20;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::uint8_t> vectors_drawn() { return trial::drawn_whole<std::uint8_t>(kCount * kDim, 27, 0, 255); }
std::vector<std::uint8_t> queries_drawn() { return trial::drawn_whole<std::uint8_t>(kQueries * kDim, 28, 0, 255); }

// A place on a square of side 1000 for each vector, in another order than theirs.
struct Places {
    std::vector<std::int64_t> ids;
    std::vector<double> values;
    Places() {
        const auto drawn = trial::drawn_whole<float>(2 * kCount, 29, 0, 1000);
        values.assign(drawn.begin(), drawn.end());
        for (std::size_t i = 0; i < kCount; ++i) ids.push_back(static_cast<std::int64_t>((i * 7) % kCount));
    }
};

Region box(double low, double high) { return {{low, -kInfinity}, {high, kInfinity}, {}, 0}; }

Region ball(double x, double y, double radius) {
    return {{x - radius, y - radius}, {x + radius, y + radius}, {x, y}, radius * radius};
}

// The same as a set of ids, by the definition.
std::vector<std::int64_t> ids_in(const Places& places, const Region& region) {
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < kCount; ++i) {
        const double x = places.values[2 * i], y = places.values[2 * i + 1];
        const bool in_box = x >= region.low[0] && x <= region.high[0] && y >= region.low[1] && y <= region.high[1];
        const bool in_ball =
            region.center.empty() ||
            std::pow(x - region.center[0], 2) + std::pow(y - region.center[1], 2) <= region.squared_radius;
        if (in_box && in_ball) ids.push_back(places.ids[i]);
    }
    return ids;
}

double shared(const trial::Found& found, const trial::Found& truth) {
    std::size_t both = 0, all = 0;
    for (std::size_t row = 0; row < found.counts.size(); ++row) {
        const Neighbors wanted = truth.of(row);
        all += wanted.size();
        for (const auto& hit : found.of(row)) both += std::count(wanted.begin(), wanted.end(), hit) == 1 ? 1U : 0U;
    }
    return all == 0 ? 1 : static_cast<double>(both) / static_cast<double>(all);
}

}  // namespace

TEST_CASE("a search that keeps to a region finds the nearest of what lies there, whichever way it goes") {
    const Places places;
    const Attributes attributes(places.ids, places.values, 2);
    const auto index = trial::index_of_vectors(trial::options_with(kDim, Metric::l2, Dtype::u8), vectors_drawn());
    std::vector<bool> ways(6, false);
    for (const bool after_removals : {false, true}) {
        CAPTURE(after_removals);
        if (after_removals) index->remove(trial::counting(0, kCount / 3, 3));
        for (const Region& region :
             {box(0, 0), box(-5, -1), box(100, 120), box(0, 150), box(200, 600), box(-kInfinity, 990),
              ball(500, 500, 20), ball(300, 500, 250), ball(500, 500, 450)}) {
            const AttributeFilter where{&attributes, region};
            const IdSet set(ids_in(places, region));
            const Filter by_region{nullptr, {}, &where}, by_set{&set, {}, nullptr};

            const auto truth = trial::ask(*index, queries_drawn(), {.exact = true, .filters = {&by_set, 1}});
            const auto exact = trial::ask(*index, queries_drawn(), {.exact = true, .filters = {&by_region, 1}});
            const auto found =
                trial::ask(*index, queries_drawn(), {.ef = 32, .threads = 2, .filters = {&by_region, 1}});

            CHECK(exact == truth);
            CHECK(found.counts == truth.counts);
            CHECK(shared(found, truth) >= 0.95);
            for (std::size_t query = 0; query < kQueries; ++query) {
                CHECK(exact.work[query].distances == truth.work[query].distances);
                ways[static_cast<std::size_t>(found.work[query].strategy)] = true;
            }
        }
    }
    CHECK(ways[static_cast<std::size_t>(Strategy::scan)]);
    CHECK(ways[static_cast<std::size_t>(Strategy::through)]);
}

TEST_CASE("a walk among the nodes of a region asks of those it meets") {
    const Places places;
    const Attributes attributes(places.ids, places.values, 2);
    Options options = trial::options_with(32);
    options.traversal = Traversal::exact;
    const auto index = trial::index_of_vectors(options, trial::drawn_whole<float>(kCount * 32, 8, 0, 9));
    const auto queries = trial::drawn_whole<float>(kQueries * 32, 9, 0, 9);
    const Region region = box(0, 200);
    const AttributeFilter where{&attributes, region};
    const IdSet set(ids_in(places, region));
    const Filter by_region{nullptr, {}, &where}, by_set{&set, {}, nullptr};

    const auto found = trial::ask(*index, queries, {.k = 5, .ef = 16, .filters = {&by_region, 1}});
    const auto by_ids = trial::ask(*index, queries, {.k = 5, .ef = 16, .filters = {&by_set, 1}});

    for (std::size_t query = 0; query < kQueries; ++query) {
        CHECK(found.work[query].strategy == Strategy::among);
        for (const auto& hit : found.of(query)) CHECK(set.contains(hit.second));
    }
    CHECK(shared(found, by_ids) >= 0.8);  // the same walk, but for where it starts from
}

TEST_CASE("at most so many hits of a group, within a region") {
    const Places places;
    const Attributes attributes(places.ids, places.values, 2);
    Index index(trial::options_with(kDim, Metric::l2, Dtype::u8));
    std::vector<std::int64_t> groups(kCount);
    for (std::size_t i = 0; i < kCount; ++i) groups[i] = static_cast<std::int64_t>(i % 40);
    Watch nobody;
    const auto vectors = vectors_drawn();
    index.add(trial::bytes_of(vectors), kCount, {}, 1, nobody, groups);
    const Region region = ball(400, 400, 300);
    const AttributeFilter where{&attributes, region};
    const IdSet set(ids_in(places, region));
    const Filter by_region{nullptr, {}, &where}, by_set{&set, {}, nullptr};
    for (const std::size_t k : {std::size_t{5}, std::size_t{40}}) {  // of 40 groups a walk does not find one each
        const auto found = trial::ask(index, queries_drawn(), {.k = k, .per_group = 1, .filters = {&by_region, 1}});
        const auto truth =
            trial::ask(index, queries_drawn(), {.k = k, .exact = true, .per_group = 1, .filters = {&by_set, 1}});
        CHECK(found.counts == truth.counts);
        CHECK(shared(found, truth) >= 0.95);
    }
}

TEST_CASE("attributes know what has been added, removed and added again since, and tell copies apart") {
    const auto index = std::make_unique<Index>(trial::options_with(1));
    const Attributes attributes({1, 2, 7, 9}, {10, 20, 70, 90}, 1);
    const Region region{{15}, {80}, {}, 0};
    const AttributeFilter where{&attributes, region};
    const Filter filter{nullptr, {}, &where};
    using Ids = std::vector<std::int64_t>;
    const auto found = [&] { return trial::ask(*index, std::vector<float>{0}, {.k = 3, .filters = {&filter, 1}}).ids; };

    CHECK(found() == Ids{-1, -1, -1});
    trial::add(*index, std::vector<float>{10, 20, 30}, {1, 2, 3});
    CHECK(found() == Ids{2, -1, -1});
    trial::add(*index, std::vector<float>{10, 5}, {7, 8});  // 7 is a copy of 1, which lies outside
    CHECK(found() == Ids{7, 2, -1});
    index->remove(Ids{2});
    CHECK(found() == Ids{7, -1, -1});
    trial::add(*index, std::vector<float>{1}, {2});
    CHECK(found() == Ids{2, 7, -1});
}

TEST_CASE("copies are met by their node, in a region that a walk asks for too") {
    std::vector<float> vectors(4'000);
    for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = static_cast<float>(i / 2);
    std::vector<double> odd(vectors.size());
    for (std::size_t i = 0; i < odd.size(); ++i) odd[i] = static_cast<double>(i % 2);
    const auto index = trial::index_of_vectors(trial::options_with(1), vectors);
    const Attributes attributes(trial::counting(0, vectors.size()), odd, 1);
    const AttributeFilter where{&attributes, {{1}, {1}, {}, 0}};  // the copies, and none of their nodes
    const Filter filter{nullptr, {}, &where};
    const auto found = trial::ask(*index, std::vector<float>{700}, {.k = 3, .ef = 8, .filters = {&filter, 1}});
    CHECK(found.ids == std::vector<std::int64_t>{1'401, 1'399, 1'403});
}

TEST_CASE("regions are searched beside a writer by many threads that share the attributes") {
    const Places places;
    const Attributes attributes(places.ids, places.values, 2);
    const auto vectors = vectors_drawn();
    Index index(trial::options_with(kDim, Metric::l2, Dtype::u8));
    std::atomic<bool> done{false};
    std::atomic<std::size_t> wrong{0};
    std::vector<std::thread> searchers;
    for (int i = 0; i < 2; ++i)
        searchers.emplace_back([&] {
            const Region region = box(200, 700);
            const AttributeFilter where{&attributes, region};
            const IdSet set(ids_in(places, region));
            const Filter filter{nullptr, {}, &where};
            while (!done.load())
                for (const std::int64_t id : trial::ask(index, queries_drawn(), {.filters = {&filter, 1}}).ids)
                    wrong += id >= 0 && !set.contains(id) ? 1U : 0U;
        });
    Watch nobody;
    for (std::size_t at = 0; at < kCount / 2; at += 100)
        index.add(trial::bytes_of(vectors) + at * kDim, 100, {}, 1, nobody);
    index.remove(trial::counting(0, 1'000));
    index.add(trial::bytes_of(vectors), 1'000, {}, 1, nobody);
    done = true;
    for (std::thread& one : searchers) one.join();
    CHECK(wrong == 0);
}

// Searches that may report some of the vectors only, through the public door.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;
using Ids = std::vector<std::int64_t>;
using Neighbors = std::vector<std::pair<float, std::int64_t>>;

constexpr std::size_t kDim = 8;
constexpr std::size_t kCount = 6'000;

// Shuffled: neither slots nor ids say anything about each other.
Ids shuffled_ids() {
    Ids ids(kCount);
    for (std::size_t i = 0; i < kCount; ++i) ids[i] = static_cast<std::int64_t>(3 * i);
    std::shuffle(ids.begin(), ids.end(), std::mt19937(3));
    return ids;
}

std::vector<std::uint8_t> vectors_drawn() { return trial::drawn_whole<std::uint8_t>(kCount * kDim, 17, 0, 255); }
std::vector<std::uint8_t> queries_drawn() { return trial::drawn_whole<std::uint8_t>(30 * kDim, 18, 0, 255); }

std::unique_ptr<Index> index_drawn(const Ids& ids) {
    return trial::index_of_vectors(trial::options_with(kDim, Metric::l2, Dtype::u8), vectors_drawn(), ids);
}

Ids some_of(const Ids& ids, double share) {
    Ids some;
    std::mt19937 random(7);
    for (const std::int64_t id : ids)
        if (std::uniform_real_distribution<>(0, 1)(random) < share) some.push_back(id);
    return some;
}

double shared(const trial::Found& found, const trial::Found& truth) {
    std::size_t both = 0;
    for (std::size_t row = 0; row < found.counts.size(); ++row)
        for (const auto& hit : found.of(row)) {
            const Neighbors wanted = truth.of(row);
            both += std::find(wanted.begin(), wanted.end(), hit) != wanted.end() ? 1U : 0U;
        }
    return static_cast<double>(both) / static_cast<double>(found.ids.size());
}

}  // namespace

TEST_CASE("a filtered search finds the nearest of the admitted, whichever way it goes") {
    const Ids ids = shuffled_ids();
    const auto index = index_drawn(ids);
    std::vector<bool> ways(6, false);
    for (const double share : {0.002, 0.02, 0.3, 0.6, 0.95}) {
        CAPTURE(share);
        const IdSet set(some_of(ids, share));
        const Filter filter{&set, {}};

        const auto found = trial::ask(*index, queries_drawn(), {.k = 10, .filters = {&filter, 1}});
        const auto truth = trial::ask(*index, queries_drawn(), {.k = 10, .exact = true, .filters = {&filter, 1}});

        for (std::size_t query = 0; query < 30; ++query) {
            const Neighbors hits = found.of(query);
            CHECK(hits.size() == std::min<std::size_t>(10, set.ids().size()));
            CHECK(std::is_sorted(hits.begin(), hits.end()));
            CHECK(std::all_of(hits.begin(), hits.end(), [&](const auto& hit) { return set.contains(hit.second); }));
            ways[static_cast<std::size_t>(found.work[query].strategy)] = true;
        }
        CHECK(shared(found, truth) >= 0.95);
    }
    CHECK(ways[static_cast<std::size_t>(Strategy::scan)]);
    CHECK(ways[static_cast<std::size_t>(Strategy::through)]);
}

TEST_CASE("a search that walks among the admitted finds most of the nearest") {
    Options options = trial::options_with(32);
    options.traversal = Traversal::exact;
    const auto index = trial::index_of_vectors(options, trial::drawn_whole<float>(kCount * 32, 8, 0, 9));
    const auto queries = trial::drawn_whole<float>(30 * 32, 9, 0, 9);
    const IdSet set(some_of(index->ids(), 0.2));
    const Filter filter{&set, {}};

    const auto found = trial::ask(*index, queries, {.k = 5, .ef = 16, .filters = {&filter, 1}});
    const auto all = trial::ask(*index, queries, {.k = 5, .exact = true, .filters = {&filter, 1}});

    for (std::size_t query = 0; query < 30; ++query) {
        CHECK(found.work[query].strategy == Strategy::among);
        CHECK(found.work[query].distances < all.work[query].distances);
        for (const auto& hit : found.of(query)) CHECK(set.contains(hit.second));
    }
    CHECK(shared(found, all) >= 0.5);  // numbers drawn at random in 32 dimensions have no structure to follow
}

TEST_CASE("a mask, the ids it stands for and one filter for each query are answered alike") {
    const Ids ids = shuffled_ids();
    const auto index = index_drawn(ids);
    for (const bool after_removals : {false, true}) {
        CAPTURE(after_removals);
        if (after_removals) index->remove(some_of(ids, 0.2));
        const Ids present = index->ids();
        const Ids admitted = some_of(present, 0.4);
        const IdSet set(admitted), once(admitted, IdSet::Use::once);
        std::vector<std::uint8_t> mask;
        for (const std::int64_t id : present) mask.push_back(set.contains(id) ? 1 : 0);
        const Filter by_set{&set, {}}, by_once{&once, {}}, by_mask{nullptr, mask};

        const auto expected = trial::ask(*index, queries_drawn(), {.filters = {&by_set, 1}});
        const std::vector<Filter> each(30, by_mask);

        CHECK(trial::ask(*index, queries_drawn(), {.filters = {&by_once, 1}}) == expected);
        CHECK(trial::ask(*index, queries_drawn(), {.filters = {&by_mask, 1}}) == expected);
        CHECK(trial::ask(*index, queries_drawn(), {.filters = each}) == expected);
        CHECK(trial::ask(*index, queries_drawn(), {.threads = 3, .filters = each}) == expected);
    }
}

TEST_CASE("a set that has been used knows what has been added, removed and added again since") {
    const auto index = std::make_unique<Index>(trial::options_with(1));
    const IdSet set({1, 2, 7, 9});
    const Filter filter{&set, {}};
    const auto found = [&] { return trial::ask(*index, std::vector<float>{0}, {.k = 4, .filters = {&filter, 1}}).ids; };

    CHECK(found() == Ids{-1, -1, -1, -1});
    trial::add(*index, std::vector<float>{10, 20, 30}, {0, 1, 2});
    CHECK(found() == Ids{1, 2, -1, -1});
    trial::add(*index, std::vector<float>{5, 6}, {8, 9});
    CHECK(found() == Ids{9, 1, 2, -1});
    index->remove(Ids{1});
    CHECK(found() == Ids{9, 2, -1, -1});
    trial::add(*index, std::vector<float>{100}, {1});
    CHECK(found() == Ids{9, 2, 1, -1});
}

TEST_CASE("a set whose vectors have nearly all been removed finds those that are left") {
    const Ids ids = shuffled_ids();
    const auto index = index_drawn(ids);
    const Ids admitted = some_of(ids, 0.9);
    const IdSet set(admitted);
    const Filter filter{&set, {}};
    CHECK(trial::ask(*index, queries_drawn(), {.filters = {&filter, 1}}).counts == Ids(30, 10));

    index->remove(std::span(admitted).subspan(5));
    const auto found = trial::ask(*index, queries_drawn(), {.ef = 10, .filters = {&filter, 1}});

    CHECK(found.counts == Ids(30, 5));
    for (std::size_t query = 0; query < 30; ++query) {
        CHECK(found.work[query].strategy == Strategy::starved);
        CHECK(found.ids[query * 10 + 5] == -1);
    }
}

TEST_CASE("a set that has been used in one index is not mistaken in another") {
    const auto one = trial::index_of_vectors(trial::options_with(1), std::vector<float>{1, 2, 3}, {5, 6, 7});
    const auto other = trial::index_of_vectors(trial::options_with(1), std::vector<float>{1, 2, 3}, {7, 6, 5});
    const IdSet set({7});
    const Filter filter{&set, {}};
    for (int round = 0; round < 2; ++round) {
        CHECK(trial::ask(*one, std::vector<float>{0}, {.k = 1, .filters = {&filter, 1}}).distances[0] == 9);
        CHECK(trial::ask(*other, std::vector<float>{0}, {.k = 1, .filters = {&filter, 1}}).distances[0] == 1);
    }
}

TEST_CASE("k are found whenever k are admitted, though they lie far from the query and from each other") {
    // Two heaps, far apart; the query lies in the one that is rejected.
    std::vector<float> vectors = trial::drawn_whole<float>(3'000 * 2, 5, 0, 50);
    const std::vector<float> far = trial::drawn_whole<float>(3'000 * 2, 6, 10'000, 10'050);
    vectors.insert(vectors.end(), far.begin(), far.end());
    const auto index = trial::index_of_vectors(trial::options_with(2), vectors);
    Ids admitted;
    for (std::int64_t id = 3'000; id < 6'000; ++id) admitted.push_back(id);
    const IdSet set(admitted);
    const Filter filter{&set, {}};

    const auto found = trial::ask(*index, std::vector<float>{0, 0, 25, 25}, {.k = 20, .filters = {&filter, 1}});

    CHECK(found.counts == Ids{20, 20});
}

TEST_CASE("a filter of another length says what it has and what was expected") {
    const auto index = trial::index_of_vectors(trial::options_with(1), std::vector<float>{1, 2, 3});
    const std::vector<std::uint8_t> mask(4, 1);
    const Filter filter{nullptr, mask};
    const std::vector<Filter> two(2, Filter{nullptr, std::span(mask).first(3)});

    CHECK_THROWS_WITH_AS(trial::ask(*index, std::vector<float>{0}, {.filters = {&filter, 1}}),
                         doctest::Contains("4 entries, expected one for each of 3 vectors"), InvalidArgumentError);
    CHECK_THROWS_WITH_AS(trial::ask(*index, std::vector<float>{0, 1, 2}, {.filters = two}),
                         doctest::Contains("2 filters, expected one for each of 3 queries"), InvalidArgumentError);
}

TEST_CASE("many threads share a set while rows are added and removed") {
    Index index(trial::options_with(kDim, Metric::l2, Dtype::u8));
    const auto vectors = vectors_drawn();
    const auto row = [&](std::size_t i) {
        const auto begin = vectors.begin() + static_cast<std::ptrdiff_t>(i * kDim);
        return std::vector<std::uint8_t>(begin, begin + kDim);
    };
    Ids even;
    for (std::int64_t id = 0; id < 600; id += 2) even.push_back(id);
    const IdSet set(even);
    std::atomic<bool> done{false};
    std::atomic<std::size_t> searches{0}, wrong{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 3; ++reader)
        readers.emplace_back([&] {
            const Filter filter{&set, {}};
            while (!done.load()) {
                const auto found = trial::ask(index, row(0), {.k = 5, .filters = {&filter, 1}});
                for (const auto& hit : found.of(0))
                    if (!set.contains(hit.second)) ++wrong;
                ++searches;
            }
        });
    for (std::size_t i = 0; i < 600; ++i) {
        trial::add(index, row(i));
        if (i % 7 == 6) index.remove(Ids{static_cast<std::int64_t>(i - 3)});
    }
    done = true;
    for (std::thread& reader : readers) reader.join();

    CHECK(wrong == 0);
    CHECK(searches > 0);
}

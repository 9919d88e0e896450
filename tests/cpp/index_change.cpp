// Vectors come, stay as they were and go, through the public door.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::add;
using trial::ask;
using trial::counting;
using Ids = std::vector<std::int64_t>;

template <class T>
void check_get(Dtype dtype, Metric metric, const std::vector<T>& vectors, std::size_t dim) {
    const auto index = trial::index_of_vectors(trial::options_with(dim, metric, dtype), vectors);
    const std::size_t n = index->size();
    Ids ids = counting(0, n);
    CHECK(trial::get<T>(*index, ids) == vectors);

    std::reverse(ids.begin(), ids.end());
    std::vector<T> backwards;
    const std::size_t elements = vectors.size() / n;
    for (std::size_t row = n; row-- > 0;)
        backwards.insert(backwards.end(), vectors.begin() + static_cast<std::ptrdiff_t>(row * elements),
                         vectors.begin() + static_cast<std::ptrdiff_t>((row + 1) * elements));
    CHECK(trial::get<T>(*index, ids) == backwards);
}

}  // namespace

TEST_CASE("get returns what was added for every type, in the order asked for") {
    constexpr std::size_t kCount = 150;
    for (const std::size_t dim : {8U, 40U, 72U}) {
        CAPTURE(dim);
        // Numbers of few digits survive half precision.
        const auto floats = trial::drawn_whole<float>(kCount * dim, dim, -100, 100);
        for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
            CAPTURE(name_of(metric));
            for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16}) check_get(dtype, metric, floats, dim);
            check_get(Dtype::i8, metric, trial::drawn_whole<std::int8_t>(kCount * dim, dim, -128, 127), dim);
            check_get(Dtype::u8, metric, trial::drawn_whole<std::uint8_t>(kCount * dim, dim, 0, 255), dim);
        }
        const auto bits = trial::drawn_whole<std::uint8_t>(kCount * dim / 8, dim, 0, 255);
        for (const Metric metric : {Metric::hamming, Metric::jaccard}) check_get(Dtype::b1, metric, bits, dim);
    }
}

TEST_CASE("ids that are not given are consecutive from the largest ever used") {
    Index index(trial::options_with(1));

    CHECK(add(index, std::vector<float>{1, 2, 3}).ids == Ids{0, 1, 2});
    CHECK(add(index, std::vector<float>{4, 5}, {100, 50}).ids == Ids{100, 50});
    CHECK(add(index, std::vector<float>{6}).ids == Ids{101});
    index.remove(Ids{101, 100});
    CHECK(add(index, std::vector<float>{7}).ids == Ids{102});
    index.remove(index.ids());
    CHECK(add(index, std::vector<float>{8}).ids == Ids{103});
    CHECK(index.next_id() == 104);
}

TEST_CASE("the largest id there is may be used, and then ids have to be given") {
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    Index index(trial::options_with(1));

    add(index, std::vector<float>{1}, {kLargest});

    CHECK(index.contains(kLargest));
    CHECK(ask(index, std::vector<float>{1}, {.k = 1}).ids == Ids{kLargest});
    CHECK_THROWS_AS(add(index, std::vector<float>{2}), InvalidArgumentError);
    CHECK(add(index, std::vector<float>{2}, {7}).ids == Ids{7});
}

TEST_CASE("an id that was removed is never reported again, whatever the beam") {
    constexpr std::size_t kDim = 6;
    constexpr std::size_t kCount = 1'200;
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 2);
    const auto index = trial::index_of_vectors(trial::options_with(kDim), vectors);
    std::set<std::int64_t> gone;

    for (std::int64_t round = 0; round < 8; ++round) {
        Ids now;
        for (std::int64_t id = round; id < static_cast<std::int64_t>(kCount); id += 10) now.push_back(id);
        index->remove(now);
        gone.insert(now.begin(), now.end());

        CAPTURE(round);
        CHECK(index->size() == kCount - gone.size());
        // The vectors themselves are the queries: who was removed would come first.
        for (const std::size_t ef : {10U, 100U, 1'000U})
            for (const bool exact : {false, true}) {
                const auto found = ask(*index, vectors, {.k = 10, .ef = ef, .exact = exact});
                CHECK(std::none_of(found.ids.begin(), found.ids.end(), [&](auto id) { return gone.contains(id); }));
                CHECK(found.counts == std::vector<std::int64_t>(kCount, 10));
            }
    }
    for (const std::int64_t id : gone) REQUIRE_FALSE(index->contains(id));
    CHECK_THROWS_WITH_AS(trial::get<float>(*index, {9, 1}), "id 1 is not in the index", UnknownIdError);
}

TEST_CASE("an index of which everything was removed answers with nothing and takes new vectors") {
    const auto index = trial::index_of_vectors(trial::options_with(4), trial::drawn_floats(400 * 4, 3));

    index->remove(index->ids());

    CHECK(index->size() == 0);
    CHECK(index->ids().empty());
    const std::vector<float> query(4, 0.1F);
    for (const bool exact : {false, true})
        CHECK(ask(*index, query, {.k = 3, .exact = exact}).counts == std::vector<std::int64_t>{0});
    add(*index, query);
    for (const bool exact : {false, true}) CHECK(ask(*index, query, {.k = 3, .exact = exact}).ids == Ids{400, -1, -1});
}

TEST_CASE("a removed id may be added again with another vector") {
    constexpr std::size_t kCount = 600;
    const auto index = trial::index_of_vectors(trial::options_with(2), trial::drawn_floats(kCount * 2, 4));
    const std::vector<float> elsewhere{50, 50};

    for (int round = 0; round < 3; ++round) {
        index->remove(Ids{17});
        CHECK_FALSE(index->contains(17));
        add(*index, elsewhere, {17});

        CHECK(index->contains(17));
        CHECK(index->size() == kCount);
        CHECK(trial::get<float>(*index, {17}) == elsewhere);
        const auto found = ask(*index, elsewhere, {.k = 2});
        CHECK(found.ids.front() == 17);
        CHECK(found.distances.front() == 0);
        CHECK(found.ids.back() != 17);
    }
}

TEST_CASE("rows that enter in another order are the rows of that order, with their own ids and groups") {
    constexpr std::size_t kDim = 8;
    constexpr std::size_t kCount = 500;
    const auto vectors = trial::drawn_whole<float>(kCount * kDim, 3, -100, 100);
    Ids order = counting(0, kCount);
    for (std::size_t i = 0; i < kCount; ++i) order[i] = static_cast<std::int64_t>((i * 7 + 3) % kCount);
    Ids groups, groups_moved;
    for (std::size_t i = 0; i < kCount; ++i) groups.push_back(static_cast<std::int64_t>(i / 3));
    std::vector<float> moved;
    for (const std::int64_t row : order) {
        const auto first = vectors.begin() + row * static_cast<std::ptrdiff_t>(kDim);
        moved.insert(moved.end(), first, first + static_cast<std::ptrdiff_t>(kDim));
        groups_moved.push_back(row / 3);
    }
    Watch nobody;
    Index expected(trial::options_with(kDim));
    expected.add({trial::bytes_of(moved), kCount, order, groups_moved}, 1, nobody);
    for (const std::size_t threads : {1U, 3U}) {
        CAPTURE(threads);
        Index index(trial::options_with(kDim));
        const Added added = index.add({trial::bytes_of(vectors), kCount, {}, groups, order}, threads, nobody);
        CHECK(added.ids == order);
        CHECK(trial::get<float>(index, counting(0, kCount)) == vectors);
        CHECK(index.groups(counting(0, kCount)) == groups);
        CHECK(index.next_id() == static_cast<std::int64_t>(kCount));
        CHECK(trial::digest(index) == trial::digest(expected));
    }
}

TEST_CASE("a fault is told by the row's own number, whatever the order in which rows enter") {
    auto vectors = trial::drawn_whole<float>(4 * 8, 3, -100, 100);
    vectors[2 * 8 + 5] = std::numeric_limits<float>::quiet_NaN();
    Index index(trial::options_with(8));
    Watch nobody;
    const Ids order{2, 3, 0, 1};
    const Batch batch{trial::bytes_of(vectors), 4, {}, {}, order};
    CHECK_THROWS_WITH_AS(index.add(batch, 1, nobody), doctest::Contains("vectors row 2 "), InvalidVectorError);
    CHECK(index.size() == 0);
}

TEST_CASE("an order that is no permutation of the rows is refused, and nothing is added") {
    const auto vectors = trial::drawn_whole<float>(4 * 8, 3, -100, 100);
    Index index(trial::options_with(8));
    Watch nobody;
    for (const Ids& wrong : {Ids{0, 1, 2}, Ids{0, 1, 2, 2}, Ids{0, 1, 2, 4}, Ids{0, 1, 2, -1}, Ids{0, 1, 2, 3, 3}}) {
        const Batch batch{trial::bytes_of(vectors), 4, {}, {}, wrong};
        CHECK_THROWS_AS(index.add(batch, 1, nobody), InvalidArgumentError);
    }
    CHECK(index.size() == 0);
}

TEST_CASE("ids are told in ascending order and are those that are in") {
    const auto index = trial::index_of_vectors(trial::options_with(1), std::vector<float>{1, 2, 3, 4}, {9, 2, 30, 4});

    CHECK(index->ids() == Ids{2, 4, 9, 30});
    index->remove(Ids{9});
    CHECK(index->ids() == Ids{2, 4, 30});
    for (std::int64_t id = -2; id < 40; ++id) CHECK(index->contains(id) == (id == 2 || id == 4 || id == 30));
}

TEST_CASE("removing an id that is not there, or one id twice, removes nothing") {
    const auto index = trial::index_of_vectors(trial::options_with(1), std::vector<float>{1, 2, 3});
    const auto before = trial::digest(*index);

    CHECK_THROWS_WITH_AS(index->remove(Ids{0, 1, 5}), "id 5 is not in the index", UnknownIdError);
    CHECK_THROWS_WITH_AS(index->remove(Ids{2, 0, 2}), "id 2 is named twice in one call", DuplicateIdError);
    index->remove(Ids{});

    CHECK(trial::digest(*index) == before);
    CHECK(index->ids() == Ids{0, 1, 2});
}

TEST_CASE("the bytes of an index do not depend on how many threads built it") {
    for (const Dtype dtype : {Dtype::f32, Dtype::u8}) {
        const Options options = trial::options_with(40, Metric::l2, dtype);
        const auto floats = trial::drawn_floats(1'500 * 40, 6);
        const auto bytes = trial::drawn_whole<std::uint8_t>(1'500 * 40, 6, 0, 255);
        const auto built = [&](std::size_t threads) {
            Index index(options);
            dtype == Dtype::f32 ? add(index, floats, {}, threads) : add(index, bytes, {}, threads);
            return trial::digest(index);
        };
        const auto alone = built(1);

        for (const std::size_t threads : {2U, 3U, 5U}) CHECK(built(threads) == alone);
    }
}

TEST_CASE("memory is counted and forecast alike, and the graph's shape adds up") {
    constexpr std::size_t kCount = 3'000;
    const Options options = trial::options_with(16, Metric::cosine);
    const auto index = trial::index_of_vectors(options, trial::drawn_floats(kCount * 16, 7));

    const Memory memory = index->memory();
    const Memory forecast = plan_memory(options, kCount);
    CHECK(memory.vectors == kCount * 64);
    CHECK(memory.vectors == forecast.vectors);
    CHECK(memory.links == kCount * 64);
    CHECK(memory.links == forecast.links);
    CHECK(memory.factors == kCount * 4);
    CHECK(memory.ids == forecast.ids);
    // Levels are drawn: the forecast expects their mean.
    CHECK(memory.upper_links <= forecast.upper_links * 11 / 10);
    CHECK(forecast.upper_links <= memory.upper_links * 11 / 10);

    index->remove(Ids{1, 2, 3});
    const GraphShape shape = index->graph_shape();
    CHECK(shape.size == kCount - 3);
    CHECK(shape.removed == 3);
    REQUIRE(shape.level_counts.size() == static_cast<std::size_t>(shape.top_level) + 1);
    CHECK(shape.level_counts.front() == kCount);
    CHECK(shape.level_counts.back() >= 1);
    CHECK(std::is_sorted(shape.level_counts.rbegin(), shape.level_counts.rend()));
    CHECK(shape.mean_degree >= 4);
    CHECK(shape.mean_degree <= 16);
}

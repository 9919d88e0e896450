// What a search answers, through the public door.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::ask;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
using Neighbors = std::vector<std::pair<float, std::int64_t>>;

// The k nearest under l2, by sorting all. Whole numbers, so that every distance is exact and many are equal.
Neighbors nearest_by_sorting(const std::vector<float>& vectors, const std::vector<std::int64_t>& ids,
                             const float* query, std::size_t dim, std::size_t k) {
    Neighbors all;
    for (std::size_t row = 0; row < ids.size(); ++row) {
        float sum = 0;
        for (std::size_t i = 0; i < dim; ++i) {
            const float difference = vectors[row * dim + i] - query[i];
            sum += difference * difference;
        }
        all.emplace_back(sum, ids[row]);
    }
    std::sort(all.begin(), all.end());
    all.resize(std::min(k, all.size()));
    return all;
}

// Numbers in no order.
std::vector<std::int64_t> shuffled_ids(std::size_t n) {
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < n; ++i) ids.push_back(static_cast<std::int64_t>((i * 7'919) % 100'003));
    return ids;
}

}  // namespace

TEST_CASE("a search on an empty index returns no neighbors") {
    const Index index(trial::options_with(4));
    const std::vector<float> queries(3 * 4, 1.0F);
    for (const bool exact : {false, true}) {
        const auto found = ask(index, queries, {.k = 5, .exact = exact});

        CHECK(found.counts == std::vector<std::int64_t>(3, 0));
        CHECK(found.ids == std::vector<std::int64_t>(15, -1));
        CHECK(found.distances == std::vector<float>(15, kInfinity));
    }
}

TEST_CASE("a search for no queries is answered with nothing") {
    const auto index = trial::index_of_vectors(trial::options_with(2), std::vector<float>{1, 2});

    const auto found = ask(*index, std::vector<float>{});

    CHECK(found.ids.empty());
}

TEST_CASE("rows are padded when there are fewer vectors than neighbors asked for") {
    const auto index = trial::index_of_vectors(trial::options_with(1), std::vector<float>{3, 1, 2});
    for (const bool exact : {false, true}) {
        const auto found = ask(*index, std::vector<float>{0, 9}, {.k = 5, .exact = exact});

        CHECK(found.counts == std::vector<std::int64_t>{3, 3});
        CHECK(found.ids == std::vector<std::int64_t>{1, 2, 0, -1, -1, 0, 2, 1, -1, -1});
        CHECK(found.distances == std::vector<float>{1, 4, 9, kInfinity, kInfinity, 36, 49, 64, kInfinity, kInfinity});
    }
}

TEST_CASE("a beam narrower than the number of neighbors is widened") {
    const std::vector<float> vectors = trial::drawn_floats(1'000 * 4, 1);
    const auto index = trial::index_of_vectors(trial::options_with(4), vectors);
    const std::vector<float> queries = trial::drawn_floats(20 * 4, 2);

    const auto narrow = ask(*index, queries, {.k = 50, .ef = 1});
    const auto wide = ask(*index, queries, {.k = 50, .ef = 50});

    CHECK(narrow == wide);
    CHECK(narrow.counts == std::vector<std::int64_t>(20, 50));
    CHECK(narrow.work.front().effort == 50);
}

TEST_CASE("the beam that is used when nothing is said is 64 wide, or twice as wide as there are neighbors") {
    const auto index = trial::index_of_vectors(trial::options_with(4), trial::drawn_floats(1'000 * 4, 1));
    const std::vector<float> query(4, 0.0F);

    CHECK(ask(*index, query, {.k = 10}).work.front().effort == 64);
    CHECK(ask(*index, query, {.k = 50}).work.front().effort == 100);
    CHECK(ask(*index, query, {.k = 10, .ef = 17}).work.front().effort == 17);
}

TEST_CASE("exact search is what sorting all distances gives, ties by id included where k cuts through them") {
    for (const std::size_t dim : {1U, 2U, 5U, 16U})
        for (const std::uint64_t seed : {1U, 2U, 3U}) {
            CAPTURE(dim);
            CAPTURE(seed);
            constexpr std::size_t kCount = 700;
            const std::vector<float> vectors = trial::drawn_whole<float>(kCount * dim, seed, 0, 3);
            const std::vector<std::int64_t> ids = shuffled_ids(kCount);
            const auto index = trial::index_of_vectors(trial::options_with(dim), vectors, ids);
            const std::vector<float> queries = trial::drawn_whole<float>(40 * dim, seed + 100, 0, 3);

            for (const std::size_t k : {1U, 7U, 64U, 700U}) {
                CAPTURE(k);
                const auto found = ask(*index, queries, {.k = k, .exact = true, .threads = 2});
                for (std::size_t query = 0; query < 40; ++query)
                    REQUIRE(found.of(query) == nearest_by_sorting(vectors, ids, queries.data() + query * dim, dim, k));
            }
        }
}

TEST_CASE("exact search leaves out what was removed") {
    constexpr std::size_t kCount = 500;
    const std::vector<float> vectors = trial::drawn_whole<float>(kCount * 3, 4, 0, 3);
    const std::vector<std::int64_t> ids = shuffled_ids(kCount);
    const auto index = trial::index_of_vectors(trial::options_with(3), vectors, ids);
    std::vector<float> left;
    std::vector<std::int64_t> left_ids;
    std::vector<std::int64_t> gone;
    for (std::size_t row = 0; row < kCount; ++row) {
        if (row % 3 == 0) {
            gone.push_back(ids[row]);
            continue;
        }
        left.insert(left.end(), vectors.begin() + static_cast<std::ptrdiff_t>(row * 3),
                    vectors.begin() + static_cast<std::ptrdiff_t>(row * 3 + 3));
        left_ids.push_back(ids[row]);
    }

    index->remove(gone);

    const std::vector<float> query{1, 2, 3};
    CHECK(ask(*index, query, {.k = 25, .exact = true}).of(0) ==
          nearest_by_sorting(left, left_ids, query.data(), 3, 25));
}

TEST_CASE("exact search without an index answers as one with an index does") {
    const std::vector<float> vectors = trial::drawn_whole<float>(300 * 4, 5, 0, 3);
    const std::vector<float> queries = trial::drawn_whole<float>(33 * 4, 6, 1, 3);
    for (const Metric metric : {Metric::l2, Metric::ip}) {
        CAPTURE(name_of(metric));
        const Options options = trial::options_with(4, metric);
        const auto index = trial::index_of_vectors(options, vectors);
        const auto expected = ask(*index, queries, {.k = 12, .exact = true});

        auto found = expected;
        std::fill(found.ids.begin(), found.ids.end(), 77);
        Watch nobody;
        exact_search(options, {trial::bytes_of(vectors), 300}, {trial::bytes_of(queries), 33},
                     {.k = 12, .exact = true, .threads = 2}, {found.ids, found.distances, found.counts, {}}, nobody);

        CHECK(found == expected);
    }
}

TEST_CASE("answers of the graph are ordered by distance and id, are true distances and name nobody twice") {
    const std::vector<float> vectors = trial::drawn_whole<float>(2'000 * 4, 7, 0, 4);
    const std::vector<std::int64_t> ids = shuffled_ids(2'000);
    const auto index = trial::index_of_vectors(trial::options_with(4), vectors, ids);
    const std::vector<float> queries = trial::drawn_whole<float>(100 * 4, 8, 0, 4);

    const auto found = ask(*index, queries, {.k = 20, .ef = 40});

    for (std::size_t query = 0; query < 100; ++query) {
        const Neighbors neighbors = found.of(query);
        const Neighbors all = nearest_by_sorting(vectors, ids, queries.data() + query * 4, 4, 2'000);
        const std::set<std::pair<float, std::int64_t>> known(all.begin(), all.end());
        std::set<std::int64_t> named;
        REQUIRE(neighbors.size() == 20);
        REQUIRE(std::is_sorted(neighbors.begin(), neighbors.end()));
        for (const auto& neighbor : neighbors) {
            REQUIRE(known.contains(neighbor));
            REQUIRE(named.insert(neighbor.second).second);
        }
    }
}

TEST_CASE("answers do not depend on the number of threads nor on the company of a query") {
    for (const std::size_t dim : {16U, 48U}) {  // walked on the vectors, and on codes
        const auto index = trial::index_of_vectors(trial::options_with(dim), trial::drawn_floats(1'500 * dim, 9));
        const std::vector<float> queries = trial::drawn_floats(50 * dim, 10);

        const auto alone = ask(*index, queries, {.k = 10});

        for (const std::size_t threads : {0U, 2U, 5U})
            CHECK(ask(*index, queries, {.k = 10, .threads = threads}) == alone);
        for (std::size_t query = 0; query < 50; ++query) {
            const auto begin = queries.begin() + static_cast<std::ptrdiff_t>(query * dim);
            const std::vector<float> single(begin, begin + static_cast<std::ptrdiff_t>(dim));
            REQUIRE(ask(*index, single, {.k = 10}).of(0) == alone.of(query));
        }
    }
}

TEST_CASE("a search of width 100 finds 95 of 100 nearest neighbors under every metric and type") {
    struct Kind {
        Metric metric;
        Dtype dtype;
    };
    for (const Kind kind :
         {Kind{Metric::l2, Dtype::f32}, Kind{Metric::ip, Dtype::f32}, Kind{Metric::cosine, Dtype::f32},
          Kind{Metric::l2, Dtype::f16}, Kind{Metric::cosine, Dtype::bf16}}) {
        CAPTURE(name_of(kind.metric));
        CAPTURE(name_of(kind.dtype));
        constexpr std::size_t kDim = 16;
        const auto index = trial::index_of_vectors(trial::options_with(kDim, kind.metric, kind.dtype),
                                                   trial::drawn_floats(2'000 * kDim, 11));
        const std::vector<float> queries = trial::drawn_floats(100 * kDim, 12);

        const auto found = ask(*index, queries, {.k = 10, .ef = 100});
        const auto truth = ask(*index, queries, {.k = 10, .exact = true});

        std::size_t hits = 0;
        for (std::size_t i = 0; i < found.ids.size(); ++i) {
            const auto begin = truth.ids.begin() + static_cast<std::ptrdiff_t>(i - i % 10);
            hits += std::find(begin, begin + 10, found.ids[i]) != begin + 10 ? 1U : 0U;
        }
        CHECK(hits >= 950);
    }
}

TEST_CASE("exact search tells that it has compared every vector") {
    const auto index = trial::index_of_vectors(trial::options_with(4), trial::drawn_floats(300 * 4, 1));

    const auto found = ask(*index, std::vector<float>(8, 0.5F), {.k = 3, .exact = true});

    CHECK(found.work[0].distances == 300);
    CHECK(found.work[1].distances == 300);
    CHECK(found.work[0].hops == 0);
}

// Vectors that are there more than once: one node of the graph for all of them, and every one of them an answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::add;
using trial::ask;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kDim = 8;

// `distinct` vectors, then of each `again` copies, one round after the other.
std::vector<float> vectors_with_copies(std::size_t distinct, std::size_t again, std::uint64_t seed) {
    const std::vector<float> once = trial::drawn_floats(distinct * kDim, seed);
    std::vector<float> all;
    for (std::size_t round = 0; round <= again; ++round) all.insert(all.end(), once.begin(), once.end());
    return all;
}

std::vector<float> row_of(const std::vector<float>& vectors, std::size_t row) {
    const auto begin = vectors.begin() + static_cast<std::ptrdiff_t>(row * kDim);
    return {begin, begin + kDim};
}

Ids counting(std::size_t n) {
    Ids ids(n);
    std::iota(ids.begin(), ids.end(), 0);
    return ids;
}

}  // namespace

TEST_CASE("copies are no nodes, whether they come with what they copy or later, under every metric") {
    const auto bits = trial::drawn_whole<std::uint8_t>(100, 3, 0, 255);
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
        CAPTURE(name_of(metric));
        Index index(trial::options_with(kDim, metric));
        add(index, vectors_with_copies(300, 1, 5));
        CHECK(index.graph_shape().copies == 300);
        add(index, vectors_with_copies(300, 0, 5));
        CHECK(index.graph_shape().copies == 600);
        CHECK(index.graph_shape().level_counts[0] == 300);
        CHECK(index.size() == 900);
    }
    const auto index = trial::index_of_vectors(trial::options_with(16, Metric::jaccard, Dtype::b1), bits);
    add(*index, bits);
    CHECK(index->graph_shape().copies >= 50);
}

TEST_CASE("of a thousand copies at one distance the smallest ids are reported") {
    constexpr std::size_t kCopies = 1'000;
    const std::vector<float> others = trial::drawn_floats(3'000 * kDim, 1);
    Index index(trial::options_with(kDim));
    add(index, others);
    const std::vector<float> one = row_of(others, 7);
    std::vector<float> copies;
    Ids ids;
    for (std::size_t i = 0; i < kCopies; ++i) {
        copies.insert(copies.end(), one.begin(), one.end());
        ids.push_back(static_cast<std::int64_t>(10'000 + i * 701 % kCopies));  // all of them, shuffled
    }
    add(index, copies, ids);

    const auto found = ask(index, one, {.k = 10, .ef = 20});

    Ids expected{7};
    for (std::int64_t id = 10'000; id < 10'009; ++id) expected.push_back(id);
    CHECK(found.ids == expected);
    CHECK(found.distances == std::vector<float>(10, 0.0F));
    CHECK(ask(index, one, {.k = 10, .exact = true}) == found);
    CHECK(ask(index, one, {.k = 1'200, .ef = 1'200}).of(0).at(1'000).second == 10'999);
}

TEST_CASE("a search counts nodes: copies take no place in its beam and cost no distance") {
    const std::vector<float> once = trial::drawn_floats(2'000 * kDim, 2);
    const std::vector<float> queries = trial::drawn_floats(50 * kDim, 3);
    const auto plain = trial::index_of_vectors(trial::options_with(kDim), once);
    const auto copied = trial::index_of_vectors(trial::options_with(kDim), once);
    for (int round = 0; round < 3; ++round) add(*copied, once);

    const auto without = ask(*plain, queries, {.k = 5, .ef = 10});
    const auto with = ask(*copied, queries, {.k = 20, .ef = 20});
    const auto narrow = ask(*copied, queries, {.k = 5, .ef = 10});

    for (std::size_t query = 0; query < 50; ++query) {
        CHECK(narrow.work[query].distances == without.work[query].distances);
        CHECK(narrow.work[query].hops == without.work[query].hops);
        CHECK(with.of(query).size() == 20);
    }
}

TEST_CASE("of copies any can be removed, the node among them, and the others are found") {
    const std::vector<float> vectors = vectors_with_copies(400, 3, 4);
    Index index(trial::options_with(kDim));
    add(index, vectors);

    Ids gone;
    for (std::int64_t i = 0; i < 400; ++i) gone.push_back(i + 400 * (i % 3));  // a third of the nodes, and copies
    index.remove(gone);

    const auto found = ask(index, vectors_with_copies(400, 0, 4), {.k = 3, .ef = 40});
    for (std::size_t query = 0; query < 400; ++query) {
        const auto hits = found.of(query);
        REQUIRE(hits.size() == 3);
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(hits[i].first == 0);
            CHECK(hits[i].second % 400 == static_cast<std::int64_t>(query));
        }
        CHECK(found.work[query].distances < 1'200);  // no scan
    }
    index.remove(Ids{1, 801, 1'201});
    CHECK(ask(index, row_of(vectors, 1), {.k = 1, .ef = 40}).distances[0] > 0);
    add(index, row_of(vectors, 1));
    CHECK(ask(index, row_of(vectors, 1), {.k = 1, .ef = 40}).ids == Ids{1'600});
    CHECK(index.graph_shape().copies == 400 * 3 - 2 * 133);  // those removed last leave with the next rows
}

TEST_CASE("an index with copies is the same for any number of threads, and after a load goes on as if it had stayed") {
    const std::vector<float> first = vectors_with_copies(500, 1, 5);
    const std::vector<float> second = vectors_with_copies(500, 2, 5);
    Index alone(trial::options_with(kDim)), together(trial::options_with(kDim));
    add(alone, first, {}, 1);
    add(together, first, {}, 3);
    CHECK(trial::digest(alone) == trial::digest(together));

    Watch nobody;
    const auto loaded = Index::from_bytes(alone.to_bytes(), nobody);
    CHECK(trial::digest(*loaded) == trial::digest(alone));
    add(*loaded, second);
    add(alone, second, {}, 2);

    CHECK(trial::digest(*loaded) == trial::digest(alone));
    CHECK(alone.graph_shape().copies == 2'000);
    const auto queries = trial::drawn_floats(20 * kDim, 6);
    CHECK(ask(*loaded, queries, {.k = 30, .ef = 30}) == ask(alone, queries, {.k = 30, .ef = 30}));
}

TEST_CASE("copies of an add that fails are taken back, and can be added after that") {
    const std::vector<float> vectors = vectors_with_copies(600, 0, 7);
    const auto index = trial::index_of_vectors(trial::options_with(kDim), vectors);
    const std::vector<float> more = vectors_with_copies(600, 4, 7);
    const auto before = trial::digest(*index);
    const auto found = ask(*index, vectors, {.k = 4, .ef = 10});

    for (int attempt = 0; attempt < 3; ++attempt) {
        Watch watch([](std::size_t done, std::size_t) -> bool { return done > 300 ? throw std::bad_alloc() : true; },
                    std::chrono::milliseconds(0));
        CHECK_THROWS_AS(index->add(trial::bytes_of(more), 3'000, {}, 2, watch), std::bad_alloc);
        CHECK(trial::digest(*index) == before);
        CHECK(ask(*index, vectors, {.k = 4, .ef = 10}) == found);
    }
    // Backwards: the slots that were taken back now hold copies of others.
    std::vector<float> backwards;
    for (std::size_t row = 3'000; row-- > 0;) {
        const std::vector<float> one = row_of(more, row);
        backwards.insert(backwards.end(), one.begin(), one.end());
    }
    add(*index, backwards);

    CHECK(index->graph_shape().copies == 3'000);
    CHECK(index->ids() == counting(3'600));
    const auto all = ask(*index, vectors, {.k = 6, .ef = 10});
    for (std::size_t query = 0; query < 600; ++query)
        for (const auto& [distance, id] : all.of(query)) {
            CHECK(distance == 0);
            CHECK(trial::get<float>(*index, {id}) == row_of(vectors, query));
        }
}

// What an index keeps beside its graph must go with it: through a load amid a pass, and between the batches of one
// call.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::add;
using trial::ask;
using trial::counting;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kDim = 8;
constexpr std::chrono::milliseconds kNoPause{0};

}  // namespace

TEST_CASE("a slot that a copy has left, with a load amid the pass, is no copy of that vector any more") {
    Watch nobody;
    auto vectors = trial::drawn_floats(1'500 * kDim, 41);
    for (std::size_t copy = 1; copy < 3; ++copy)
        std::copy_n(vectors.begin(), kDim, vectors.begin() + static_cast<std::ptrdiff_t>(copy * kDim));
    auto index = trial::index_of_vectors(trial::options_with(kDim), vectors);
    const std::vector<float> one(vectors.begin(), vectors.begin() + kDim), far(kDim, 50.0F);

    index->remove(Ids{1});
    REQUIRE(index->graph_shape().removed == 1);  // the pass has gone by the node, and is not over
    index = Index::from_bytes(index->to_bytes(), nobody);
    for (std::int64_t id = 500; index->graph_shape().vacant == 0; ++id) index->remove(Ids{id});
    add(*index, far, {9'999});

    const auto found = ask(*index, one, {.k = 3, .ef = 50});
    CHECK(found.ids[0] == 0);
    CHECK(found.ids[1] == 2);
    CHECK(found.distances[2] > 0);
    CHECK(ask(*index, one, {.k = 3, .exact = true}) == found);
    CHECK(ask(*index, far, {.k = 1, .ef = 50}).ids[0] == 9'999);
}

TEST_CASE("a set of ids that was asked for between two batches of a call knows the later ones too") {
    Index index(trial::options_with(kDim));
    add(index, trial::drawn_floats(1'000 * kDim, 42));
    index.remove(counting(0, 500));
    REQUIRE(index.graph_shape().vacant == 500);
    const auto vectors = trial::drawn_floats(400 * kDim, 43);
    const std::vector<float> query(kDim, 0.5F);
    const IdSet set(counting(2'000, 400));
    const Filter filter{&set, {}};
    const auto known = [&] {
        return static_cast<std::size_t>(
            ask(index, query, {.k = 400, .exact = true, .filters = std::span(&filter, 1)}).counts[0]);
    };

    Watch watch([&](std::size_t, std::size_t) { return known() <= 400; }, kNoPause);
    const Added added = index.add(trial::bytes_of(vectors), 400, counting(2'000, 400), 1, watch);

    CHECK(added.complete);
    CHECK(known() == 400);
}

TEST_CASE("a mask that was asked for between two batches of an update admits by the rows of its moment") {
    Index index(trial::options_with(kDim));
    add(index, trial::drawn_floats(1'000 * kDim, 44));
    index.remove(counting(0, 500));
    REQUIRE(index.graph_shape().vacant == 500);
    const auto vectors = trial::drawn_floats(400 * kDim, 45);
    const std::vector<float> query(kDim, 0.5F);
    const std::vector<std::uint8_t> mask(500, 1);
    const Filter filter{nullptr, mask};
    const auto found = [&] { return ask(index, query, {.k = 500, .exact = true, .filters = std::span(&filter, 1)}); };

    Watch watch([&](std::size_t, std::size_t) { return found().counts[0] == 500; }, kNoPause);
    const Ids ids = counting(500, 400);
    const Added added = index.update({trial::bytes_of(vectors), 400, ids}, 1, watch);

    CHECK(added.complete);
    CHECK(found() == ask(index, query, {.k = 500, .exact = true}));
}

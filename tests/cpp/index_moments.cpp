// What an index keeps beside its graph must go with it: through a load amid a pass, between the batches of one call,
// and where a call is stopped or fails.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
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
constexpr std::chrono::milliseconds kNoPause{0};

Ids counting(std::int64_t first, std::size_t n) {
    Ids ids(n);
    std::iota(ids.begin(), ids.end(), first);
    return ids;
}

std::size_t unreachable_in(const Index& index) {
    Watch nobody;
    return index.health(nobody).unreachable;
}

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

TEST_CASE("a pass that is stopped at any look leaves nothing unreachable once it has ended") {
    Watch nobody;
    Options options = trial::options_with(kDim);
    options.M = 2;
    Index full(options);
    add(full, trial::drawn_floats(600 * kDim, 46));
    const auto bytes = full.to_bytes();
    std::size_t stops = 0;

    for (bool stopped = true; stopped; ++stops) {
        INFO("look " << stops);
        const auto index = Index::from_bytes(bytes, nobody);
        std::size_t looks = 0;
        Watch watch([&](std::size_t, std::size_t) { return looks++ < stops; }, kNoPause);
        index->remove(counting(0, 400), 1, watch);
        stopped = watch.stopped();
        CHECK(index->size() == 200);
        CHECK(Index::from_bytes(index->to_bytes(), nobody)->ids() == index->ids());
        index->compact(1, nobody);
        CHECK(unreachable_in(*index) == 0);
    }

    CHECK(stops > 3);
}

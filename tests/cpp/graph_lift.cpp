// Graphs under inner product whose vectors differ in length: how high the lift goes, and what it is good for.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "graph_grown.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 16;
const Space kSpace(Metric::ip, Dtype::f32, kDim);

// Vectors of lengths 1 to n, in one direction.
std::vector<float> of_lengths_up_to(std::size_t n) {
    std::vector<float> vectors(n * kDim, 0);
    for (std::size_t i = 0; i < n; ++i) vectors[i * kDim] = static_cast<float>(i + 1);
    return vectors;
}

// Scattered around a corner, as embeddings are, with lengths that differ by a factor of e^3.
std::vector<float> of_uneven_lengths(std::size_t n, std::uint64_t seed) {
    std::vector<float> vectors = trial::drawn_floats(n * kDim, seed);
    const std::vector<float> lengths = trial::drawn_floats(n, seed + 1);
    for (std::size_t i = 0; i < n * kDim; ++i) vectors[i] = (vectors[i] + 0.5F) * std::exp(1.5F * lengths[i / kDim]);
    return vectors;
}

Graph grown_with(GraphOptions::Lift lift, const std::vector<float>& vectors) {
    GraphOptions options;
    options.M = 8;
    options.ef_construction = 60;
    options.lift = lift;
    return trial::grown(kSpace, options, vectors, 2);
}

}  // namespace

TEST_CASE("the ceiling is above nine tenths of the rows there were at the last power of two") {
    const Graph graph = grown_with(GraphOptions::Lift::automatic, of_lengths_up_to(1'100));

    // The batch that passed 1 024 brought the number of rows to somewhere between.
    const double ceiling = std::sqrt(graph.norms.ceiling);
    CHECK(ceiling >= 0.9 * 1'024 - 1);
    CHECK(ceiling <= 0.9 * 1'100 + 1);
    CHECK(graph.norms.longest == 1'100);
    CHECK(graph.norms.shortest == 1);
    for (std::uint32_t slot = 0; slot < graph.view.count; ++slot)
        REQUIRE(graph.view.factor(Slot{slot}) == kSpace.height(graph.view.vector(Slot{slot}), graph.norms.ceiling));
    CHECK(graph.view.factor(Slot{1'099}) == 0);
    CHECK(graph.view.factor(Slot{0}) > 900);
}

TEST_CASE("the ceiling rises when a later batch is longer, without waiting for the next power of two") {
    Graph graph = grown_with(GraphOptions::Lift::automatic, trial::drawn_floats(1'200 * kDim, 4));
    const double before = graph.norms.ceiling;
    std::vector<float> longer = trial::drawn_floats(600 * kDim, 5);
    for (float& value : longer) value *= 10;

    trial::grow(graph, trial::bytes_of(longer), 600, 2);

    CHECK(graph.view.count < 2'048);
    CHECK(graph.norms.ceiling > 10 * before);
    for (std::uint32_t slot = 0; slot < graph.view.count; ++slot)
        REQUIRE(graph.view.factor(Slot{slot}) == kSpace.height(graph.view.vector(Slot{slot}), graph.norms.ceiling));
}

TEST_CASE("a graph is lifted by itself when lengths differ by more than a tenth, and never when that is off") {
    const std::vector<float> even = of_lengths_up_to(1);
    const std::vector<float> uneven = of_lengths_up_to(5);

    CHECK_FALSE(grown_with(GraphOptions::Lift::automatic, even).lifted());
    CHECK(grown_with(GraphOptions::Lift::automatic, uneven).lifted());
    CHECK(grown_with(GraphOptions::Lift::on, even).lifted());
    CHECK_FALSE(grown_with(GraphOptions::Lift::off, uneven).lifted());
}

TEST_CASE("short vectors are reached under a lift, and without one most are not") {
    constexpr std::size_t kCount = 4'000;
    const std::vector<float> vectors = of_uneven_lengths(kCount, 3);

    CHECK(trial::unreachable(grown_with(GraphOptions::Lift::automatic, vectors).view) < kCount / 10);
    CHECK(trial::unreachable(grown_with(GraphOptions::Lift::off, vectors).view) > kCount / 2);
}

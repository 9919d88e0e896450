// What readers of an old View may still read while the writer's grows.
#include <cstddef>
#include <cstdint>

#include <doctest/doctest.h>

#include "codecs/space.hpp"
#include "graph/graph.hpp"
#include "graph/view.hpp"

namespace {

using namespace vicinal;

Watch nobody;

Graph graph_with_room(std::size_t slots, std::size_t upper_rows) {
    Graph graph(Space(Metric::cosine, Dtype::f32, 8), {});
    graph.view.reserve(slots, upper_rows, nobody);
    return graph;
}

}  // namespace

TEST_CASE("a view that grows leaves every table of the old one where it was") {
    Graph graph = graph_with_room(10, 3);
    graph.view.count = 10;
    graph.view.upper_count = 3;
    graph.view.factors.as<float>()[9] = 2.5F;
    const View old = graph.view;

    graph.view.reserve(1'000, 100, nobody);
    graph.view.factors.as<float>()[9] = 7.0F;

    CHECK(old.rows.capacity() == 10);
    CHECK(old.factor(Slot{9}) == 2.5F);
    CHECK(graph.view.factor(Slot{9}) == 7.0F);
}

TEST_CASE("when the rows move, so do all links, so that no fresh link is met beyond the end of the old rows") {
    // Room for many upper links and for few rows: only the rows have to grow.
    Graph graph = graph_with_room(10, 100);
    const View old = graph.view;

    graph.view.reserve(1'000, 100, nobody);

    CHECK(graph.view.rows.data() != old.rows.data());
    CHECK(graph.view.links.data() != old.links.data());
    CHECK(graph.view.upper_links.data() != old.upper_links.data());
}

TEST_CASE("a view that has room stays where it is") {
    Graph graph = graph_with_room(10, 100);
    const View old = graph.view;

    graph.view.reserve(10, 100, nobody);
    graph.view.reserve(3, 0, nobody);

    CHECK(graph.view.rows.data() == old.rows.data());
    CHECK(graph.view.upper_links.data() == old.upper_links.data());
}

TEST_CASE("a view grows by half at least, so that rows are seldom copied") {
    Graph graph = graph_with_room(1'000, 100);

    graph.view.reserve(1'001, 101, nobody);

    CHECK(graph.view.rows.capacity() == 1'500);
    CHECK(graph.view.upper_links.capacity() == 150);
}

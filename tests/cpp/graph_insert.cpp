// The graph that insertion makes: the same however many threads made it, sound, and good to search.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "graph/insert.hpp"
#include "graph/levels.hpp"
#include "graph/scratch.hpp"
#include "graph/search.hpp"
#include "graph_grown.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 16;
const Space kPlain(Metric::l2, Dtype::f32, kDim);

GraphOptions options_with(std::size_t M, std::size_t ef_construction, std::uint64_t seed = 0) {
    GraphOptions options;
    options.M = M;
    options.ef_construction = ef_construction;
    options.seed = seed;
    return options;
}

// The share of the ten nearest that a search of width 100 finds, against a beam that meets everything.
double recall_of(const Graph& graph, std::size_t n_queries, std::uint64_t seed) {
    constexpr std::size_t kNeighbors = 10;
    const std::vector<float> queries = trial::drawn_floats(n_queries * kDim, seed);
    std::vector<std::int64_t> found(kNeighbors);
    std::vector<std::int64_t> truth(kNeighbors);
    std::vector<float> distances(kNeighbors);
    std::size_t hits = 0;
    Search search(graph.view, graph.space, scratch_of_this_thread());
    for (std::size_t query = 0; query < n_queries; ++query) {
        const auto* given = reinterpret_cast<const std::byte*>(queries.data() + query * kDim);
        search.answer(given, {kNeighbors, 100}, {found.data(), distances.data()});
        search.answer(given, {kNeighbors, graph.view.count}, {truth.data(), distances.data()});
        for (const std::int64_t id : truth) hits += std::count(found.begin(), found.end(), id) > 0 ? 1U : 0U;
    }
    return static_cast<double>(hits) / static_cast<double>(n_queries * kNeighbors);
}

}  // namespace

TEST_CASE("the graph is the same, row by row, for any number of threads") {
    struct Kind {
        Metric metric;
        Dtype dtype;
    };
    for (const Kind kind :
         {Kind{Metric::l2, Dtype::f32}, Kind{Metric::ip, Dtype::f32}, Kind{Metric::cosine, Dtype::f16}}) {
        CAPTURE(name_of(kind.metric));
        const Space space(kind.metric, kind.dtype, kDim);
        const std::vector<float> vectors = trial::drawn_floats(1'500 * kDim, 5);
        const Graph alone = trial::grown(space, options_with(6, 40), vectors, 1);

        for (const std::size_t threads : {2U, 3U, 5U}) {
            CAPTURE(threads);
            const Graph together = trial::grown(space, options_with(6, 40), vectors, threads);
            CHECK(trial::difference(alone.view, together.view) == "");
        }
    }
}

TEST_CASE("another seed makes another graph") {
    const std::vector<float> vectors = trial::drawn_floats(300 * kDim, 5);

    const Graph one = trial::grown(kPlain, options_with(6, 40, 1), vectors, 1);
    const Graph other = trial::grown(kPlain, options_with(6, 40, 2), vectors, 1);

    CHECK(trial::difference(one.view, other.view) != "");
}

TEST_CASE("rows of links hold no more than fits, nobody twice, not the node itself and nobody below the level") {
    for (const std::size_t M : {2U, 3U, 5U, 16U})
        for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
            CAPTURE(M);
            CAPTURE(name_of(metric));
            const std::vector<float> vectors = trial::drawn_floats(1'200 * kDim, M);

            const Graph graph = trial::grown(Space(metric, Dtype::f32, kDim), options_with(M, 30), vectors, 2);

            CHECK(graph.view.count == 1'200);
            CHECK(trial::fault_in_links(graph.view) == "");
        }
}

TEST_CASE("a row on level 0 that was full stays full, also where nodes enter one by one") {
    constexpr std::uint32_t kCount = 1'500;
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 6);
    Graph graph(kPlain, options_with(6, 40));
    std::vector<bool> was_full(kCount, false);

    for (std::uint32_t added = 0; added < kCount;) {
        const std::uint32_t n = added < 1'000 ? 50 : 1;
        trial::grow(graph, reinterpret_cast<const std::byte*>(vectors.data() + added * kDim), n, 1);
        added += n;
        for (std::uint32_t slot = 0; slot < added; ++slot) {
            const bool full = graph.view.links_of(Slot{slot}, 0).degree() == graph.view.width;
            REQUIRE((full || !was_full[slot]));
            was_full[slot] = full;
        }
    }

    CHECK(std::count(was_full.begin(), was_full.end(), true) > kCount / 2);
}

TEST_CASE("levels are those that are drawn for the insertion, and the entry is the first of the highest") {
    const std::vector<float> vectors = trial::drawn_floats(1'000 * kDim, 8);

    const Graph graph = trial::grown(kPlain, options_with(4, 30, 77), vectors, 2);

    Level highest = -1;
    std::uint32_t entry = 0;
    std::uint32_t upper = 0;
    for (std::uint32_t slot = 0; slot < graph.view.count; ++slot) {
        const Level level = graph.view.level(Slot{slot});
        REQUIRE(level == draw_level(77, slot, 4));
        upper += static_cast<std::uint32_t>(level);
        if (level > highest) {
            highest = level;
            entry = slot;
        }
    }
    CHECK(graph.view.top == highest);
    CHECK(index_of(graph.view.entry) == entry);
    CHECK(graph.view.upper_count == upper);
    CHECK(graph.insertions == 1'000);
}

TEST_CASE("every node of random data is reached from the entry") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        const std::vector<float> vectors = trial::drawn_floats(2'000 * kDim, seed);

        const Graph graph = trial::grown(kPlain, options_with(8, 60, seed), vectors, 2);

        CHECK(trial::unreachable(graph.view) == 0);
    }
}

TEST_CASE("a search of width 100 finds 95 of 100 nearest neighbors in 16 dimensions") {
    const std::vector<float> vectors = trial::drawn_floats(3'000 * kDim, 21);

    const Graph graph = trial::grown(kPlain, options_with(16, 100), vectors, 2);

    CHECK(recall_of(graph, 200, 22) >= 0.95);
}

TEST_CASE("vectors that are added one by one are found as well as those that are added at once") {
    constexpr std::size_t kCount = 2'000;
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 33);
    const GraphOptions options = options_with(6, 60);

    const Graph at_once = trial::grown(kPlain, options, vectors, 2);
    Graph one_by_one(kPlain, options);
    for (std::size_t i = 0; i < kCount; ++i)
        trial::grow(one_by_one, reinterpret_cast<const std::byte*>(vectors.data() + i * kDim), 1, 1);

    CHECK(trial::fault_in_links(one_by_one.view) == "");
    CHECK(recall_of(at_once, 200, 34) >= recall_of(one_by_one, 200, 34) - 0.01);
}

TEST_CASE("nodes enter one by one at first and never more than 128 at once") {
    CHECK(batch_size(0, 1'000) == 1);
    CHECK(batch_size(1, 1'000) == 1);
    CHECK(batch_size(15, 1'000) == 1);
    for (const std::size_t linked : {16U, 100U, 1'000U, 1'000'000U})
        for (const std::size_t waiting : {1U, 2U, 50U, 100'000U}) {
            CAPTURE(linked);
            CAPTURE(waiting);
            CHECK(batch_size(linked, waiting) >= 1);
            CHECK(batch_size(linked, waiting) <= std::min<std::size_t>(waiting, 128));
            CHECK(batch_size(linked, waiting) <= std::max<std::size_t>(linked / 8, 1));
        }
}

TEST_CASE("a batch that is stopped before links change is not in the graph, and entering it later gives the same") {
    const std::vector<float> vectors = trial::drawn_floats(400 * kDim, 3);
    const auto* const rows = trial::bytes_of(vectors);
    const auto* const later_rows = rows + 300 * kPlain.given_row_bytes();
    Graph undisturbed(kPlain, options_with(5, 30));
    Graph graph(kPlain, options_with(5, 30));
    trial::grow(undisturbed, rows, 300, 1);
    trial::grow(graph, rows, 300, 1);

    Team team(2);
    Watch nobody;
    Watch watch([](std::size_t, std::size_t) { return false; });
    watch.report(0, 0);
    graph.view.reserve(400, graph.view.upper_count + upper_rows_needed(graph, 100), nobody);
    Undo undo(graph);
    const std::vector<std::uint32_t> slots = next_slots(graph.view, 20);
    store_batch(graph, {rows, graph.space.given_row_bytes()}, std::vector<Id>(20, Id{999}), slots, {team, nobody});
    CHECK_FALSE(link_batch(graph, slots, undo, {team, watch}, {}));

    CHECK(trial::difference(undisturbed.view, graph.view) == "");
    CHECK(graph.insertions == 300);
    CHECK(trial::fault_in_links(graph.view) == "");
    trial::grow(undisturbed, later_rows, 100, 1);
    trial::grow(graph, later_rows, 100, 2);
    CHECK(trial::difference(undisturbed.view, graph.view) == "");
}

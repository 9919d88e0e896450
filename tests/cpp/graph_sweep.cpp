// What was removed leaves the graph, row by row.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "graph/reconnect.hpp"
#include "graph/sweep.hpp"
#include "graph_grown.hpp"

namespace {

using namespace vicinal;
using Slots = std::vector<std::uint32_t>;

constexpr std::size_t kDim = 6;

GraphOptions options() { return {.M = 6, .ef_construction = 40, .seed = 3}; }

Graph grown(std::size_t n, std::size_t threads = 1) {
    return trial::grown(Space(Metric::l2, Dtype::f32, kDim), options(), trial::drawn_floats(n * kDim, 8), threads);
}

Slots every(std::uint32_t step, std::uint32_t first, std::uint32_t end) {
    Slots slots;
    for (std::uint32_t slot = first; slot < end; slot += step) slots.push_back(slot);
    return slots;
}

void sweep_all(Graph& graph, std::size_t threads = 1) {
    Team team(threads);
    Watch nobody;
    while (!swept(graph)) sweep_some(graph, 100, {team, nobody});
    end_sweep(graph);
}

std::size_t links_to(const Graph& graph, const SlotSet& slots) {
    const View& view = graph.view;
    std::size_t links = 0;
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        for (Level level = 0; view.holds(Slot{slot}) && level <= view.level(Slot{slot}); ++level)
            for (const std::uint32_t to : trial::links_of(view, slot, level)) links += slots.contains(to) ? 1U : 0U;
    return links;
}

}  // namespace

TEST_CASE("after a pass nobody leads to what was removed, and its slots are vacant") {
    Graph graph = grown(1'500);
    const Slots removed = every(3, 0, 1'500);
    graph.view.gone = graph.view.gone.with(removed);
    REQUIRE(links_to(graph, graph.view.gone) > 1'000);

    REQUIRE(begin_sweep(graph));
    sweep_all(graph);

    CHECK(links_to(graph, graph.view.gone) == 0);
    CHECK(graph.view.vacant == graph.view.gone);
    CHECK(graph.view.nodes() == 1'000);
    CHECK(graph.view.removed() == 0);
    CHECK_FALSE(sweeping(graph));
    CHECK(trial::fault_in_links(graph.view).empty());
}

TEST_CASE("what is removed amid a pass waits for the next") {
    Graph graph = grown(600);
    Team team(1);
    Watch nobody;
    graph.view.gone = graph.view.gone.with(every(5, 0, 600));
    REQUIRE(begin_sweep(graph));
    sweep_some(graph, 200, {team, nobody});
    graph.view.gone = graph.view.gone.with(every(5, 1, 600));
    sweep_all(graph);

    CHECK(graph.view.vacant.size() == 120);
    CHECK(graph.view.removed() == 120);
    REQUIRE(begin_sweep(graph));
    sweep_all(graph);
    CHECK(graph.view.vacant.size() == 240);
    CHECK(trial::fault_in_links(graph.view).empty());
    CHECK_FALSE(begin_sweep(graph));
}

TEST_CASE("a pass gives the same rows for any number of threads and any size of its pieces") {
    Graph alone = grown(1'200), together = grown(1'200, 3);
    for (Graph* graph : {&alone, &together}) {
        graph->view.gone = graph->view.gone.with(every(4, 1, 1'200));
        REQUIRE(begin_sweep(*graph));
    }
    Team team(3);
    Watch nobody;
    while (!swept(together)) sweep_some(together, 100, {team, nobody});
    end_sweep(together);
    sweep_all(alone);

    CHECK(trial::difference(alone.view, together.view).empty());
}

TEST_CASE("the rows a pass writes are as good as full again, of neighbors that are near") {
    Graph graph = grown(1'500);
    graph.view.gone = graph.view.gone.with(every(2, 0, 1'500));
    begin_sweep(graph);
    sweep_all(graph);

    std::size_t full = 0;
    double swept_length = 0, fresh_length = 0;
    std::vector<float> kept;
    for (std::uint32_t slot = 1; slot < 1'500; slot += 2)
        for (std::size_t i = 0; i < kDim; ++i)
            kept.push_back(reinterpret_cast<const float*>(graph.view.vector(Slot{slot}))[i]);
    const Graph fresh = trial::grown(graph.space, options(), kept, 1);
    const auto length = [](const Graph& of, std::uint32_t slot) {
        std::vector<float> scratch;
        const Ground ground = of.build_ground();
        const Probe probe = ground.probe_of(Slot{slot}, scratch);
        double sum = 0;
        for (const std::uint32_t to : trial::links_of(of.view, slot, 0)) {
            Distance distance = 0;
            ground.measure(probe, &to, 1, &distance);
            sum += distance;
        }
        return sum;
    };
    for (std::uint32_t slot = 0; slot < 750; ++slot) {
        full += trial::links_of(graph.view, 2 * slot + 1, 0).size() == graph.view.width ? 1U : 0U;
        swept_length += length(graph, 2 * slot + 1);
        fresh_length += length(fresh, slot);
    }
    CHECK(full > 700);
    CHECK(swept_length < 1.4 * fresh_length);  // with links drawn at random, three times
}

TEST_CASE("new nodes choose no links to removed ones") {
    Graph graph = grown(800);
    const Slots removed = every(2, 0, 800);
    graph.view.gone = graph.view.gone.with(removed);
    const std::size_t before = links_to(graph, graph.view.gone);

    const auto more = trial::drawn_floats(300 * kDim, 9);
    trial::grow(graph, trial::bytes_of(more), 300, 1);

    CHECK(links_to(graph, SlotSet().with(removed)) <= before);
    for (std::uint32_t slot = 800; slot < 1'100; ++slot)
        for (const std::uint32_t to : trial::links_of(graph.view, slot, 0)) REQUIRE(graph.view.is_live(Slot{to}));
}

TEST_CASE("when the entry leaves, the first of the highest that stay is the entry") {
    Graph graph = grown(700);
    const Slot entry = graph.view.entry;
    graph.view.gone = graph.view.gone.with(Slots{index_of(entry)});
    REQUIRE(begin_sweep(graph));
    sweep_all(graph);

    const View& view = graph.view;
    CHECK(view.entry != entry);
    CHECK(view.is_live(view.entry));
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.holds(Slot{slot})) continue;
        CHECK(view.level(Slot{slot}) <= view.top);
        if (view.level(Slot{slot}) == view.top) CHECK(slot >= index_of(view.entry));
    }
}

TEST_CASE("the next rows take vacant slots, the lowest first, and their upper rows are used again") {
    Graph graph = grown(900);
    graph.view.gone = graph.view.gone.with(every(3, 0, 900));
    begin_sweep(graph);
    sweep_all(graph);
    const std::uint32_t upper = graph.view.upper_count;

    CHECK(next_slots(graph.view, 3) == Slots{0, 3, 6});
    CHECK(next_slots(graph.view, 301).back() == 900);
    const auto more = trial::drawn_floats(300 * kDim, 10);
    trial::grow(graph, trial::bytes_of(more), 300, 1);

    CHECK(graph.view.count == 900);
    CHECK(graph.view.gone.empty());
    CHECK(graph.view.upper_count < upper + 15);  // of 300 nodes some 50 have upper rows
    CHECK(trial::fault_in_links(graph.view).empty());
    Undo undo(graph);
    Watch nobody;
    reconnect(graph, undo, nobody);
    CHECK(trial::unreachable(graph.view) == 0);
}

TEST_CASE("of removed copies the chain is shortened, and a removed node stays for its live copies") {
    const std::vector<float> vectors = [] {
        std::vector<float> rows = trial::drawn_floats(200 * kDim, 11);
        const std::vector<float> again(rows.begin(), rows.begin() + 100 * kDim);
        rows.insert(rows.end(), again.begin(), again.end());
        rows.insert(rows.end(), again.begin(), again.end());
        return rows;
    }();
    Graph graph = trial::grown(Space(Metric::l2, Dtype::f32, kDim), options(), vectors, 1);
    REQUIRE(graph.view.copies == 200);
    // Node 0 goes, its copies stay; of node 1 one copy goes; of node 2 all go.
    graph.view.gone = graph.view.gone.with(Slots{0, 201, 2, 202, 302});
    REQUIRE(begin_sweep(graph));
    sweep_all(graph);

    const View& view = graph.view;
    const auto copies_of = [&](std::uint32_t node) {
        Slots copies;
        for_each_copy(view, Slot{node}, [&](std::uint32_t copy) { copies.push_back(copy); });
        std::sort(copies.begin(), copies.end());
        return copies;
    };
    CHECK(view.holds(Slot{0}));
    CHECK(copies_of(0) == Slots{200, 300});
    CHECK(copies_of(1) == Slots{301});
    CHECK_FALSE(view.holds(Slot{2}));
    CHECK(view.copies == 197);
    CHECK(view.vacant.size() == 4);
}

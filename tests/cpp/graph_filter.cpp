// What a filter admits, and how a search for it goes about it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "graph/admitted.hpp"
#include "graph/filter_plan.hpp"
#include "graph/gate.hpp"
#include "graph/visited.hpp"
#include "graph_grown.hpp"

namespace {

using namespace vicinal;

std::vector<std::uint32_t> listed(const Admitted& admitted, std::uint32_t from, std::uint32_t end, std::size_t room) {
    std::vector<std::uint32_t> all, some(room);
    while (from < end) {
        const std::size_t n = admitted.list(from, end, some);
        all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(n));
    }
    return all;
}

FilterPlan plan_for(double nodes, double share, double nearby) {
    return plan_filter({nodes, nodes * share, nearby, 64, 32, 128});
}

}  // namespace

TEST_CASE("admitted slots are listed as they were admitted, in any portions") {
    std::mt19937 random(5);
    for (const std::uint32_t slots : {1U, 63U, 64U, 65U, 1000U}) {
        CAPTURE(slots);
        Admitted admitted;
        admitted.reset(slots);
        std::vector<bool> expected(slots, false);
        for (std::uint32_t i = 0; i < slots / 3 + 1; ++i) {
            const auto slot = static_cast<std::uint32_t>(random() % slots);
            expected[slot] = true;
            admitted.admit(slot, slot);
        }

        for (const std::size_t room : {std::size_t{1}, std::size_t{7}, std::size_t{64}})
            for (const std::uint32_t from : {0U, slots / 2}) {
                std::vector<std::uint32_t> wanted;
                for (std::uint32_t slot = from; slot < slots; ++slot)
                    if (expected[slot]) wanted.push_back(slot);
                CHECK(listed(admitted, from, slots, room) == wanted);
            }
        CHECK(admitted.count() == std::count(expected.begin(), expected.end(), true));
        for (std::uint32_t slot = 0; slot < slots; ++slot) CHECK(admitted.admits(slot) == expected[slot]);
        CHECK_FALSE(admitted.admits(slots));
    }
}

TEST_CASE("more slots are not admitted until somebody admits them") {
    Admitted admitted;
    admitted.reset(10);
    admitted.admit(9, 9);
    admitted.extend(130);
    CHECK(admitted.count() == 1);
    CHECK(listed(admitted, 0, 130, 4) == std::vector<std::uint32_t>{9});
    admitted.admit(129, 129);
    CHECK(listed(admitted, 0, 130, 4) == std::vector<std::uint32_t>{9, 129});
}

TEST_CASE("a gate lets nobody through who is removed, not admitted, or newer than its View") {
    const Space space(Metric::l2, Dtype::f32, 2);
    Graph graph = trial::grown(space, {}, trial::drawn_whole<float>(2 * 10, 1, 0, 9), 1);
    View view = graph.view;
    Admitted admitted;
    admitted.reset(view.count);
    for (const std::uint32_t slot : {1U, 2U, 9U}) admitted.admit(slot, slot);
    view.gone = view.gone.with(std::vector<std::uint32_t>{2});
    view.count = 9;

    const Gate gate(view, &admitted);
    CHECK(gate.admits(1));
    CHECK_FALSE(gate.admits(2));
    CHECK_FALSE(gate.admits(3));
    CHECK_FALSE(gate.admits(9));
    CHECK(Gate(view).admits(3));
    CHECK_FALSE(Gate(view).admits(2));
}

TEST_CASE("of a row a gate picks those that it admits, by a copy too") {
    constexpr std::size_t kDim = 4, kRows = 400;  // of two values each: most are copies
    const Space space(Metric::l2, Dtype::f32, kDim);
    Graph graph = trial::grown(space, {}, trial::drawn_whole<float>(kDim * kRows, 3, 0, 2), 1);
    View& view = graph.view;
    REQUIRE(view.copies > kRows / 2);
    view.gone = view.gone.with(std::vector<std::uint32_t>{2, 30});
    Admitted admitted;
    admitted.reset(view.count);
    for (std::uint32_t slot = 0; slot < view.count; slot += 7) admit(view, Slot{slot}, admitted);

    std::size_t picked_by_copy = 0;
    for (const Gate gate : {Gate(view, &admitted), Gate(view)})
        for (std::uint32_t slot = 0; slot < view.count; ++slot) {
            std::vector<std::uint32_t> wanted, picked(view.width);
            for (const std::uint32_t node : trial::links_of(view, slot, 0)) {
                if (gate.admits(node)) wanted.push_back(node);
                picked_by_copy += gate.admits(node) && !gate.admits_slot(node) ? 1U : 0U;
            }
            picked.resize(gate.pick(view.links_of(Slot{slot}, 0), picked.data()));
            CHECK(picked == wanted);
        }
    CHECK(picked_by_copy > 0);
}

TEST_CASE("few are scanned, some are walked among, and where most are admitted all are walked through") {
    CHECK(plan_for(1e6, 0.001, 0.001).strategy == Strategy::scan);
    CHECK(plan_for(1e6, 0.05, 0.05).strategy == Strategy::among);
    CHECK(plan_for(1e6, 0.2, 0.2).strategy == Strategy::among);
    CHECK(plan_for(1e6, 0.9, 0.9).strategy == Strategy::through);
}

TEST_CASE("what lies around the query counts for more than the whole") {
    CHECK(plan_for(1e6, 0.2, 1.0).strategy == Strategy::through);
    const FilterPlan far = plan_for(1e6, 0.2, 0.01);
    CHECK(far.strategy == Strategy::among);
    CHECK(far.width == 192);
}

TEST_CASE("a walk through all is as much wider as it will lose to the filter") {
    CHECK(plan_for(1e6, 1.0, 1.0).width == 71);
    CHECK(plan_for(1e6, 0.8, 0.8).width == 88);
}

TEST_CASE("among so few that two hops do not join them nobody walks") {
    CHECK(plan_for(1e9, 0.01, 0.01).strategy != Strategy::among);
    CHECK(plan_for(1e9, 0.03, 0.03).strategy == Strategy::among);
}

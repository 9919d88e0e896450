// What can be reached, and how what cannot is linked again.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "graph/reconnect.hpp"
#include "graph_grown.hpp"
#include "index_asked.hpp"
#include "persist_repair.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 8;

Graph grown(std::uint32_t count, std::size_t M = 4) {
    GraphOptions options;
    options.M = M;
    options.ef_construction = 40;
    return trial::grown(Space(Metric::l2, Dtype::f32, kDim), options, trial::drawn_floats(count * kDim, 5), 1);
}

// Nobody outside leads to slots [first, first + n) any more.
void cut_off(const Graph& graph, std::uint32_t first, std::uint32_t n) {
    const auto inside = [&](std::uint32_t slot) { return slot >= first && slot < first + n; };
    for (std::uint32_t slot = 0; slot < graph.view.count; ++slot) {
        std::vector<std::uint32_t> kept = trial::links_of(graph.view, slot, 0);
        if (!inside(slot)) std::erase_if(kept, inside);
        graph.view.links_of(Slot{slot}, 0).write(kept);
    }
}

std::size_t mend(Graph& graph) {
    Undo undo(graph);
    Watch nobody;
    return reconnect(graph, undo, nobody);
}

}  // namespace

TEST_CASE("a graph in which everything is reached is left as it is") {
    Graph graph = grown(1'000);
    const Graph same = grown(1'000);
    REQUIRE(trial::unreachable(graph.view) == 0);

    CHECK(mend(graph) == 0);

    CHECK(trial::difference(graph.view, same.view) == "");
}

TEST_CASE("a node, and a group of nodes that know each other only, are linked again, and nobody is lost for it") {
    for (const std::uint32_t n : {1U, 3U, 60U, 400U}) {
        CAPTURE(n);
        Graph graph = grown(1'000);
        const std::uint32_t first = 1'000 - n;
        REQUIRE(index_of(graph.view.entry) < first);
        cut_off(graph, first, n);
        const std::size_t lost = trial::unreachable(graph.view);
        REQUIRE(lost >= n);

        CHECK(mend(graph) == lost);

        CHECK(trial::unreachable(graph.view) == 0);
        CHECK(trial::fault_in_links(graph.view) == "");
    }
}

TEST_CASE("nodes whose own links lead among themselves only are linked from what is found near them") {
    Graph graph = grown(1'000);
    cut_off(graph, 990, 10);
    for (std::uint32_t slot = 990; slot < 1'000; ++slot)
        graph.view.links_of(Slot{slot}, 0).write(std::array{slot == 999 ? 990U : slot + 1});

    CHECK(mend(graph) >= 10);

    CHECK(trial::unreachable(graph.view) == 0);
    // The ring got one link, from a neighbor of one of its nodes and not from anywhere.
    std::size_t into = 0;
    for (std::uint32_t slot = 0; slot < 990; ++slot)
        for (const std::uint32_t to : trial::links_of(graph.view, slot, 0)) into += to >= 990 ? 1U : 0U;
    CHECK(into == 1);
}

TEST_CASE("a graph without a link, and one whose rows are full of one another, become whole") {
    Graph bare = grown(300);
    for (std::uint32_t slot = 0; slot < 300; ++slot) bare.view.links_of(Slot{slot}, 0).write({});
    CHECK(mend(bare) == 299);
    CHECK(trial::unreachable(bare.view) == 0);

    Graph full = grown(300, 2);  // four lanes a row: the entry and the four beside it know one another only
    const std::uint32_t entry = index_of(full.view.entry);
    std::vector<std::uint32_t> clique;
    for (std::uint32_t i = 0; i < 5; ++i) clique.push_back((entry + i) % 300);
    for (const std::uint32_t one : clique) {
        std::vector<std::uint32_t> others = clique;
        std::erase(others, one);
        full.view.links_of(Slot{one}, 0).write(others);
    }
    CHECK(mend(full) == 295);
    CHECK(trial::unreachable(full.view) == 0);
    CHECK(trial::fault_in_links(full.view) == "");
}

TEST_CASE("a mending that is stopped is taken back whole") {
    Graph graph = grown(3'000);
    Graph before = grown(3'000);
    for (Graph* one : {&graph, &before}) {
        cut_off(*one, 2'500, 500);
        for (std::uint32_t slot = 2'500; slot < 3'000; ++slot) one->view.links_of(Slot{slot}, 0).write({});
    }
    std::size_t questions = 0, last = 0;
    const auto mend_until = [&](std::size_t stop) {
        questions = 0;
        last = stop;
        Undo undo(graph);
        Watch watch([&](std::size_t, std::size_t) { return ++questions != last; }, std::chrono::milliseconds(0));
        try {
            reconnect(graph, undo, watch);
        } catch (const Stopped&) {
            undo.take_back(graph);
        }
    };

    mend_until(100);  // while nodes are linked again
    CHECK(questions == 100);
    CHECK(trial::difference(graph.view, before.view) == "");
    mend_until(0);
    CHECK(questions > 100);
    CHECK(trial::unreachable(graph.view) == 0);
}

TEST_CASE("a graph is looked at after calls that add a share of it, and by the way of small ones, not at each") {
    CHECK_FALSE(reconnection_is_due(1'000, 1'000));
    CHECK(reconnection_is_due(0, 1));
    CHECK(reconnection_is_due(0, 1'000'000));
    CHECK(reconnection_is_due(100'000, 104'000));
    CHECK_FALSE(reconnection_is_due(100'000, 100'100));
    std::size_t looks = 0;
    for (std::uint32_t count = 100'000; count < 200'000; ++count)
        looks += reconnection_is_due(count, count + 1) ? 1U : 0U;
    CHECK(looks == 16);
}

TEST_CASE("a vector that is added alone is led to at once, also where its neighbors would not have it") {
    constexpr std::size_t kCount = 2'000, kAlone = 150;
    std::vector<float> vectors = trial::drawn_floats((kCount + kAlone) * kDim, 7);
    const std::vector<float> lengths = trial::drawn_floats(kCount + kAlone, 8);
    for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] *= std::exp(2 * lengths[i / kDim]);
    Options options = trial::options_with(kDim, Metric::ip);
    options.lift = Lift::off;
    Index index(options);
    Watch nobody;
    index.add(trial::bytes_of(vectors), kCount, {}, 1, nobody);

    for (std::size_t i = kCount; i < kCount + kAlone; ++i) {
        index.add(trial::bytes_of(vectors) + i * kDim * sizeof(float), 1, {}, 1, nobody);
        const auto in_degree = [&](std::size_t node) {
            std::size_t leading = 0;
            std::vector<testing::Piece> pieces = testing::take_apart(index.to_bytes());
            const testing::Bytes& links = testing::piece(pieces, format::kLinks);
            for (std::size_t lane = 0; lane < links.size() / 4; ++lane)
                leading += load_number<std::uint32_t>(links, lane * 4) == node && lane / 16 != node ? 1U : 0U;
            return leading;
        };
        REQUIRE(in_degree(i) >= 1);
    }
}

TEST_CASE("whatever is added at once can be reached, where copies, clumps, outliers and uneven lengths are") {
    const auto health_of = [](const Options& options, const std::vector<float>& vectors) {
        Watch nobody;
        return trial::index_of_vectors(options, vectors)->health(nobody);
    };
    std::vector<float> copies;
    const std::vector<float> five = trial::drawn_floats(5 * kDim, 1);
    for (int i = 0; i < 100; ++i) copies.insert(copies.end(), five.begin(), five.end());
    std::vector<float> clump = trial::drawn_floats(80 * kDim, 2);
    for (std::size_t i = 0; i < clump.size(); ++i) clump[i] *= i < 60 * kDim ? 0.001F : 1'000.0F;
    std::vector<float> outlier = trial::drawn_floats(101 * kDim, 3);
    std::fill_n(outlier.begin(), kDim, 1'000.0F);
    std::vector<float> uneven = trial::drawn_floats(6'000 * kDim, 4);
    const std::vector<float> lengths = trial::drawn_floats(6'000, 5);
    for (std::size_t i = 0; i < uneven.size(); ++i) uneven[i] *= std::exp(2 * lengths[i / kDim]);

    const Health of_copies = health_of(trial::options_with(kDim), copies);
    CHECK(of_copies.unreachable == 0);
    CHECK(of_copies.duplicates == 5);
    CHECK(of_copies.levels.at(0) <= 5);
    for (const auto& vectors : {clump, outlier}) {
        const Health health = health_of(trial::options_with(kDim), vectors);
        CHECK(health.unreachable == 0);
        CHECK(health.zero_in_degree == 0);
    }
    for (const Lift lift : {Lift::automatic, Lift::off}) {
        Options options = trial::options_with(kDim, Metric::ip);
        options.lift = lift;
        CHECK(health_of(options, uneven).unreachable == 0);
    }
}

TEST_CASE("an index that lost a node says so, and is well again after a repair") {
    Options options = trial::options_with(kDim);
    options.M = 4;
    const auto whole = trial::index_of_vectors(options, trial::drawn_floats(500 * kDim, 6));
    std::vector<testing::Piece> pieces = testing::take_apart(whole->to_bytes());
    const auto entry = load_number<std::uint32_t>(testing::piece(pieces, format::kSettings), format::kEntryAt);
    const std::uint32_t lost = entry == 250 ? 251 : 250;
    testing::Bytes& links = testing::piece(pieces, format::kLinks);
    constexpr std::size_t kLanes = 8;
    for (std::uint32_t slot = 0; slot < 500; ++slot) {
        std::vector<std::uint32_t> row;
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            row.push_back(load_number<std::uint32_t>(links, (slot * kLanes + lane) * 4));
        std::erase(row, lost);
        row.resize(kLanes, slot);
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            store_number<std::uint32_t>(
                links, (slot * kLanes + lane) * 4,
                slot == lost ? load_number<std::uint32_t>(links, (slot * kLanes + lane) * 4) : row[lane]);
    }
    Watch nobody;
    const auto index = testing::from_bytes(testing::put_together(pieces));
    REQUIRE(index->health(nobody).unreachable >= 1);
    REQUIRE(index->health(nobody).zero_in_degree >= 1);

    CHECK(index->repair(nobody) >= 1);

    CHECK(index->health(nobody).unreachable == 0);
    CHECK(index->health(nobody).zero_in_degree == 0);
    CHECK(index->repair(nobody) == 0);
    CHECK(testing::from_bytes(index->to_bytes())->to_bytes() == index->to_bytes());
}

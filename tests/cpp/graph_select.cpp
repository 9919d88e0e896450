// Which candidates become neighbors, on examples small enough to draw.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "codecs/space.hpp"
#include "graph/scratch.hpp"
#include "graph/search.hpp"
#include "graph/select.hpp"
#include "graph_grown.hpp"

namespace {

using namespace vicinal;
using Slots = std::vector<std::uint32_t>;

// Points in the plane. Slot 0 is the target, the others are its candidates.
class Plane {
public:
    explicit Plane(const std::vector<float>& coordinates, Metric metric = Metric::l2, const GraphOptions& options = {})
        : graph_(trial::grown(Space(metric, Dtype::f32, 2), options, coordinates, 1)) {}

    Slots choose(std::size_t most, std::size_t fill, float slack = 1) const {
        const View& view = graph_.view;
        const Ground ground = graph_.build_ground();
        std::vector<float> scratch;
        const Probe probe = ground.probe_of(Slot{0}, scratch);
        std::vector<Key> candidates;
        for (std::uint32_t slot = 1; slot < view.count; ++slot) {
            Distance distance = 0;
            ground.measure(probe, &slot, 1, &distance);
            candidates.emplace_back(distance, slot);
        }
        std::sort(candidates.begin(), candidates.end());
        SelectScratch select;
        Slots chosen;
        select_neighbors(ground, candidates, {most, fill, slack}, select, chosen);
        return chosen;
    }

private:
    Graph graph_;
};

//            3 (0, 2)
//
//  4 (-3, 0)     0 target    1 (1, 0)   2 (1.5, 0)
const std::vector<float> kCross{0, 0, 1, 0, 1.5F, 0, 0, 2, -3, 0};

}  // namespace

TEST_CASE("a candidate behind a neighbor is pruned and those in other directions are kept, nearest first") {
    CHECK(Plane(kCross).choose(4, 0) == Slots{1, 3, 4});
}

TEST_CASE("no more neighbors are chosen than there is room for") {
    CHECK(Plane(kCross).choose(2, 0) == Slots{1, 3});
    CHECK(Plane(kCross).choose(1, 1) == Slots{1});
}

TEST_CASE("room that is to be filled is filled with the nearest pruned, after those that were kept") {
    CHECK(Plane(kCross).choose(4, 4) == Slots{1, 3, 4, 2});
    CHECK(Plane(kCross).choose(4, 3) == Slots{1, 3, 4});

    // 2, 3 and 4 all stand behind 1.
    const std::vector<float> line{0, 0, 1, 0, 2, 0, 3, 0, 4, 0};
    CHECK(Plane(line).choose(4, 0) == Slots{1});
    CHECK(Plane(line).choose(4, 3) == Slots{1, 2, 3});
    CHECK(Plane(line).choose(4, 4) == Slots{1, 2, 3, 4});
}

TEST_CASE("a candidate as far from the target as from a neighbor is kept") {
    // The three stand on the corners of squares: 2 is 5 from both, squared.
    const std::vector<float> even{0, 0, 2, 0, 1, 2};

    CHECK(Plane(even).choose(4, 0) == Slots{1, 2});
}

TEST_CASE("with slack a neighbor must be closer by that factor to prune, and among inner products there is none") {
    // From 2 it is 4 to the target and 3.61 to the neighbor, squared; a tenth makes 3.97 of that, a fifth 4.33.
    const std::vector<float> nearly{0, 0, 1, 0, 0.695F, 1.875F};
    CHECK(Plane(nearly).choose(4, 0, 1.0F) == Slots{1});
    CHECK(Plane(nearly).choose(4, 0, 1.1F) == Slots{1});
    CHECK(Plane(nearly).choose(4, 0, 1.2F) == Slots{1, 2});

    // 1 - x.y is -8 from 2 to the target, -7 to the neighbor, and a fifth more of that would be -8.4.
    const std::vector<float> products{3, 0, 4, -4, 3, 1};
    GraphOptions raw;
    raw.lift = GraphOptions::Lift::off;
    CHECK(Plane(products, Metric::ip, raw).choose(4, 0, 1.2F) == Slots{1, 2});
}

TEST_CASE("a neighbor that is pruned itself prunes nobody") {
    // 1 prunes 2; 3 is nearer to 2 than to the target, but not to 1.
    const std::vector<float> chain{0, 0, 1, 0, 1.3F, 1, -0.2F, 1.9F};

    CHECK(Plane(chain).choose(4, 0) == Slots{1, 3});
}

TEST_CASE("of the copies of a neighbor a quarter of the row stays beside it, and none fills the room") {
    // 1, 2 and 3 are one point.
    const std::vector<float> copies{0, 0, 1, 0, 1, 0, 1, 0, -2, 0};

    CHECK(Plane(copies).choose(4, 0) == Slots{1, 2, 4});
    CHECK(Plane(copies).choose(4, 4) == Slots{1, 2, 4});
}

TEST_CASE("of the copies of the target itself a quarter of the row is kept beside the first, and keeps no others out") {
    const std::vector<float> copies{0, 0, 0, 0, 0, 0, 0, 0, -2, 0, 0, 2};

    CHECK(Plane(copies).choose(5, 5) == Slots{1, 2, 4, 5});
}

TEST_CASE("under cosine, copies are known as such although normalized rows are rounded") {
    const std::vector<float> copies{1, 3, 2, 6, 4, 12, 1, 3, 3, 1};

    CHECK(Plane(copies, Metric::cosine).choose(4, 4) == Slots{1, 2, 4});
}

TEST_CASE("under inner product long vectors are not taken for copies of one another, and copies are") {
    // 1 to 4 go in directions of their own, and any two have an inner product above 1; 5 and 6 are 4 again.
    const std::vector<float> long_ones{10, 10, 9, 1, 8, 2, 2, 8, 1, 9, 1, 9, 1, 9};
    GraphOptions raw;
    raw.lift = GraphOptions::Lift::off;

    CHECK(Plane(long_ones, Metric::ip, raw).choose(6, 6) == Slots{1, 2, 3, 4, 5});
}

TEST_CASE("no candidates give no neighbors") { CHECK(Plane({5, 5}).choose(4, 4).empty()); }

namespace {

constexpr std::size_t kDim = 8;
constexpr float kCopied = 0.25F;  // each element of the vector whose multiples are there

// 2 000 vectors, every `step`th of them a multiple of one. Under cosine these are one vector, and yet no copies by
// their bytes.
Graph graph_with_multiples(std::uint32_t step) {
    constexpr std::uint32_t kCount = 2'000;
    std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 31);
    for (std::uint32_t slot = 0; slot < kCount; slot += step)
        std::fill_n(vectors.begin() + slot * std::ptrdiff_t{kDim}, kDim, kCopied * static_cast<float>(slot + 1));
    GraphOptions options;
    options.M = 8;
    options.ef_construction = 60;
    return trial::grown(Space(Metric::cosine, Dtype::f32, kDim), options, vectors, 2);
}

}  // namespace

TEST_CASE("a thousand multiples of one vector do not keep others from being reached") {
    const Graph graph = graph_with_multiples(2);

    const std::vector<bool> met = trial::reached(graph.view);
    for (std::uint32_t slot = 1; slot < graph.view.count; slot += 2) REQUIRE(met[slot]);
}

TEST_CASE("a search for a vector whose multiples are there a hundred times finds ten of them") {
    constexpr std::size_t kNeighbors = 10;
    const Graph graph = graph_with_multiples(20);
    const std::vector<float> query(kDim, kCopied);
    std::vector<std::int64_t> ids(kNeighbors);
    std::vector<float> distances(kNeighbors);

    Search(graph.view, graph.space, scratch_of_this_thread())
        .answer(trial::bytes_of(query), {kNeighbors, 64}, {ids.data(), distances.data()});

    for (const float distance : distances) CHECK(distance < 1e-6F);
}

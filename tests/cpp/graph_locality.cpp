// An order of slots in which neighbors lie together.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <doctest/doctest.h>

#include "graph/locality.hpp"
#include "graph_grown.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;

// How many slots lie between the ends of a link, in the mean.
double mean_span(const View& view) {
    double sum = 0, links = 0;
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        for (const std::uint32_t to : trial::links_of(view, slot, 0)) {
            sum += std::abs(static_cast<double>(to) - static_cast<double>(slot));
            links += 1;
        }
    return sum / links;
}

}  // namespace

TEST_CASE("by locality links are shorter, and everybody is seated once") {
    constexpr std::size_t kDim = 4, kCount = 3'000;
    Graph graph = trial::grown(Space(Metric::l2, Dtype::f32, kDim), {.M = 6, .ef_construction = 40},
                               trial::drawn_floats(kCount * kDim, 41), 1);
    const double before = mean_span(graph.view);
    Watch nobody;

    const auto sitters = by_locality(graph.view, live_sitters(graph.view), nobody);
    renumber(graph, sitters, nobody);

    std::vector<std::uint32_t> seated;
    for (const Sitter sitter : sitters) seated.push_back(sitter.node);
    std::sort(seated.begin(), seated.end());
    for (std::uint32_t slot = 0; slot < kCount; ++slot) REQUIRE(seated[slot] == slot);
    CHECK(mean_span(graph.view) < 0.8 * before);
    CHECK(trial::fault_in_links(graph.view).empty());
}

TEST_CASE("an optimized index answers as before, with copies, groups and removed vectors") {
    constexpr std::size_t kDim = 6;
    Index index(trial::options_with(kDim));
    const auto vectors = trial::drawn_whole<float>(1'000 * kDim, 42, 0, 3);
    Watch nobody;
    std::vector<std::int64_t> numbers(1'000);
    for (std::size_t i = 0; i < 1'000; ++i) numbers[i] = 5 * static_cast<std::int64_t>(i);
    index.add({trial::bytes_of(vectors), 1'000, {}, numbers}, 1, nobody);
    index.remove(std::vector<std::int64_t>{0, 10, 20, 999});
    const auto queries = trial::drawn_floats(50 * kDim, 43);
    const auto before = trial::ask(index, queries, {.k = 20, .ef = 100});
    const auto ids = index.ids();

    index.optimize(1, nobody);

    CHECK(index.ids() == ids);
    CHECK(trial::ask(index, queries, {.k = 20, .ef = 100}).distances == before.distances);
    CHECK(trial::ask(index, queries, {.k = 20, .exact = true}).ids ==
          trial::ask(*index.snapshot(), queries, {.k = 20, .exact = true}).ids);
    for (const std::int64_t id : ids) {
        const auto row = vectors.begin() + static_cast<std::ptrdiff_t>(kDim) * id;
        REQUIRE(trial::get<float>(index, {id}) == std::vector<float>(row, row + kDim));
        REQUIRE(index.groups(std::vector<std::int64_t>{id})[0] == 5 * id);
    }
    Index::from_bytes(index.to_bytes(), nobody);
    CHECK(index.graph_shape().vacant == 0);
}

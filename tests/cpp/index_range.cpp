// Everything within a radius, through the public door.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "index_asked.hpp"

namespace {

using namespace vicinal;

Within within(const Index& index, const std::vector<float>& queries, float radius, bool exact,
              std::size_t threads = 1) {
    Watch nobody;
    return index.range_search(trial::bytes_of(queries), trial::rows_in(index.options(), queries), radius, exact,
                              threads, nobody);
}

}  // namespace

TEST_CASE("a walk finds within a radius what a scan finds, few or many") {
    std::vector<float> vectors(4'000);
    for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = static_cast<float>((i * 7) % 4'000);
    for (const Traversal traversal : {Traversal::exact, Traversal::sq8}) {
        Options options = trial::options_with(1);
        options.traversal = traversal;
        const auto index = trial::index_of_vectors(options, vectors);
        index->remove(std::vector<std::int64_t>{0, 5, 10});
        for (const float radius : {0.0F, 100.0F, 1'600.0F, 250'000.0F}) {
            CAPTURE(radius);
            const Within truth = within(*index, {2'000, 17}, radius, true);

            const Within found = within(*index, {2'000, 17}, radius, false, 2);

            CHECK(found.lims == truth.lims);
            CHECK(found.ids == truth.ids);
            CHECK(found.distances == truth.distances);
        }
    }
}

TEST_CASE("within a radius of an empty index, and of no queries, there is nothing") {
    const Index index(trial::options_with(1));
    CHECK(within(index, {1, 2}, 5, false).lims == std::vector<std::int64_t>{0, 0, 0});
    CHECK(within(index, {}, 5, false).lims == std::vector<std::int64_t>{0});
}

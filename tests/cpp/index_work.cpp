// How much work a search is, in counts that do not depend on the machine: a change of these numbers is a change of
// the graph or of the walk, and shall be meant.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "index_asked.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 16;
constexpr std::size_t kCount = 3'000;
constexpr std::size_t kQueries = 200;

struct Totals {
    std::int64_t distances = 0, hops = 0;
};

// Summed over 200 queries at ef 64. The vectors are whole numbers, so these are the same on every instruction set.
//
// To renew them after a change that is meant to change them: run
//     vicinal_tests --source-file=*/index_work.cpp
// copy the numbers it finds in place of these, and say in the commit by how much and why they changed.
struct Pinned {
    Metric metric;
    Totals totals;
};
constexpr Pinned kPinned[] = {
    {Metric::l2, {179'780, 13'879}},
    {Metric::ip, {110'521, 14'023}},
    {Metric::cosine, {174'464, 13'874}},
};

trial::Found found_on_fixed_data(Metric metric) {
    Options options;
    options.dim = kDim;
    options.metric = metric;
    options.dtype = Dtype::u8;
    options.ef_construction = 100;
    const auto index =
        trial::index_of_vectors(options, trial::drawn_whole<std::uint8_t>(kCount * kDim, 20'240'611, 0, 255));
    return trial::ask(*index, trial::drawn_whole<std::uint8_t>(kQueries * kDim, 4, 0, 255), {.k = 10, .ef = 64});
}

}  // namespace

TEST_CASE("searches of fixed data are as much work as they were") {
    for (const auto& [metric, pinned] : kPinned) {
        CAPTURE(name_of(metric));

        const auto found = found_on_fixed_data(metric);

        Totals totals;
        for (const Work& work : found.work) {
            totals.distances += work.distances;
            totals.hops += work.hops;
        }
        CHECK(totals.distances == pinned.distances);
        CHECK(totals.hops == pinned.hops);
    }
}

TEST_CASE("each search counts its own work") {
    const auto found = found_on_fixed_data(Metric::l2);

    for (const Work& work : found.work) {
        CHECK(work.distances >= 64);
        CHECK(work.distances < static_cast<std::int64_t>(kCount));
        CHECK(work.hops >= 64);
        CHECK(work.effort == 64);
        CHECK(work.estimates == 0);
        // 16 bytes a vector, two lines a row of links.
        CHECK(work.bytes == work.distances * 16 + work.hops * 128);
    }
}

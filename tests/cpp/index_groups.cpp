// The groups that have a vector within a radius, through the public door.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;
using Groups = std::vector<std::pair<float, std::int64_t>>;

constexpr std::size_t kDim = 8, kCount = 5'000;

template <class T>
std::unique_ptr<Index> index_with_groups(const Options& options, const std::vector<T>& vectors,
                                         const std::vector<std::int64_t>& groups) {
    auto index = std::make_unique<Index>(options);
    Watch nobody;
    index->add(trial::bytes_of(vectors), groups.size(), {}, 1, nobody, groups);
    return index;
}

std::vector<std::int64_t> groups_of(std::size_t n, std::size_t each) {
    std::vector<std::int64_t> groups(n);
    for (std::size_t i = 0; i < n; ++i) groups[i] = static_cast<std::int64_t>(i / each);
    return groups;
}

std::vector<std::uint8_t> vectors_drawn() { return trial::drawn_whole<std::uint8_t>(kCount * kDim, 5, 0, 255); }
std::vector<std::uint8_t> queries_drawn() { return trial::drawn_whole<std::uint8_t>(20 * kDim, 6, 0, 255); }

template <class T>
GroupsWithin ask(const Index& index, const std::vector<T>& queries, const GroupOptions& options) {
    Watch nobody;
    return index.groups_within(trial::bytes_of(queries), trial::rows_in(index.options(), queries), options, nobody);
}

Groups of_query(const GroupsWithin& found, std::size_t query) {
    Groups groups;
    for (auto i = static_cast<std::size_t>(found.lims[query]); i < static_cast<std::size_t>(found.lims[query + 1]); ++i)
        groups.emplace_back(found.distances[i], found.groups[i]);
    return groups;
}

// By its definition, of those rows whose id is not in `removed`.
Groups nearest_of_each(const std::vector<std::uint8_t>& vectors, const std::vector<std::int64_t>& groups,
                       const std::uint8_t* query, float radius, std::size_t removed_every) {
    std::map<std::int64_t, float> best;
    for (std::size_t row = 0; row < groups.size(); ++row) {
        if (removed_every != 0 && row % removed_every == 0) continue;
        float distance = 0;
        for (std::size_t i = 0; i < kDim; ++i) {
            const float difference = static_cast<float>(vectors[row * kDim + i]) - static_cast<float>(query[i]);
            distance += difference * difference;
        }
        if (distance > radius) continue;
        const auto [at, is_new] = best.try_emplace(groups[row], distance);
        at->second = std::min(at->second, distance);
    }
    Groups sorted;
    for (const auto& [group, distance] : best) sorted.emplace_back(distance, group);
    std::sort(sorted.begin(), sorted.end());
    return sorted;
}

}  // namespace

TEST_CASE("the groups within a radius are those that have a vector there, by their nearest") {
    const auto vectors = vectors_drawn(), queries = queries_drawn();
    const auto groups = groups_of(kCount, 7);
    const auto index = index_with_groups(trial::options_with(kDim, Metric::l2, Dtype::u8), vectors, groups);
    for (const bool after_removals : {false, true}) {
        CAPTURE(after_removals);
        if (after_removals) {
            std::vector<std::int64_t> gone;
            for (std::size_t i = 0; i < kCount; i += 3) gone.push_back(static_cast<std::int64_t>(i));
            index->remove(gone);
        }
        std::size_t met = 0, wanted = 0;
        for (const float radius : {0.0F, 12'000.0F, 24'000.0F}) {
            CAPTURE(radius);
            const auto exact = ask(*index, queries, {.most = 100'000, .radius = radius, .exact = true});
            const auto walked = ask(*index, queries, {.most = 100'000, .ef = 16, .radius = radius, .threads = 2});
            for (std::size_t query = 0; query < 20; ++query) {
                const Groups truth =
                    nearest_of_each(vectors, groups, queries.data() + query * kDim, radius, after_removals ? 3 : 0);
                CHECK(of_query(exact, query) == truth);
                const Groups found = of_query(walked, query);
                CHECK(std::is_sorted(found.begin(), found.end()));
                wanted += truth.size();
                for (const auto& hit : found) met += std::count(truth.begin(), truth.end(), hit) == 1 ? 1U : 0U;
                CHECK(walked.compared[query] < exact.compared[query]);
            }
        }
        CHECK(wanted > 500);
        CHECK(static_cast<double>(met) >= 0.98 * static_cast<double>(wanted));
    }
}

TEST_CASE("of the groups within a radius the nearest are kept, and a walk ends with the last of them") {
    const auto vectors = vectors_drawn(), queries = queries_drawn();
    const auto index =
        index_with_groups(trial::options_with(kDim, Metric::l2, Dtype::u8), vectors, groups_of(kCount, 7));
    const auto all = ask(*index, queries, {.most = 100'000, .ef = 16, .radius = 50'000});
    const auto few = ask(*index, queries, {.most = 5, .ef = 16, .radius = 50'000});
    std::int64_t compared_by_all = 0, compared_by_few = 0;
    for (std::size_t query = 0; query < 20; ++query) {
        Groups expected = of_query(all, query);
        if (expected.size() > 5) expected.resize(5);
        CHECK(of_query(few, query) == expected);
        compared_by_all += all.compared[query];
        compared_by_few += few.compared[query];
    }
    CHECK(2 * compared_by_few < compared_by_all);
}

TEST_CASE("a group is as far as its nearest vector is, on codes that round too") {
    const auto vectors = trial::drawn_whole<float>(kCount * 32, 8, 0, 9);
    auto queries = std::vector<float>(vectors.begin(), vectors.begin() + 20 * 32);
    for (float& value : queries) value += 0.25F;
    for (const Traversal traversal : {Traversal::exact, Traversal::sq8, Traversal::sq4}) {
        Options options = trial::options_with(32);
        options.traversal = traversal;
        const auto index = index_with_groups(options, vectors, groups_of(kCount, 3));
        const auto truth = ask(*index, queries, {.radius = 2.5F, .exact = true});
        const auto found = ask(*index, queries, {.radius = 2.5F});
        for (std::size_t query = 0; query < 20; ++query)
            CHECK(of_query(found, query) == Groups{{2.0F, static_cast<std::int64_t>(query / 3)}});
        CHECK(found.lims == truth.lims);
    }
}

TEST_CASE("copies count for the groups they are of") {
    std::vector<float> vectors(3'000);
    for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = static_cast<float>(i / 2);
    std::vector<std::int64_t> groups(vectors.size());
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<std::int64_t>(i % 2);
    const auto index = index_with_groups(trial::options_with(1), vectors, groups);
    const std::vector<float> query{700};
    CHECK(of_query(ask(*index, query, {.radius = 4}), 0) == Groups{{0, 0}, {0, 1}});
    index->remove(std::vector<std::int64_t>{1'400});  // the node: its copy stays
    CHECK(of_query(ask(*index, query, {.radius = 0.5F}), 0) == Groups{{0, 1}});
}

TEST_CASE("groups are asked for where there are some, with effort") {
    const Index empty(trial::options_with(1));
    CHECK(ask(empty, std::vector<float>{1, 2}, {.radius = 5}).lims == std::vector<std::int64_t>{0, 0, 0});
    const auto without = trial::index_of_vectors(trial::options_with(1), std::vector<float>{1, 2});
    CHECK_THROWS_AS(ask(*without, std::vector<float>{1}, {.radius = 5}), InvalidArgumentError);
    const auto index = index_with_groups(trial::options_with(1), std::vector<float>{1, 2}, {3, 4});
    CHECK_THROWS_AS(ask(*index, std::vector<float>{1}, {.ef = 0, .radius = 5}), InvalidArgumentError);
    CHECK_THROWS_AS(ask(*index, std::vector<float>{1}, {.most = 0, .radius = 5}), InvalidArgumentError);
}

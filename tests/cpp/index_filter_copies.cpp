// Filters, groups and radii where vectors are there more than once: what is reported are copies, one by one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "index_asked.hpp"

namespace {

using namespace vicinal;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kDim = 32, kDistinct = 2'000, kTimes = 3, kCount = kDistinct * kTimes, kQueries = 40;

std::vector<float> distinct_vectors() { return trial::drawn_whole<float>(kDistinct * kDim, 8, 0, 9); }

// Of row i the copies are i + kDistinct and i + 2 * kDistinct. Compared as they are stored: the plan walks among them.
std::unique_ptr<Index> index_with_copies(const Ids& groups = {}) {
    Options options = trial::options_with(kDim);
    options.traversal = Traversal::exact;
    std::vector<float> all;
    for (std::size_t round = 0; round < kTimes; ++round) {
        const std::vector<float> once = distinct_vectors();
        all.insert(all.end(), once.begin(), once.end());
    }
    auto index = std::make_unique<Index>(options);
    Watch nobody;
    index->add(trial::bytes_of(all), kCount, {}, 2, nobody, groups);
    CHECK(index->graph_shape().copies == kCount - kDistinct);
    return index;
}

// Rows that are spread over all of them.
Ids rows_asked_for() {
    Ids rows;
    for (std::size_t i = 0; i < kQueries; ++i) rows.push_back(static_cast<std::int64_t>(i * (kDistinct / kQueries)));
    return rows;
}

std::vector<float> vectors_of(const Ids& rows) {
    const std::vector<float> all = distinct_vectors();
    std::vector<float> some;
    for (const std::int64_t row : rows) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row) * static_cast<std::ptrdiff_t>(kDim);
        some.insert(some.end(), begin, begin + kDim);
    }
    return some;
}

std::int64_t copy(std::int64_t row, std::size_t which) { return row + static_cast<std::int64_t>(which * kDistinct); }

}  // namespace

TEST_CASE("a walk that starts from admitted copies reports each of them once") {
    const auto index = index_with_copies();
    const Ids rows = rows_asked_for();
    Ids admitted;  // a fifth of the vectors with all of their copies: those asked for are among them
    for (std::int64_t row = 0; row < static_cast<std::int64_t>(kDistinct); row += 5)
        for (std::size_t which = 0; which < kTimes; ++which) admitted.push_back(copy(row, which));
    const IdSet set(admitted);
    const Filter filter{&set, {}};

    const auto found = trial::ask(*index, vectors_of(rows), {.k = 9, .ef = 16, .filters = {&filter, 1}});

    std::size_t among = 0, asked_for = 0;
    for (std::size_t query = 0; query < kQueries; ++query) {
        CAPTURE(query);
        const auto hits = found.of(query);
        std::set<std::int64_t> different;
        for (const auto& hit : hits) different.insert(hit.second);
        CHECK(hits.size() == 9);
        CHECK(different.size() == hits.size());
        CHECK(std::is_sorted(hits.begin(), hits.end()));
        among += found.work[query].strategy == Strategy::among ? 1U : 0U;
        if (hits[0].first != 0) continue;
        ++asked_for;
        for (std::size_t which = 0; which < kTimes; ++which) CHECK(hits[which].second == copy(rows[query], which));
    }
    CHECK(among == kQueries);
    CHECK(asked_for > kQueries / 2);
}

TEST_CASE("a filter that admits one copy of each vector finds that one, though the node was removed") {
    const auto index = index_with_copies();
    const Ids rows = rows_asked_for();
    for (const bool removed : {false, true}) {
        CAPTURE(removed);
        if (removed) {
            Ids nodes;
            for (std::size_t row = 0; row < kDistinct; ++row) nodes.push_back(static_cast<std::int64_t>(row));
            index->remove(nodes);
        }
        for (std::size_t which = 1; which < kTimes; ++which) {
            Ids admitted;
            for (std::size_t row = 0; row < kDistinct; ++row)
                admitted.push_back(copy(static_cast<std::int64_t>(row), which));
            const IdSet set(admitted);
            const Filter filter{&set, {}};

            const auto found = trial::ask(*index, vectors_of(rows), {.k = 3, .ef = 40, .filters = {&filter, 1}});

            for (std::size_t query = 0; query < kQueries; ++query) {
                CHECK(found.ids[query * 3] == copy(rows[query], which));
                CHECK(found.work[query].strategy != Strategy::starved);
                for (const auto& hit : found.of(query)) CHECK(set.contains(hit.second));
            }
        }
    }
}

TEST_CASE("copies count in the group of each, with and without a filter") {
    for (const bool own : {true, false}) {
        CAPTURE(own);
        Ids groups(kCount);
        for (std::size_t id = 0; id < kCount; ++id) groups[id] = static_cast<std::int64_t>(own ? id : id % kDistinct);
        const auto index = index_with_copies(groups);
        const Ids rows = rows_asked_for();
        Ids without_first;
        for (std::size_t id = kDistinct; id < kCount; ++id) without_first.push_back(static_cast<std::int64_t>(id));
        const IdSet set(without_first);
        const Filter filter{&set, {}};

        const auto all = trial::ask(*index, vectors_of(rows), {.k = 2, .ef = 40, .per_group = 1});
        const auto some =
            trial::ask(*index, vectors_of(rows), {.k = 2, .ef = 40, .per_group = 1, .filters = {&filter, 1}});

        for (std::size_t query = 0; query < kQueries; ++query) {
            CHECK(all.ids[query * 2] == rows[query]);
            CHECK((all.ids[query * 2 + 1] == copy(rows[query], 1)) == own);
            CHECK(some.ids[query * 2] == copy(rows[query], 1));
            CHECK((some.ids[query * 2 + 1] == copy(rows[query], 2)) == own);
        }
    }
}

TEST_CASE("a radius holds the copies that are left of a vector") {
    const auto index = index_with_copies();
    const Ids rows = rows_asked_for();
    index->remove(Ids{rows[0], copy(rows[1], 1)});
    Watch nobody;
    const auto vectors = vectors_of(rows);

    const Within within = index->range_search(trial::bytes_of(vectors), kQueries, 0.0F, false, 1, nobody);

    const auto of = [&](std::size_t query) {
        return Ids(within.ids.begin() + within.lims[query], within.ids.begin() + within.lims[query + 1]);
    };
    CHECK(of(0) == Ids{copy(rows[0], 1), copy(rows[0], 2)});
    CHECK(of(1) == Ids{rows[1], copy(rows[1], 2)});
    for (std::size_t query = 2; query < kQueries; ++query)
        CHECK(of(query) == Ids{rows[query], copy(rows[query], 1), copy(rows[query], 2)});
}

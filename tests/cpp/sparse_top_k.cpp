// Sparse top-k against a dense scan that cannot be wrong.
#include "sparse/top_k.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "base/random.hpp"

namespace {

using namespace vicinal;

constexpr std::uint64_t kSeed = 6;

struct Table {
    std::vector<std::int64_t> starts{0};
    std::vector<std::int32_t> columns;
    std::vector<float> values;

    SparseRows rows() const { return {starts, columns, values}; }
};

// Values are small integers, so that sums are exact in any order and ties are frequent.
Table drawn(std::size_t rows, std::size_t width, std::uint64_t stream) {
    Table table;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < width; ++column) {
            const std::uint64_t random = draw(kSeed + stream, row * width + column);
            if (random % 8 != 0) continue;
            table.columns.push_back(static_cast<std::int32_t>(column));
            table.values.push_back(static_cast<float>(static_cast<int>(random >> 8 & 7U) - 2));
        }
        table.starts.push_back(static_cast<std::int64_t>(table.columns.size()));
    }
    return table;
}

using Row = std::vector<std::pair<float, std::int64_t>>;  // minus the score, the row: sorts as answers do

Row dense_answer(const Table& base, const Table& queries, std::size_t query, const SparseAsked& asked) {
    Row all;
    const SparseRows b = base.rows(), q = queries.rows();
    for (std::size_t row = 0; row < b.size(); ++row) {
        float sum = 0;
        bool shared = false;
        for (std::size_t i = q.begin(query); i < q.end(query); ++i)
            for (std::size_t j = b.begin(row); j < b.end(row); ++j)
                if (q.columns[i] == b.columns[j]) {
                    sum += q.values[i] * b.values[j];
                    shared = true;
                }
        if (shared && sum >= asked.least && !(asked.skip_own && row == query))
            all.emplace_back(-sum, static_cast<std::int64_t>(row));
    }
    std::sort(all.begin(), all.end());
    if (all.size() > asked.k) all.resize(asked.k);
    return all;
}

Row answer_of(const SparseAnswers& answers, std::size_t query) {
    Row row;
    for (auto at = static_cast<std::size_t>(answers.starts[query]);
         at < static_cast<std::size_t>(answers.starts[query + 1]); ++at)
        row.emplace_back(-answers.scores[at], answers.rows[at]);
    return row;
}

SparseAnswers asked_of(const Table& base, const Table& queries, std::size_t width, const SparseAsked& asked) {
    Watch nobody;
    return sparse_top_k(InvertedIndex(base.rows(), width), queries.rows(), asked, nobody);
}

constexpr float kNone = -std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("sparse top-k is a dense scan's answer, ties by row, with a floor under scores and without own rows") {
    const Table base = drawn(300, 40, 1), queries = drawn(60, 40, 2);
    for (const std::size_t k : {1U, 3U, 50U, 1'000U})
        for (const float least : {kNone, 0.0F, 5.0F})
            for (const bool skip_own : {false, true}) {
                const SparseAsked asked{.k = k, .least = least, .skip_own = skip_own, .threads = 2};

                const SparseAnswers answers = asked_of(base, queries, 40, asked);

                REQUIRE(answers.starts.size() == 61);
                for (std::size_t query = 0; query < 60; ++query) {
                    CAPTURE(k);
                    CAPTURE(query);
                    CHECK(answer_of(answers, query) == dense_answer(base, queries, query, asked));
                }
            }
}

TEST_CASE("sparse top-k over several blocks of rows finds the best of all of them") {
    Table base, query;
    for (int row = 0; row < 200'000; ++row) {  // more than three blocks
        base.columns.push_back(0);
        base.values.push_back(row == 3 || row == 70'000 || row == 199'999 ? 2.0F : 1.0F);
        base.starts.push_back(row + 1);
    }
    query.columns = {0};
    query.values = {1.0F};
    query.starts = {0, 1};

    const SparseAnswers answers = asked_of(base, query, 1, {.k = 4, .least = 0, .threads = 1});

    CHECK(answers.rows == std::vector<std::int64_t>{3, 70'000, 199'999, 0});
    CHECK(answers.scores == std::vector<float>{2, 2, 2, 1});
}

TEST_CASE("sparse top-k gives the same bytes on any number of threads") {
    const Table base = drawn(400, 30, 3), queries = drawn(200, 30, 4);
    const SparseAnswers alone = asked_of(base, queries, 30, {.k = 7, .least = kNone, .threads = 1});
    for (const std::size_t threads : {2U, 3U, 8U}) {
        const SparseAnswers many = asked_of(base, queries, 30, {.k = 7, .least = kNone, .threads = threads});

        CHECK(many.starts == alone.starts);
        CHECK(many.rows == alone.rows);
        CHECK(many.scores == alone.scores);
    }
}

TEST_CASE("sparse top-k of nothing is nothing") {
    const Table none, some = drawn(5, 10, 5);

    CHECK(asked_of(none, some, 10, {.k = 3, .least = 0, .threads = 1}).rows.empty());
    CHECK(asked_of(some, none, 10, {.k = 3, .least = 0, .threads = 1}).starts == std::vector<std::int64_t>{0});
    CHECK(asked_of(some, some, 10, {.k = 0, .least = kNone, .threads = 1}).rows.empty());
}

TEST_CASE("sparse top-k stops when its watch says so") {
    const Table base = drawn(50, 10, 6);
    Watch never([](std::size_t, std::size_t) { return false; }, std::chrono::milliseconds(0));

    CHECK_THROWS_AS(
        sparse_top_k(InvertedIndex(base.rows(), 10), base.rows(), {.k = 1, .least = 0, .threads = 1}, never), Stopped);
}

TEST_CASE("damaged sparse rows are refused by name before anything reads them") {
    const auto refused = [](Table table) { CHECK_THROWS_AS(check(table.rows(), 4, "base"), InvalidArgumentError); };
    const float nan = std::numeric_limits<float>::quiet_NaN();

    CHECK_NOTHROW(check(Table{{0, 2}, {1, 3}, {1, 2}}.rows(), 4, "base"));
    refused({{0, 2}, {1, 4}, {1, 2}});
    refused({{0, 2}, {3, 1}, {1, 2}});
    refused({{0, 2}, {1, 1}, {1, 2}});
    refused({{0, 2}, {-1, 1}, {1, 2}});
    refused({{0, 3}, {1, 3}, {1, 2}});
    refused({{1, 2}, {1, 3}, {1, 2}});
    refused({{0, 2, 1, 2}, {1, 3}, {1, 2}});
    refused({{0, 2}, {1, 3}, {1}});
    refused({{0, 2}, {1, 3}, {1, nan}});
    refused({{}, {}, {}});
}

// An index that lives: vectors go, change and come back, through the public door.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "base/random.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::add;
using trial::ask;
using trial::counting;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kDim = 8;

Added update(Index& index, const Ids& ids, const std::vector<float>& vectors, const Ids& groups = {}) {
    Watch nobody;
    return index.update({trial::bytes_of(vectors), ids.size(), ids, groups}, 1, nobody);
}

Added upsert(Index& index, const Ids& ids, const std::vector<float>& vectors, const Ids& groups = {}) {
    Watch nobody;
    return index.upsert({trial::bytes_of(vectors), ids.size(), ids, groups}, 1, nobody);
}

Health health_of(const Index& index) {
    Watch nobody;
    return index.health(nobody);
}

// The share of the ten nearest that a beam of 40 finds.
double recall_of(const Index& index, const std::vector<float>& queries) {
    const auto found = ask(index, queries, {.k = 10, .ef = 40});
    const auto truth = ask(index, queries, {.k = 10, .exact = true});
    std::size_t hits = 0;
    for (std::size_t query = 0; query < found.counts.size(); ++query) {
        const auto begin = truth.ids.begin() + static_cast<std::ptrdiff_t>(10 * query);
        const std::set<std::int64_t> near(begin, begin + 10);
        for (std::size_t i = 10 * query; i < 10 * (query + 1); ++i) hits += near.contains(found.ids[i]) ? 1U : 0U;
    }
    return static_cast<double>(hits) / static_cast<double>(truth.ids.size());
}

}  // namespace

TEST_CASE("after nine tenths are replaced, and after nine tenths are removed, recall is that of a fresh build") {
    const auto vectors = trial::drawn_floats(4'000 * kDim, 1);
    const auto queries = trial::drawn_floats(200 * kDim, 2);
    const std::vector<float> first(vectors.begin(), vectors.begin() + 2'000 * kDim);
    const std::vector<float> second(vectors.begin() + 2'000 * kDim, vectors.end());
    Index index(trial::options_with(kDim));
    add(index, first);

    for (std::int64_t part = 0; part < 9; ++part) {
        index.remove(counting(200 * part, 200));
        const auto at = second.begin() + static_cast<std::ptrdiff_t>(200 * kDim * static_cast<std::size_t>(part));
        add(index, std::vector<float>(at, at + 200 * kDim));
    }

    std::vector<float> left(first.begin() + 1'800 * kDim, first.end());
    left.insert(left.end(), second.begin(), second.begin() + 1'800 * kDim);
    const auto fresh = trial::index_of_vectors(trial::options_with(kDim), left);
    CHECK(recall_of(index, queries) > recall_of(*fresh, queries) - 0.01);
    CHECK(health_of(index).unreachable == 0);
    CHECK(index.memory().vectors == fresh->memory().vectors);

    Ids most = index.ids();
    most.resize(1'800);
    index.remove(most);
    CHECK(index.size() == 200);
    CHECK(health_of(index).unreachable == 0);
    CHECK(recall_of(index, queries) > 0.99);
}

TEST_CASE("a storm of single removals leaves every vector that stays reachable, down to the last") {
    const std::size_t n = 1'000;
    Index index(trial::options_with(kDim));
    const auto vectors = trial::drawn_floats(n * kDim, 3);
    add(index, vectors);
    Ids order = counting(0, n);
    for (std::size_t i = n; i-- > 1;) std::swap(order[i], order[draw(4, i) % (i + 1)]);

    for (std::size_t i = 0; i + 1 < n; ++i) {
        index.remove(Ids{order[i]});
        if (i % 97 == 0) {
            INFO("after " << i);
            CHECK(health_of(index).unreachable == 0);
        }
    }
    CHECK(index.ids() == Ids{order[n - 1]});
    CHECK(ask(index, std::vector<float>(kDim, 0.5F), {.k = 1}).ids == Ids{order[n - 1]});
    index.remove(Ids{order[n - 1]});
    CHECK(index.graph_shape().removed == 0);
    CHECK(index.graph_shape().top_level == -1);
    add(index, vectors, counting(0, n));
    CHECK(health_of(index).unreachable == 0);
    CHECK(index.graph_shape().vacant == 0);
}

TEST_CASE("a call sweeps so many rows for each it writes, and no more") {
    Index index(trial::options_with(kDim));
    add(index, trial::drawn_floats(2'000 * kDim, 5));

    index.remove(Ids{7});
    CHECK(index.graph_shape().removed == 1);
    for (int i = 0; i < 14; ++i) index.remove(Ids{100 + i});
    CHECK(index.graph_shape().vacant == 0);
    index.remove(Ids{300});  // 16 times 128 rows are all there are
    CHECK(index.graph_shape().vacant == 1);
    CHECK(index.graph_shape().removed == 15);
}

TEST_CASE("the same calls make the same file, with a load amid a pass or without, on any number of threads") {
    const auto run = [](std::size_t threads, bool reload) {
        auto index = std::make_unique<Index>(trial::options_with(kDim));
        Watch nobody;
        add(*index, trial::drawn_whole<float>(1'500 * kDim, 6, 0, 3), {}, threads);  // some are copies
        for (std::int64_t round = 0; round < 8; ++round) {
            index->remove(counting(round, 5, 11), threads, nobody);
            if (reload) index = Index::from_bytes(index->to_bytes(), nobody);
            add(*index, trial::drawn_whole<float>(4 * kDim, 70 + static_cast<std::uint64_t>(round), 0, 3), {}, threads);
        }
        CHECK(index->graph_shape().removed > 0);  // a pass is under way
        return index->to_bytes();
    };
    const auto expected = run(1, false);

    CHECK(run(1, true) == expected);
    CHECK(run(3, false) == expected);
}

TEST_CASE("an update answers with the new vector and not the old, for old and new groups") {
    Index index(trial::options_with(kDim));
    Watch nobody;
    const auto vectors = trial::drawn_floats(400 * kDim, 12);
    index.add({trial::bytes_of(vectors), 400, {}, counting(1'000, 400)}, 1, nobody);
    const std::vector<float> far(2 * kDim, 50.0F);

    update(index, {3, 5}, far);

    CHECK(index.size() == 400);
    CHECK(trial::get<float>(index, {3, 5}) == far);
    CHECK(index.groups(Ids{3, 5}) == Ids{1'003, 1'005});
    CHECK(ask(index, std::vector<float>(kDim, 50.0F), {.k = 3, .ef = 20}).ids[0] == 3);
    CHECK(ask(index, std::vector<float>(kDim, 50.0F), {.k = 3, .ef = 20}).ids[1] == 5);
    const std::vector<float> old(vectors.begin() + 3 * kDim, vectors.begin() + 4 * kDim);
    CHECK(ask(index, old, {.k = 1, .ef = 20}).distances[0] > 0);
    update(index, {5}, std::vector<float>(kDim, 1.0F), {77});
    CHECK(index.groups(Ids{5}) == Ids{77});
    CHECK(index.next_id() == 400);
}

TEST_CASE("an update to the very same vector, and back to an earlier one, changes nothing that can be seen") {
    Index index(trial::options_with(kDim));
    const auto vectors = trial::drawn_floats(300 * kDim, 13);
    add(index, vectors);
    const std::vector<float> one(vectors.begin(), vectors.begin() + kDim), other(kDim, 3.0F);

    for (int i = 0; i < 20; ++i) {
        update(index, {0}, one);
        update(index, {0}, other);
        update(index, {0}, one);
        REQUIRE(ask(index, one, {.k = 2, .ef = 20}).ids[0] == 0);
        REQUIRE(ask(index, one, {.k = 2, .ef = 20}).ids[1] != 0);
        REQUIRE(ask(index, other, {.k = 1, .exact = true}).distances[0] > 0);
    }
    CHECK(index.ids() == counting(0, 300));
    CHECK(health_of(index).unreachable == 0);
}

TEST_CASE("an upsert updates what is there and adds what is not") {
    Index index(trial::options_with(kDim));
    add(index, trial::drawn_floats(100 * kDim, 14));
    const auto vectors = trial::drawn_floats(4 * kDim, 15);

    upsert(index, {5, 200, 7, 201}, vectors);

    CHECK(index.size() == 102);
    CHECK(trial::get<float>(index, {5, 200, 7, 201}) == vectors);
    CHECK(index.next_id() == 202);
}

TEST_CASE("an update or upsert that is refused changes nothing") {
    Index index(trial::options_with(kDim));
    add(index, trial::drawn_floats(50 * kDim, 16));
    const auto before = index.to_bytes();
    const auto vectors = trial::drawn_floats(2 * kDim, 17);

    CHECK_THROWS_WITH_AS(update(index, {4, 50}, vectors), "id 50 is not in the index", UnknownIdError);
    CHECK_THROWS_WITH_AS(update(index, {4, 4}, vectors), "id 4 is given twice in one batch", DuplicateIdError);
    CHECK_THROWS_AS(upsert(index, {60, 60}, vectors), DuplicateIdError);
    CHECK_THROWS_AS(upsert(index, {4, -1}, vectors), InvalidArgumentError);
    CHECK_THROWS_AS(upsert(index, {4, 60}, vectors, {1, 2}), InvalidArgumentError);  // groups where there are none
    CHECK(index.to_bytes() == before);
}

TEST_CASE("a compact index has no room for what was removed, and answers as before") {
    Index index(trial::options_with(kDim));
    const auto vectors = trial::drawn_whole<float>(1'200 * kDim, 19, 0, 2);  // some three in four are copies
    Watch nobody;
    index.add({trial::bytes_of(vectors), 1'200, {}, counting(0, 1'200, 3)}, 1, nobody);
    Ids gone = counting(0, 300, 3);
    const Ids more = counting(1, 250, 2);
    gone.insert(gone.end(), more.begin(), more.end());
    std::sort(gone.begin(), gone.end());
    gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
    index.remove(gone);
    index.remove(Ids{1'199});  // of which a pass is not over
    REQUIRE(index.graph_shape().removed > 0);
    const auto queries = trial::drawn_floats(50 * kDim, 20);
    const auto before = ask(index, queries, {.k = 20, .ef = 60});
    const Ids ids = index.ids();

    index.compact(1, nobody);

    const GraphShape shape = index.graph_shape();
    CHECK(shape.removed == 0);
    CHECK(shape.vacant == 0);
    CHECK(shape.size == ids.size());
    CHECK(index.memory().vectors == ids.size() * 32);
    CHECK(index.ids() == ids);
    for (const std::int64_t id : ids) {
        const auto row = vectors.begin() + static_cast<std::ptrdiff_t>(kDim) * id;
        REQUIRE(trial::get<float>(index, {id}) == std::vector<float>(row, row + kDim));
        REQUIRE(index.groups(Ids{id}) == Ids{3 * id});
    }
    CHECK(ask(index, queries, {.k = 20, .ef = 60}).distances == before.distances);
    CHECK(health_of(index).unreachable == 0);
    Index::from_bytes(index.to_bytes(), nobody);
}

TEST_CASE("an index lives through thousands of mixed calls like a map") {
    Options options = trial::options_with(kDim);
    options.M = 4;
    Index index(options);
    std::map<std::int64_t, std::vector<float>> model;
    std::uint64_t counter = 0;
    const auto next = [&] { return draw(18, ++counter); };
    const auto row = [&] { return trial::drawn_whole<float>(kDim, next(), 0, 2); };  // ties, and now and then a copy
    for (int step = 0; step < 3'000; ++step) {
        const std::uint64_t what = next() % 8;
        const auto id = static_cast<std::int64_t>(next() % 400);
        const std::vector<float> vector = row();
        if (what < 3) {
            upsert(index, {id}, vector);
            model[id] = vector;
        } else if (what < 5 && model.contains(id)) {
            index.remove(Ids{id});
            model.erase(id);
        } else if (what == 5 && model.contains(id)) {
            update(index, {id}, vector);
            model[id] = vector;
        } else if (what == 6 && next() % 40 == 0) {
            Watch nobody;
            index.compact(1, nobody);
        } else if (model.size() >= 5) {
            const auto found = ask(index, vector, {.k = 5, .ef = 30});
            const auto truth = ask(index, vector, {.k = 5, .exact = true});
            std::set<std::int64_t> distinct(found.ids.begin(), found.ids.end());
            REQUIRE(found.counts[0] == 5);
            REQUIRE(distinct.size() == 5);
            for (const std::int64_t known : found.ids) REQUIRE(model.contains(known));
            REQUIRE(found.distances[0] == truth.distances[0]);
        }
        if (step % 250 == 249) {
            REQUIRE(index.size() == model.size());
            for (const auto& [known, expected] : model) REQUIRE(trial::get<float>(index, {known}) == expected);
            Watch nobody;
            const auto loaded = Index::from_bytes(index.to_bytes(), nobody);  // the reader checks all there is to check
            REQUIRE(loaded->ids() == index.ids());
        }
    }
}

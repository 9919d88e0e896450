// Long calls that are stopped, or whose caller throws: what stays is an index like any other.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "file_folder.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::ask;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kDim = 16;
constexpr std::size_t kCount = 4'000;

Ids counting(std::size_t n) {
    Ids ids(n);
    std::iota(ids.begin(), ids.end(), 0);
    return ids;
}

// Calls `then` at the first question after `done` has passed `least`. A question is asked at most every 50 ms, so
// the caller takes its time at each: the work between two questions is what a batch or two takes.
Watch::Ask once_past(std::size_t least, const std::function<bool()>& then) {
    return [least, then](std::size_t done, std::size_t) { return done <= least || then(); };
}

// Everything that can be asked of an index is answered, for exactly these vectors.
void check_holds(const Index& index, const std::vector<float>& vectors, const Ids& ids) {
    CHECK(index.ids() == ids);
    CHECK(index.size() == ids.size());
    if (ids.empty()) return;
    const std::vector<float> kept(vectors.begin(), vectors.begin() + static_cast<std::ptrdiff_t>(ids.size() * kDim));
    CHECK(trial::get<float>(index, ids) == kept);
    // Each finds itself.
    const auto found = ask(index, kept, {.k = 1, .ef = 100, .threads = 2});
    std::size_t themselves = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) themselves += found.ids[i] == ids[i] ? 1U : 0U;
    CHECK(themselves >= ids.size() * 99 / 100);
    // A file is read by checking every table.
    Watch nobody;
    const auto copy = Index::from_bytes(index.to_bytes(), nobody);
    CHECK(copy->ids() == ids);
}

}  // namespace

TEST_CASE("a long add that is stopped keeps the first of its vectors, and a later add completes it") {
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 1);
    for (const std::size_t threads : {1U, 2U}) {
        CAPTURE(threads);
        Index index(trial::options_with(kDim));
        Watch watch(once_past(100, [] { return false; }));

        const Added added = index.add(trial::bytes_of(vectors), kCount, {}, threads, watch);

        // A machine so fast that nobody was asked has nothing to stop.
        if (added.complete) continue;
        CHECK(added.ids.size() > 100);
        CHECK(added.ids.size() < kCount);
        CHECK(added.ids == counting(added.ids.size()));
        check_holds(index, vectors, added.ids);

        const std::size_t done = added.ids.size();
        const std::vector<float> rest(vectors.begin() + static_cast<std::ptrdiff_t>(done * kDim), vectors.end());
        CHECK(trial::add(index, rest).complete);
        check_holds(index, vectors, counting(kCount));
    }
}

TEST_CASE("an add that is stopped before it begins adds nothing") {
    const std::vector<float> vectors = trial::drawn_floats(100 * kDim, 1);
    const auto index = trial::index_of_vectors(trial::options_with(kDim), vectors);
    const auto before = trial::digest(*index);
    Watch watch([](std::size_t, std::size_t) { return false; });
    watch.report(0, 0);

    const Added added = index->add(trial::bytes_of(vectors), 100, {}, 2, watch);

    CHECK_FALSE(added.complete);
    CHECK(added.ids.empty());
    CHECK(trial::digest(*index) == before);
}

TEST_CASE("the graph after a stopped add is the one that a shorter add makes") {
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 2);
    Index stopped(trial::options_with(kDim));
    Watch watch(once_past(500, [] { return false; }));

    const Added added = stopped.add(trial::bytes_of(vectors), kCount, {}, 2, watch);

    Index whole(trial::options_with(kDim));
    Watch nobody;
    whole.add(trial::bytes_of(vectors), added.ids.size(), {}, 1, nobody);
    CHECK(trial::digest(stopped) == trial::digest(whole));
}

TEST_CASE("of a stopped add in another order, those are in that entered first, and no others") {
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 2);
    std::vector<std::int64_t> order = counting(kCount);
    std::reverse(order.begin(), order.end());
    Index index(trial::options_with(kDim));
    Watch watch(once_past(500, [] { return false; }));

    const Added added = index.add({trial::bytes_of(vectors), kCount, {}, {}, order}, 2, watch);

    REQUIRE(added.ids.size() < kCount);
    CHECK(added.ids.size() == index.size());
    CHECK(added.ids == std::vector<std::int64_t>(order.begin(), order.begin() + std::ssize(added.ids)));
    for (const std::int64_t id : added.ids) REQUIRE(index.contains(id));
    CHECK(trial::get<float>(index, {static_cast<std::int64_t>(kCount) - 1}) ==
          std::vector<float>(vectors.end() - kDim, vectors.end()));
}

TEST_CASE("an add whose caller throws has added nothing, and the index goes on") {
    const std::vector<float> first = trial::drawn_floats(200 * kDim, 3);
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 4);
    for (const std::size_t threads : {1U, 2U}) {
        CAPTURE(threads);
        const auto index = trial::index_of_vectors(trial::options_with(kDim), first);
        const auto before = trial::digest(*index);
        bool thrown = false;
        Watch watch(once_past(100, [&]() -> bool {
            thrown = true;
            throw std::bad_alloc();
        }));

        CHECK_THROWS_AS(index->add(trial::bytes_of(vectors), kCount, {}, threads, watch), std::bad_alloc);

        REQUIRE(thrown);
        CHECK(trial::digest(*index) == before);
        CHECK(index->next_id() == 200);
        check_holds(*index, first, counting(200));
        const auto found = ask(*index, vectors, {.k = 5, .threads = 2});
        CHECK(std::all_of(found.ids.begin(), found.ids.end(), [](std::int64_t id) { return id >= 0 && id < 200; }));

        Ids ids = counting(kCount);
        for (auto& id : ids) id += 10'000;
        CHECK(trial::add(*index, vectors, ids).complete);
        CHECK(index->size() == 200 + kCount);
        CHECK(ask(*index, vectors, {.k = 1, .exact = true, .threads = 2}).ids == ids);
    }
}

TEST_CASE("an add tells how far it has come, and its last word is that all is done") {
    const std::vector<float> vectors = trial::drawn_floats(kCount * kDim, 5);
    Index index(trial::options_with(kDim));
    std::vector<std::size_t> told;
    Watch watch([&](std::size_t done, std::size_t total) {
        CHECK(total == kCount);
        told.push_back(done);
        return true;
    });

    CHECK(index.add(trial::bytes_of(vectors), kCount, {}, 2, watch).complete);

    CHECK(told.back() == kCount);
    CHECK(std::is_sorted(told.begin(), told.end()));
}

TEST_CASE("a search that is stopped says so and leaves the index as it was") {
    const std::vector<float> vectors = trial::drawn_floats(500 * kDim, 6);
    const auto index = trial::index_of_vectors(trial::options_with(kDim), vectors);
    const auto before = trial::digest(*index);
    std::vector<std::int64_t> ids(500 * 3);
    std::vector<float> distances(500 * 3);
    std::vector<std::int64_t> counts(500);

    for (const bool exact : {false, true})
        for (const std::size_t threads : {1U, 2U}) {
            Watch watch([](std::size_t, std::size_t) { return false; });
            watch.report(0, 0);
            CHECK_THROWS_AS(index->search(trial::bytes_of(vectors), 500, {.k = 3, .exact = exact, .threads = threads},
                                          {ids, distances, counts, {}}, watch),
                            Stopped);
        }

    CHECK(trial::digest(*index) == before);
    CHECK(ask(*index, vectors, {.k = 1, .exact = true}).ids == counting(500));
}

TEST_CASE(
    "under every metric an add whose caller throws leaves the index byte for byte, and adding goes on as if never") {
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
        CAPTURE(name_of(metric));
        // Small whole numbers, then fractions and longer vectors: codes, norms and heights all have to come back.
        const auto first = trial::drawn_whole<float>(1'500 * kDim, 7, 0, 9);
        std::vector<float> second = trial::drawn_floats(kCount * kDim, 8);
        for (float& value : second) value *= 40;
        Options options = trial::options_with(kDim, metric);
        options.traversal = Traversal::automatic;
        const auto index = trial::index_of_vectors(options, first);
        const auto twin = trial::index_of_vectors(options, first);
        const auto before = trial::digest(*index);

        for (const std::size_t past : {0U, 100U, 1'000U}) {
            Watch watch(once_past(past, []() -> bool { throw std::bad_alloc(); }));
            CHECK_THROWS_AS(index->add(trial::bytes_of(second), kCount, {}, 2, watch), std::bad_alloc);
            CHECK(trial::digest(*index) == before);
        }

        trial::add(*index, second);
        trial::add(*twin, second);
        CHECK(trial::digest(*index) == trial::digest(*twin));
    }
}

// Under the thread sanitizer this finds a writer that takes withdrawn slots again while a search still reads them.
TEST_CASE("searches run beside adds that fail and adds that use their slots again") {
    const std::vector<float> first = trial::drawn_floats(600 * kDim, 9);
    const std::vector<float> second = trial::drawn_floats(400 * kDim, 10);
    const auto index = trial::index_of_vectors(trial::options_with(kDim), first);
    std::atomic<bool> done{false};
    std::vector<std::thread> searchers;
    for (int i = 0; i < 2; ++i)
        searchers.emplace_back([&] {
            while (!done) ask(*index, second, {.k = 3, .ef = 50});
        });

    std::size_t thrown = 0;
    for (int round = 0; round < 12; ++round) {
        // The next question comes 50 ms later, and then throws.
        Watch watch(once_past(round % 3 == 2 ? kCount : 64, []() -> bool { throw std::bad_alloc(); }));
        try {
            index->add(trial::bytes_of(second), 400, {}, 1, watch);
            index->remove(Ids{index->next_id() - 1});
        } catch (const std::bad_alloc&) {
            ++thrown;
        }
    }
    done = true;
    for (std::thread& searcher : searchers) searcher.join();

    MESSAGE(thrown << " of 12 adds failed amid");
    CHECK(index->size() == 600 + (12 - thrown) * 399);
}

TEST_CASE("whatever looks at every row can be stopped amid, by the thread that called") {
    Options options = trial::options_with(4);
    options.M = 2;
    options.ef_construction = 1;
    const std::vector<float> few = trial::drawn_floats(50'000 * 4, 11);
    const auto index = trial::index_of_vectors(options, few);
    const auto before = trial::digest(*index);
    std::vector<std::int64_t> ids(3), counts(1);
    std::vector<float> distances(3);
    const testing::Folder folder;

    // Asked without a pause, each has to ask several times, and to stop when the last answer but one is no.
    const auto stops_amid = [&](const std::function<void(Watch&)>& call) {
        std::size_t questions = 0, last = 0;
        const auto answer = [&](std::size_t, std::size_t) { return ++questions != last; };
        Watch patient(answer, std::chrono::milliseconds(0));
        call(patient);
        CHECK(questions >= 5);
        last = questions - 1;
        questions = 0;
        Watch watch(answer, std::chrono::milliseconds(0));
        CHECK_THROWS_AS(call(watch), Stopped);
        CHECK(questions == last);
    };
    stops_amid([&](Watch& watch) { index->to_bytes(watch); });
    stops_amid([&](Watch& watch) { index->save(folder.at("index"), watch); });
    CHECK(folder.names() == std::vector<std::string>{"index"});
    for (const bool exact : {true, false})
        stops_amid([&](Watch& watch) {
            // One query: one piece of work. A beam as wide as the index makes a scan of it.
            index->search(trial::bytes_of(few), 1, {.k = 3, .ef = 50'000, .exact = exact, .threads = 1},
                          {ids, distances, counts, {}}, watch);
        });
    stops_amid([&](Watch& watch) {
        exact_search(options, {trial::bytes_of(few), 50'000}, {trial::bytes_of(few), 1}, {.k = 3},
                     {ids, distances, counts, {}}, watch);
    });
    CHECK(trial::digest(*index) == before);
}

TEST_CASE("an add can be stopped while its input is checked, and while old vectors get new codes") {
    constexpr std::size_t kRows = 6'000;
    Options options = trial::options_with(40);
    options.M = 2;
    options.ef_construction = 1;
    const auto whole = trial::drawn_whole<float>(kRows * 40, 12, 0, 255);
    const auto index = trial::index_of_vectors(options, whole);
    REQUIRE(index->graph_shape().walked == Traversal::u8);
    const auto before = trial::digest(*index);
    const std::vector<float> fraction(40, 0.5F);  // no whole number: all codes have to be made anew
    std::size_t questions = 0, last = 0;
    const auto answer = [&](std::size_t, std::size_t) { return ++questions != last; };

    for (last = 1; last < 1'000; ++last) {
        questions = 0;
        Watch watch(answer, std::chrono::milliseconds(0));
        const Added added = index->add(trial::bytes_of(fraction), 1, {}, 1, watch);
        if (added.complete) break;
        CHECK(added.ids.empty());
        CHECK(trial::digest(*index) == before);
        CHECK(index->graph_shape().walked == Traversal::u8);
    }

    CHECK(last > kRows / 1024);
    CHECK(index->size() == kRows + 1);
    CHECK(index->graph_shape().walked != Traversal::u8);
    CHECK(ask(*index, fraction, {.k = 1, .exact = true}).ids == Ids{kRows});

    const std::vector<float> many = trial::drawn_floats(kRows * 40, 13);
    questions = 0;
    last = 20;
    Watch watch(answer, std::chrono::milliseconds(0));
    CHECK_FALSE(index->add(trial::bytes_of(many), kRows, {}, 1, watch).complete);
    CHECK(index->size() == kRows + 1);
}

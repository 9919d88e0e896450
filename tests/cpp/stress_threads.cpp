// Searches, additions, removals and readings at once. Meant for the thread and address sanitizers as well, and for
// longer: VICINAL_STRESS_SECONDS (3) is the time of each test.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kNeighbors = 5;
constexpr std::int64_t kMostIds = 60'000;

std::chrono::duration<double> time_of_a_test() {
    const char* const seconds = std::getenv("VICINAL_STRESS_SECONDS");
    return std::chrono::duration<double>(seconds == nullptr ? 3.0 : std::strtod(seconds, nullptr));
}

// Collects what went wrong, from any thread.
class Faults {
public:
    void expect(bool right, const std::string& what) {
        ++checks_;
        if (right) return;
        const std::lock_guard lock(mutex_);
        if (first_.empty()) first_ = what;
    }
    std::string first() const {
        const std::lock_guard lock(mutex_);
        return first_;
    }
    std::uint64_t checks() const { return checks_; }

private:
    mutable std::mutex mutex_;
    std::string first_;
    std::atomic<std::uint64_t> checks_{0};
};

enum class Phase : std::uint8_t { never, entering, in, leaving, gone };

// An index and what is known of each of its ids. The vector of an id follows from the id and is of small whole
// numbers, so that every thread can tell the exact distance of any answer. The first 50 ids stay for ever.
class Stage {
    template <class T>
    static auto& at(T& values, std::int64_t id) {
        return values[static_cast<std::size_t>(id)];
    }

public:
    explicit Stage(const Options& options) : index(options), phases_(kMostIds), removed_at_(kMostIds) { enter(0, 100); }

    // Of an id; every fourth has a copy. Norms grow with the ids, so that under inner product a lifted graph is lifted
    // again and again.
    std::vector<float> vector_of(std::int64_t id) const {
        const std::size_t dim = index.options().dim;
        const std::int64_t first = id % 4 == 3 ? id - 1 : id;
        std::vector<float> vector = trial::drawn_whole<float>(dim, static_cast<std::uint64_t>(first), 0, 9);
        vector[0] = static_cast<float>(first / 500);
        return vector;
    }

    float distance(const std::vector<float>& query, std::int64_t id) const {
        const std::vector<float> vector = vector_of(id);
        float sum = 0;
        for (std::size_t i = 0; i < vector.size(); ++i) {
            const float difference = query[i] - vector[i];
            sum += index.options().metric == Metric::l2 ? difference * difference : query[i] * vector[i];
        }
        return index.options().metric == Metric::l2 ? sum : 1 - sum;
    }

    // Adds ids [first, first + n).
    void enter(std::int64_t first, std::int64_t n, std::size_t threads = 1) {
        std::vector<std::int64_t> ids;
        std::vector<float> vectors;
        for (std::int64_t id = first; id < first + n; ++id) {
            ids.push_back(id);
            const std::vector<float> vector = vector_of(id);
            vectors.insert(vectors.end(), vector.begin(), vector.end());
            at(removed_at_, id) = 0;
            at(phases_, id) = Phase::entering;
        }
        trial::add(index, vectors, ids, threads);
        for (const std::int64_t id : ids) at(phases_, id) = Phase::in;
        std::int64_t known = ids_begun;
        while (known < first + n && !ids_begun.compare_exchange_weak(known, first + n)) {
        }
    }

    void leave(const std::vector<std::int64_t>& ids) {
        for (const std::int64_t id : ids) at(phases_, id) = Phase::leaving;
        index.remove(ids);
        for (const std::int64_t id : ids) {
            at(removed_at_, id) = clock + 1;
            at(phases_, id) = Phase::gone;
        }
        ++clock;  // one thread removes, so no other moves it
    }

    Phase phase(std::int64_t id) const { return at(phases_, id); }
    std::uint64_t removed_at(std::int64_t id) const { return at(removed_at_, id); }

    Index index;
    std::atomic<std::uint64_t> clock{0};     // counts removals that have returned
    std::atomic<std::int64_t> ids_begun{0};  // all ids below are in, or were
    Faults faults;
    std::atomic<bool> over{false};

private:
    std::vector<std::atomic<Phase>> phases_;
    std::vector<std::atomic<std::uint64_t>> removed_at_;
};

// Ids that stay for ever, and change: the vector of one is its own, or one that no other has.
constexpr std::int64_t kFirstChanging = 30, kLastChanging = 40;
bool is_changing(std::int64_t id) { return id >= kFirstChanging && id < kLastChanging; }

std::string of_id(std::int64_t id) { return " of id " + std::to_string(id); }

void check_answer(Stage& stage, const std::vector<float>& query, const trial::Found& found, std::uint64_t before) {
    Faults& faults = stage.faults;
    const auto neighbors = found.of(0);
    faults.expect(neighbors.size() == kNeighbors, "a short answer");
    faults.expect(std::is_sorted(neighbors.begin(), neighbors.end()), "an answer out of order");
    std::set<std::int64_t> named;
    for (const auto& [distance, id] : neighbors) {
        if (id < 0 || id >= kMostIds || stage.phase(id) == Phase::never) {
            faults.expect(false, "an answer nobody added" + of_id(id));
            continue;
        }
        const std::uint64_t removed_at = stage.removed_at(id);
        faults.expect(removed_at == 0 || removed_at > before, "an answer removed before the search" + of_id(id));
        faults.expect(named.insert(id).second, "an answer twice" + of_id(id));
        faults.expect(is_changing(id) || distance == stage.distance(query, id), "a wrong distance" + of_id(id));
    }
}

void keep_searching(Stage& stage, std::uint64_t seed) {
    for (std::uint64_t round = 0; !stage.over; ++round) {
        const auto near = static_cast<std::int64_t>(draw(seed, round) % static_cast<std::uint64_t>(stage.ids_begun));
        std::vector<float> query = stage.vector_of(near);
        query.back() += 0.25F * static_cast<float>(round % 8);  // of these some have no codes
        const std::size_t ef = round % 7 == 0 ? 200 : 20;

        const std::uint64_t before = stage.clock;
        const auto found = trial::ask(stage.index, query, {.k = kNeighbors, .ef = ef, .exact = round % 31 == 0});
        check_answer(stage, query, found, before);
    }
}

void keep_adding(Stage& stage, std::int64_t first) {
    for (std::int64_t round = 0; !stage.over && first + 200 < kMostIds; ++round) {
        const std::int64_t n = round % 5 == 0 ? 200 : 1 + round % 30;
        stage.enter(first, n, round % 5 == 0 ? 2 : 1);
        first += n;
    }
}

// Removes ids that are in, and lets some of the removed ones come back.
void keep_removing(Stage& stage) {
    for (std::uint64_t round = 0; !stage.over; ++round) {
        std::set<std::int64_t> leaving;
        std::int64_t returning = -1;
        for (std::uint64_t i = 0; i < 20; ++i) {
            const std::int64_t below = stage.ids_begun;
            const auto id = static_cast<std::int64_t>(draw(5, 100 * round + i) % static_cast<std::uint64_t>(below));
            if (id < 50) continue;  // so that there are always enough
            if (stage.phase(id) == Phase::in) leaving.insert(id);
            if (stage.phase(id) == Phase::gone) returning = id;
        }
        stage.leave({leaving.begin(), leaving.end()});
        if (returning >= 0) stage.enter(returning, 1);
        std::this_thread::yield();
    }
}

void check_readings(Stage& stage, std::int64_t id) {
    Faults& faults = stage.faults;
    const Phase before = stage.phase(id);
    const bool contained = stage.index.contains(id);
    std::vector<float> vector;
    try {
        vector = trial::get<float>(stage.index, {id});
    } catch (const UnknownIdError&) {
    }
    // Some ids come back, and one that was gone and is in again may have been either in between.
    const bool stays = id < 50;
    faults.expect(!stays || (before == Phase::in && contained && !vector.empty()), "gone" + of_id(id));
    faults.expect(before != Phase::never || !contained || stage.phase(id) != Phase::never,
                  "contained, though never added" + of_id(id));
    faults.expect(vector.empty() || vector == stage.vector_of(id) || is_changing(id), "a wrong vector" + of_id(id));
}

void keep_reading(Stage& stage) {
    Faults& faults = stage.faults;
    std::size_t largest = 0;
    for (std::uint64_t round = 0; !stage.over; ++round) {
        const std::int64_t below = stage.ids_begun;
        check_readings(stage, static_cast<std::int64_t>(draw(6, round) % static_cast<std::uint64_t>(below + 100)));
        check_readings(stage, static_cast<std::int64_t>(round % 50));
        faults.expect(stage.index.size() >= 50, "too small a size");
        const std::size_t bytes = stage.index.memory().vectors;
        faults.expect(bytes >= largest, "memory for vectors that shrinks");
        largest = bytes;
        if (round % 20 != 0) continue;
        const std::vector<std::int64_t> ids = stage.index.ids();
        faults.expect(std::is_sorted(ids.begin(), ids.end()), "ids out of order");
        faults.expect(std::adjacent_find(ids.begin(), ids.end()) == ids.end(), "an id twice");
        for (const std::int64_t id : ids)
            faults.expect(id >= 0 && id < kMostIds && stage.phase(id) != Phase::never, "an id nobody added");
        const GraphShape shape = stage.index.graph_shape();
        faults.expect(shape.size >= 50 && shape.top_level >= 0, "a graph without a shape");
    }
}

std::vector<float> changed(std::vector<float> vector) {
    vector.back() += 200;
    return vector;
}

void keep_updating(Stage& stage) {
    Watch nobody;
    for (std::uint64_t round = 0; !stage.over; ++round) {
        const std::int64_t id = kFirstChanging + static_cast<std::int64_t>(round % 10);
        const auto vector = stage.vector_of(id);
        const auto row = round / 10 % 2 == 0 ? changed(vector) : vector;
        stage.index.update({trial::bytes_of(row), 1, std::vector<std::int64_t>{id}}, 1, nobody);
        std::this_thread::yield();
    }
}

// Whoever asks finds such an id once, by its old vector or by its new one, and it is never missing.
void keep_asking_for_updated(Stage& stage) {
    Faults& faults = stage.faults;
    for (std::uint64_t round = 0; !stage.over; ++round) {
        const std::int64_t id = kFirstChanging + static_cast<std::int64_t>(draw(7, round) % 10);
        const auto own = stage.vector_of(id);
        const auto stored = trial::get<float>(stage.index, {id});
        faults.expect(stored == own || stored == changed(own), "neither the old vector nor the new" + of_id(id));
        faults.expect(stage.index.contains(id), "missing" + of_id(id));
        const auto snapshot = stage.index.snapshot();
        for (int again = 0; again < 2; ++again) {
            const auto found = trial::ask(*snapshot, changed(own), {.k = 20, .exact = again == 0});
            const auto times = std::count(found.ids.begin(), found.ids.end(), id);
            const bool now_changed = trial::get<float>(*snapshot, {id}) == changed(own);
            faults.expect(times <= 1, "twice" + of_id(id));
            faults.expect(!now_changed || again != 0 || times == 1, "not found where it is" + of_id(id));
        }
    }
}

void run_all(Stage& stage) {
    const std::int64_t first = stage.ids_begun;
    std::vector<std::function<void()>> parts;
    for (std::uint64_t seed = 0; seed < 3; ++seed) parts.emplace_back([&stage, seed] { keep_searching(stage, seed); });
    parts.emplace_back([&stage, first] { keep_adding(stage, first); });
    parts.emplace_back([&stage] { keep_removing(stage); });
    parts.emplace_back([&stage] { keep_reading(stage); });
    parts.emplace_back([&stage] { keep_updating(stage); });
    parts.emplace_back([&stage] { keep_asking_for_updated(stage); });

    std::vector<std::thread> threads;
    for (const auto& part : parts)
        threads.emplace_back([&stage, &part] {
            try {
                part();
            } catch (const std::exception& error) {
                stage.faults.expect(false, std::string("an exception: ") + error.what());
            }
        });
    const auto end = std::chrono::steady_clock::now() + time_of_a_test();
    while (std::chrono::steady_clock::now() < end && stage.faults.first().empty())
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stage.over = true;
    for (auto& thread : threads) thread.join();
}

// When all is quiet the index holds exactly the ids that are in, each with its vector.
void check_at_rest(Stage& stage) {
    std::vector<std::int64_t> expected;
    for (std::int64_t id = 0; id < kMostIds; ++id)
        if (stage.phase(id) == Phase::in) expected.push_back(id);
    CHECK(stage.index.ids() == expected);
    CHECK(stage.index.size() == expected.size());
    Watch nobody;
    const auto copy = Index::from_bytes(stage.index.to_bytes(), nobody);
    CHECK(copy->ids() == expected);
    for (std::size_t i = 0; i < expected.size(); i += 37)
        if (!is_changing(expected[i])) REQUIRE(trial::get<float>(*copy, {expected[i]}) == stage.vector_of(expected[i]));
}

void stress(const Options& options) {
    Stage stage(options);

    run_all(stage);

    CHECK(stage.faults.first() == "");
    CHECK(stage.faults.checks() > 100);
    CHECK(stage.clock > 0);
    check_at_rest(stage);
}

}  // namespace

TEST_CASE("searches, additions, removals and readings at once agree with what is in") {
    Options options = trial::options_with(8);
    options.M = 4;
    options.ef_construction = 30;

    stress(options);
}

TEST_CASE("searches, additions, removals and readings at once agree under inner product with growing norms") {
    Options options = trial::options_with(8, Metric::ip);
    options.M = 4;
    options.ef_construction = 30;

    stress(options);
}

TEST_CASE("searches, additions, removals and readings at once agree while the codes of walks are chosen anew") {
    // Whole numbers in more dimensions than few: walked on the vectors, then as bytes.
    Options options = trial::options_with(40);
    options.M = 4;
    options.ef_construction = 30;

    stress(options);
}

// Loops that are shared out among threads.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "base/team.hpp"

namespace {

using vicinal::Team;
using vicinal::Watch;

// Longer than the pause between two looks of a watch, whatever the machine's load.
constexpr std::chrono::milliseconds kBeyondThePause{60};

void run_counting(Team& team, std::size_t items, std::size_t grain, std::vector<std::atomic<int>>& counts) {
    Watch nobody;
    const bool whole = team.run(items, grain, nobody, [&](std::size_t, std::size_t first, std::size_t last) {
        for (std::size_t item = first; item < last; ++item) ++counts[item];
    });
    CHECK(whole);
}

bool all_once(const std::vector<std::atomic<int>>& counts) {
    return std::all_of(counts.begin(), counts.end(), [](const auto& count) { return count == 1; });
}

}  // namespace

TEST_CASE("a team hands out every item exactly once whatever the size, the grain and the number of threads") {
    for (const std::size_t threads : {1U, 2U, 3U, 5U, 8U}) {
        Team team(threads);
        for (const std::size_t items : {0U, 1U, 2U, 3U, 7U, 63U, 64U, 65U, 1'000U})
            for (const std::size_t grain : {1U, 2U, 3U, 7U, 64U, 999U, 5'000U}) {
                CAPTURE(threads);
                CAPTURE(items);
                CAPTURE(grain);
                std::vector<std::atomic<int>> counts(items);

                run_counting(team, items, grain, counts);

                CHECK(all_once(counts));
            }
    }
}

TEST_CASE("the pieces of a loop are consecutive items and never longer than the grain") {
    Team team(3);
    std::atomic<bool> in_order{true};

    team.run_whole(100, 7, [&](std::size_t, std::size_t first, std::size_t last) {
        if (first % 7 != 0 || last != std::min<std::size_t>(first + 7, 100)) in_order = false;
    });

    CHECK(in_order);
}

TEST_CASE("a member of a team works on one piece at a time, so that its scratch space is its own") {
    Team team(4);
    std::array<std::atomic<int>, 4> at_work{};
    std::atomic<bool> alone{true};

    team.run_whole(5'000, 1, [&](std::size_t member, std::size_t, std::size_t) {
        if (member >= team.size() || at_work[member]++ != 0) alone = false;
        std::this_thread::yield();
        --at_work[member];
    });

    CHECK(alone);
}

TEST_CASE("the members of a team work at the same time") {
    Team team(2);
    if (team.size() < 2) return;  // no second thread was to be had
    std::atomic<int> present{0};

    // Either item waits for the other: on one thread this would never end.
    team.run_whole(2, 1, [&](std::size_t, std::size_t, std::size_t) {
        ++present;
        while (present < 2) std::this_thread::yield();
    });

    CHECK(present == 2);
}

TEST_CASE("an exception of a body reaches the caller and the team can be used again") {
    for (const std::size_t threads : {1U, 2U, 5U}) {
        CAPTURE(threads);
        Team team(threads);
        Watch nobody;

        const auto failing = [](std::size_t, std::size_t first, std::size_t) {
            if (first == 37) throw std::out_of_range("item 37");
        };

        CHECK_THROWS_WITH_AS(team.run(100, 1, nobody, failing), "item 37", std::out_of_range);
        std::vector<std::atomic<int>> counts(100);
        run_counting(team, counts.size(), 1, counts);
        CHECK(all_once(counts));
    }
}

TEST_CASE("an exception of another thread than the caller's reaches the caller") {
    Team team(2);
    if (team.size() < 2) return;  // no second thread was to be had
    std::atomic<bool> thrown{false};

    const auto only_workers_fail = [&](std::size_t member, std::size_t, std::size_t) {
        if (member != 0) {
            thrown = true;
            throw std::out_of_range("a worker");
        }
        while (!thrown) std::this_thread::yield();
    };

    CHECK_THROWS_WITH_AS(team.run_whole(2, 1, only_workers_fail), "a worker", std::out_of_range);
}

TEST_CASE("when several bodies fail the caller gets one of the exceptions") {
    Team team(3);
    const auto always_failing = [](std::size_t, std::size_t, std::size_t) { throw std::out_of_range("always"); };

    CHECK_THROWS_WITH_AS(team.run_whole(1'000, 1, always_failing), "always", std::out_of_range);
}

TEST_CASE("after an exception the pieces not begun are left out, by the other threads too") {
    constexpr std::size_t kItems = 5'000;
    Team team(2);
    std::atomic<bool> thrown{false};
    std::atomic<std::size_t> begun{0};

    const auto first_fails = [&](std::size_t, std::size_t first, std::size_t) {
        ++begun;
        if (first == 0) {
            thrown = true;
            throw std::out_of_range("first");
        }
        while (!thrown) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    };

    CHECK_THROWS_WITH_AS(team.run_whole(kItems, 1, first_fails), "first", std::out_of_range);
    CHECK(begun < kItems);
}

TEST_CASE("a watch that has said stop keeps a loop from beginning") {
    Team team(2);
    Watch watch([](std::size_t, std::size_t) { return false; });
    watch.report(0, 0);
    std::atomic<int> begun{0};

    const bool whole = team.run(100, 1, watch, [&](std::size_t, std::size_t, std::size_t) { ++begun; });

    CHECK_FALSE(whole);
    CHECK(begun == 0);
}

TEST_CASE("a watch that says stop ends the loop after the pieces that have begun") {
    Team team(1);
    Watch watch([](std::size_t, std::size_t) { return false; });
    std::size_t finished = 0;

    const bool whole = team.run(100, 4, watch, [&](std::size_t, std::size_t first, std::size_t last) {
        finished += last - first;
        if (first == 40) watch.report(0, 0);
    });

    CHECK_FALSE(whole);
    CHECK(finished == 44);
}

TEST_CASE("a loop that must not be left half done goes on until its end") {
    Team team(2);
    std::vector<std::atomic<int>> counts(500);

    team.run_whole(counts.size(), 1, [&](std::size_t, std::size_t first, std::size_t) { ++counts[first]; });

    CHECK(all_once(counts));
}

TEST_CASE("a watch is told how many items are finished of how many") {
    Team team(1);
    std::vector<std::pair<std::size_t, std::size_t>> told;
    Watch watch([&](std::size_t done, std::size_t total) {
        told.emplace_back(done, total);
        return true;
    });
    const auto slow_once = [](std::size_t, std::size_t first, std::size_t) {
        if (first == 3) std::this_thread::sleep_for(kBeyondThePause);
    };

    SUBCASE("counted within the loop when nothing else is said") {
        team.run(10, 1, watch, slow_once);

        REQUIRE_FALSE(told.empty());
        CHECK(told.front().first >= 1);
        CHECK(told.front().first <= 4);
        CHECK(told.front().second == 10);
    }
    SUBCASE("counted on from what was done before") {
        team.run(10, 1, watch, slow_once, 100, 500);

        REQUIRE_FALSE(told.empty());
        CHECK(told.front().first >= 101);
        CHECK(told.front().first <= 104);
        CHECK(told.front().second == 500);
    }
    CHECK(std::is_sorted(told.begin(), told.end()));
}

TEST_CASE("only the calling thread asks the watch") {
    Team team(4);
    const auto caller = std::this_thread::get_id();
    bool by_caller = true;
    Watch watch([&](std::size_t, std::size_t) {
        by_caller = by_caller && std::this_thread::get_id() == caller;
        return true;
    });

    team.run(40, 1, watch,
             [](std::size_t, std::size_t, std::size_t) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); });

    CHECK(by_caller);
}

TEST_CASE("an exception of the watch reaches the caller of the loop") {
    Team team(2);
    Watch watch([](std::size_t, std::size_t) -> bool { throw vicinal::Stopped(); });

    const auto slow = [](std::size_t, std::size_t, std::size_t) { std::this_thread::sleep_for(kBeyondThePause); };

    CHECK_THROWS_AS(team.run(100, 1, watch, slow), vicinal::Stopped);
}

TEST_CASE("zero threads mean all usable processors and any other number means itself") {
    CHECK(vicinal::usable_processors() >= 1);
    CHECK(vicinal::resolve_threads(0) == vicinal::usable_processors());
    CHECK(vicinal::resolve_threads(1) == 1);
    CHECK(vicinal::resolve_threads(7) == 7);
}

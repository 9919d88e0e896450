// How a long call hears from its caller.
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/watch.hpp"

using vicinal::Watch;

TEST_CASE("a watch that asks nobody never stops") {
    Watch watch;

    CHECK(watch.look(1, 2));
    CHECK(watch.report(2, 2));
    CHECK_FALSE(watch.stopped());
}

TEST_CASE("a report asks at once and passes on how far the call is") {
    std::vector<std::size_t> told;
    Watch watch([&](std::size_t done, std::size_t total) {
        told = {done, total};
        return true;
    });

    CHECK(watch.report(3, 7));

    CHECK(told == std::vector<std::size_t>{3, 7});
    CHECK_FALSE(watch.stopped());
}

TEST_CASE("a look asks when the pause is over") {
    int asked = 0;
    Watch watch([&](std::size_t, std::size_t) {
        ++asked;
        return true;
    });

    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    CHECK(watch.look(1, 2));

    CHECK(asked == 1);
}

TEST_CASE("looks within the pause ask nobody") {
    int asked = 0;
    const auto begin = std::chrono::steady_clock::now();
    Watch watch([&](std::size_t, std::size_t) {
        ++asked;
        return true;
    });

    for (int look = 0; look < 100'000; ++look) watch.look(1, 2);

    // One question at most for each fifty milliseconds that this has taken.
    const auto passed = std::chrono::steady_clock::now() - begin;
    CHECK(asked <= passed / std::chrono::milliseconds(50));
}

TEST_CASE("a watch that has said stop stays stopped and is not asked again") {
    int asked = 0;
    Watch watch([&](std::size_t, std::size_t) { return ++asked > 1; });

    CHECK_FALSE(watch.report(1, 9));
    CHECK_FALSE(watch.report(2, 9));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    CHECK_FALSE(watch.look(3, 9));

    CHECK(watch.stopped());
    CHECK(asked == 1);
}

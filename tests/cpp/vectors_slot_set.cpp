// Sets of slots, against std::set.
#include <cstdint>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include "base/random.hpp"
#include "vectors/slot_set.hpp"

namespace {

using vicinal::draw;
using vicinal::SlotSet;
using Slots = std::vector<std::uint32_t>;

Slots members(const SlotSet& set) {
    Slots slots;
    set.for_each([&](std::uint32_t slot) { slots.push_back(slot); });
    return slots;
}

}  // namespace

TEST_CASE("a set of slots holds what was put in and not what was taken out") {
    SlotSet set;
    std::set<std::uint32_t> model;
    for (std::uint64_t step = 0; step < 400; ++step) {
        Slots some;
        for (std::uint64_t i = 0; i < draw(1, 3 * step) % 40; ++i)
            some.push_back(static_cast<std::uint32_t>(draw(2, 50 * step + i) % 20'000));
        const bool in = draw(3, step) % 2 == 0;
        set = in ? set.with(some) : set.without(some);
        for (const std::uint32_t slot : some) in ? void(model.insert(slot)) : void(model.erase(slot));

        REQUIRE(members(set) == Slots(model.begin(), model.end()));
        REQUIRE(set.size() == model.size());
        for (std::uint32_t slot = 0; slot < 20'100; slot += 7) REQUIRE(set.contains(slot) == model.contains(slot));
    }
}

TEST_CASE("a set that another was made from stays what it was") {
    const SlotSet before = SlotSet().with(Slots{1, 5'000, 90'000});
    const SlotSet more = before.with(Slots{2, 5'001}), fewer = before.without(Slots{1, 90'000});

    CHECK(members(before) == Slots{1, 5'000, 90'000});
    CHECK(members(more) == Slots{1, 2, 5'000, 5'001, 90'000});
    CHECK(members(fewer) == Slots{5'000});
}

TEST_CASE("sets are equal by what they hold, however they came by it") {
    CHECK(SlotSet().with(Slots{3, 70'000}).without(Slots{70'000}) == SlotSet().with(Slots{3}));
    CHECK(SlotSet().with(Slots{3}).without(Slots{3}) == SlotSet());
    CHECK_FALSE(SlotSet().with(Slots{3}) == SlotSet().with(Slots{4}));
    CHECK_FALSE(SlotSet().with(Slots{3}) == SlotSet().with(Slots{3, 4}));
}

// Keys that sort as candidates should, and the beam against a sorted set.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/random.hpp"
#include "graph/beam.hpp"
#include "graph/nearest.hpp"
#include "graph/visited.hpp"

namespace {

using vicinal::Beam;
using vicinal::Distance;
using vicinal::draw;
using vicinal::Key;

// What a beam should be: pairs of distance and slot, the nearest `width` of all that were merged.
class Model {
public:
    explicit Model(std::size_t width) : width_(width) {}

    void merge(const std::vector<std::uint32_t>& slots, const std::vector<Distance>& distances) {
        for (std::size_t i = 0; i < slots.size(); ++i) candidates_.emplace(distances[i], slots[i]);
        while (candidates_.size() > width_) candidates_.erase(std::prev(candidates_.end()));
    }
    // The nearest not yet expanded, `most` of them at most.
    std::vector<std::uint32_t> next(std::size_t most) const {
        std::vector<std::uint32_t> slots;
        for (const auto& candidate : candidates_)
            if (!expanded_.contains(candidate.second) && slots.size() < most) slots.push_back(candidate.second);
        return slots;
    }
    void expand(std::uint32_t slot) { expanded_.insert(slot); }
    const std::set<std::pair<Distance, std::uint32_t>>& candidates() const { return candidates_; }
    bool expanded(std::uint32_t slot) const { return expanded_.contains(slot); }

private:
    std::size_t width_;
    std::set<std::pair<Distance, std::uint32_t>> candidates_;
    std::set<std::uint32_t> expanded_;
};

std::vector<std::uint32_t> slots_of(std::span<const Key> keys) {
    std::vector<std::uint32_t> slots;
    for (const Key key : keys) slots.push_back(key.slot());
    return slots;
}

std::vector<std::uint32_t> peeked(const Beam& beam, std::size_t most) {
    std::vector<Key> next(most);
    return slots_of({next.data(), beam.peek_next(next)});
}

std::vector<std::uint32_t> expanded(Beam& beam, std::size_t most) {
    std::vector<Key> next(most);
    return slots_of({next.data(), beam.expand_next(next)});
}

bool alike(const Beam& beam, const Model& model) {
    std::size_t at = 0;
    if (beam.size() != model.candidates().size()) return false;
    for (const auto& [distance, slot] : model.candidates()) {
        const Key key = beam.keys()[at++];
        if (key.distance() != distance || key.slot() != slot || key.expanded() != model.expanded(slot)) return false;
    }
    return peeked(beam, 3) == model.next(3);
}

// Merges and expansions at random; few distances, so that many are equal.
void play(Beam& beam, std::size_t width, std::size_t most, std::uint64_t seed) {
    Model model(width);
    beam.reset(width, most);
    std::uint64_t counter = 0;
    const auto roll = [&](std::uint64_t below) { return draw(seed, counter++) % below; };
    const std::uint64_t kinds = 1 + roll(400);
    for (std::uint32_t fresh = 0; fresh < 1'000;) {
        std::vector<std::uint32_t> slots(roll(most + 1));
        std::vector<Distance> distances(slots.size());
        for (std::size_t i = 0; i < slots.size(); ++i) {
            // Every slot once, in no order.
            slots[i] = (fresh++ * 2'654'435'761U) & 0x7fff'ffffU;
            distances[i] = static_cast<Distance>(roll(kinds)) - 50.0F;
        }
        beam.merge(slots.data(), distances.data(), slots.size());
        model.merge(slots, distances);
        REQUIRE(alike(beam, model));
        for (std::uint64_t expansions = roll(4); expansions > 0; --expansions) {
            const std::vector<std::uint32_t> expected = model.next(expansions);
            REQUIRE(expanded(beam, expansions) == expected);
            for (const std::uint32_t slot : expected) model.expand(slot);
            REQUIRE(alike(beam, model));
        }
        if (slots.empty()) ++fresh;
    }
}

}  // namespace

TEST_CASE("keys are ordered by distance, negative and infinite ones included") {
    const float infinity = std::numeric_limits<float>::infinity();
    const float largest = std::numeric_limits<float>::max();
    const float smallest = std::numeric_limits<float>::denorm_min();
    const std::vector<float> ascending{-infinity, -largest, -2.5F,   -1.0F,   -smallest, 0.0F,
                                       smallest,  1.0F,     1.0001F, largest, infinity};

    for (std::size_t i = 0; i < ascending.size(); ++i)
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            CAPTURE(ascending[i]);
            CAPTURE(ascending[j]);
            // The larger slot stands with the smaller distance: distance comes first.
            const Key a(ascending[i], static_cast<std::uint32_t>(100 - i));
            const Key b(ascending[j], static_cast<std::uint32_t>(100 - j));
            CHECK((a < b) == (i < j));
        }
}

TEST_CASE("a key gives back its distance and its slot") {
    for (const float distance : {-std::numeric_limits<float>::infinity(), -3.75F, -1e-42F, 0.0F, 1e-42F, 7.5F,
                                 std::numeric_limits<float>::infinity()})
        for (const std::uint32_t slot : {0U, 1U, 0x1234'5678U, 0x7fff'ffffU}) {
            Key key(distance, slot);
            CHECK(key.distance() == distance);
            CHECK(key.slot() == slot);
            CHECK_FALSE(key.expanded());
            key.mark_expanded();
            CHECK(key.distance() == distance);
            CHECK(key.slot() == slot);
            CHECK(key.expanded());
        }
}

TEST_CASE("zero and negative zero are one distance, ordered by slot") {
    CHECK(Key(0.0F, 1) < Key(-0.0F, 2));
    CHECK(Key(-0.0F, 1) < Key(0.0F, 2));
    CHECK_FALSE(Key(-0.0F, 2) < Key(0.0F, 1));
}

TEST_CASE("a distance that is no number counts as farthest, whatever its sign") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const float odd : {nan, -nan}) {
        CHECK(Key(std::numeric_limits<float>::max(), 9) < Key(odd, 1));
        CHECK_FALSE(Key(odd, 1) < Key(-1.0F, 9));
        CHECK(Key(odd, 1).distance() == vicinal::kFarthest);
    }
}

TEST_CASE("equal distances are ordered by slot, and a mark does not change that") {
    Key nearer(1.0F, 3);
    nearer.mark_expanded();

    CHECK(nearer < Key(1.0F, 4));
    CHECK_FALSE(Key(1.0F, 4) < nearer);
}

TEST_CASE("a beam agrees with a sorted set under random merges and expansions") {
    Beam beam;  // one for all, as a thread keeps it
    std::uint64_t seed = 0;
    for (const std::size_t width : {1U, 2U, 3U, 10U, 47U, 48U, 49U, 64U, 127U, 300U})
        for (const std::size_t most : {1U, 2U, 4U, 32U, 48U, 49U, 64U}) {
            CAPTURE(width);
            CAPTURE(most);
            CAPTURE(seed);
            play(beam, width, most, seed++);
        }
}

TEST_CASE("an empty beam has nothing to expand") {
    Beam beam;
    beam.reset(5, 4);

    CHECK(beam.size() == 0);
    CHECK_FALSE(beam.full());
    CHECK(expanded(beam, 2).empty());
    CHECK(peeked(beam, 2).empty());
    beam.merge(nullptr, nullptr, 0);
    CHECK(beam.size() == 0);
}

TEST_CASE("a beam that is reset forgets what it held") {
    Beam beam;
    beam.reset(3, 4);
    const std::vector<std::uint32_t> slots{1, 2, 3};
    const std::vector<Distance> distances{1, 2, 3};
    beam.merge(slots.data(), distances.data(), 3);
    CHECK(beam.full());
    CHECK(beam.closest().slot() == 1);
    CHECK(expanded(beam, 1) == std::vector<std::uint32_t>{1});

    beam.reset(2, 4);

    CHECK(beam.size() == 0);
    beam.merge(slots.data(), distances.data(), 1);
    CHECK(expanded(beam, 1) == std::vector<std::uint32_t>{1});
}

TEST_CASE("a node is visited once until the marks are cleared") {
    vicinal::Visited visited;
    for (std::uint64_t round = 0; round < 20; ++round) {
        CAPTURE(round);
        const std::uint32_t slots = 100 + static_cast<std::uint32_t>(round) * 131;
        visited.make_room(slots);
        std::set<std::uint32_t> model;

        for (std::uint64_t step = 0; step < 500; ++step) {
            const auto slot = static_cast<std::uint32_t>(draw(round, step) % slots);
            REQUIRE(visited.visit(slot) == model.insert(slot).second);
        }
        visited.clear();
        for (std::uint32_t slot = 0; slot < slots; ++slot) REQUIRE(visited.visit(slot));
        visited.clear();
    }
}

TEST_CASE("the nearest k of a scan are the first k by distance and id") {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        CAPTURE(seed);
        const std::size_t k = 1 + draw(seed, 0) % 20;
        const std::size_t n = draw(seed, 1) % 60;
        vicinal::Nearest nearest;
        nearest.reset(k);
        std::vector<std::pair<Distance, std::int64_t>> all;

        for (std::size_t i = 0; i < n; ++i) {
            const auto distance = static_cast<Distance>(draw(seed, 10 + i) % 5);
            const auto id = static_cast<std::int64_t>((i * 37) % 61);
            if (distance <= nearest.bound()) nearest.offer({distance, vicinal::Id{id}});
            all.emplace_back(distance, id);
        }

        std::sort(all.begin(), all.end());
        all.resize(std::min(n, k));
        std::vector<std::pair<Distance, std::int64_t>> found;
        for (const auto& hit : nearest.sorted()) found.emplace_back(hit.distance, vicinal::number_of(hit.id));
        CHECK(found == all);
    }
}

TEST_CASE("a reserve keeps candidates beyond the width and none of them is expanded") {
    Beam beam;
    beam.reset(2, 4, 2);
    const std::uint32_t slots[] = {0, 1, 2, 3};
    const Distance distances[] = {3, 1, 4, 2};
    beam.merge(slots, distances, 4);

    std::array<Key, 4> nearest;
    REQUIRE(beam.peek_next(nearest) == 2);
    REQUIRE(beam.expand_next(nearest) == 2);
    CHECK(nearest[0].slot() == 1);
    CHECK(nearest[1].slot() == 3);
    CHECK(beam.expand_next(nearest) == 0);
    REQUIRE(beam.size() == 4);
    CHECK(beam.keys()[3].slot() == 2);

    // One that comes nearer than they are moves the second out of reach, and is expanded.
    const std::uint32_t fresh = 9;
    const Distance near = 1.5F;
    beam.merge(&fresh, &near, 1);
    CHECK(beam.size() == 4);
    REQUIRE(beam.expand_next(nearest) == 1);
    CHECK(nearest[0].slot() == 9);
    CHECK(beam.expand_next(nearest) == 0);
}

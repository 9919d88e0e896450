// From ids to slots, against std::unordered_map.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include <doctest/doctest.h>

#include "base/random.hpp"
#include "base/types.hpp"
#include "vectors/id_map.hpp"

namespace {

using vicinal::draw;
using vicinal::Id;
using vicinal::IdMap;
using vicinal::Slot;

// What somebody knows whose View has so many slots.
auto below(std::uint32_t count) {
    return [count](Slot slot) { return vicinal::index_of(slot) < count; };
}

// An IdMap beside what it should be. Slots are given out in order, as by an index, and never again.
class Pair {
public:
    void insert(Id id) {
        ids_.push_back(id);
        const auto slot = static_cast<std::uint32_t>(ids_.size() - 1);
        map_.reserve(map_.size() + 1, ids_.data());
        map_.insert(Slot{slot}, ids_.data());
        model_[id] = slot;
    }
    void erase(Id id) {
        map_.erase(Slot{model_.at(id)}, ids_.data());
        model_.erase(id);
    }
    bool holds(Id id) const { return model_.contains(id); }

    void check(Id id) const {
        const auto expected = model_.find(id);
        const std::optional<Slot> found = map_.find(id, ids_.data(), [](Slot) { return true; });
        REQUIRE(found.has_value() == (expected != model_.end()));
        if (found) REQUIRE(vicinal::index_of(*found) == expected->second);
    }
    void check_all() const {
        REQUIRE(map_.size() == model_.size());
        for (const auto& [id, slot] : model_) check(id);
    }
    std::size_t bytes() const { return map_.bytes(); }

private:
    IdMap map_;
    std::vector<Id> ids_;
    std::unordered_map<Id, std::uint32_t> model_;
};

// Inserts, erases and looks up ids of `pool` at random.
void shuffle(Pair& pair, const std::vector<Id>& pool, std::uint64_t seed, std::uint64_t steps) {
    for (std::uint64_t step = 0; step < steps; ++step) {
        const Id id = pool[draw(seed, 2 * step) % pool.size()];
        const std::uint64_t what = draw(seed, 2 * step + 1) % 4;
        if (what == 0)
            pair.check(id);
        else if (pair.holds(id))
            pair.erase(id);
        else
            pair.insert(id);
        if (step % 16 == 0) pair.check_all();
    }
    pair.check_all();
}

}  // namespace

TEST_CASE("an empty id map finds nothing") {
    const IdMap map;

    CHECK_FALSE(map.find(Id{0}, nullptr, below(0)).has_value());
    CHECK(map.size() == 0);
    CHECK(map.bytes() == 0);
}

TEST_CASE("an id map agrees with an unordered map under random insertions, erasures and look-ups") {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        CAPTURE(seed);
        Pair pair;
        std::vector<Id> pool;
        for (std::int64_t number = 0; number < 700; ++number) pool.push_back(Id{number});

        shuffle(pair, pool, seed, 5'000);
    }
}

// Where an id's search begins differs from process to process, so collisions cannot be arranged. A table of eight
// cells that holds six entries has them all the time, and runs that wrap around its end too.
TEST_CASE("an id map agrees with an unordered map in the smallest tables, full of collisions and wrapped runs") {
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        Pair pair;
        std::vector<Id> pool;
        for (std::uint64_t i = 0; i < 6; ++i) pool.push_back(Id{static_cast<std::int64_t>(draw(seed, i) >> 1)});

        shuffle(pair, pool, seed, 300);

        CHECK(pair.bytes() == 8 * sizeof(std::uint32_t));
    }
}

TEST_CASE("an id map agrees with an unordered map in tables that are four fifths full") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        CAPTURE(seed);
        Pair pair;
        std::vector<Id> pool;
        for (std::int64_t number = 0; number < 51; ++number) pool.push_back(Id{number * 1'000'003});
        for (const Id id : pool) pair.insert(id);

        shuffle(pair, pool, seed, 2'000);

        CHECK(pair.bytes() == 64 * sizeof(std::uint32_t));
    }
}

TEST_CASE("the largest ids are ids like others") {
    Pair pair;
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

    for (std::int64_t back = 0; back < 100; ++back) pair.insert(Id{kLargest - back});

    pair.check_all();
    pair.check(Id{kLargest - 100});
}

TEST_CASE("an id that was erased may be entered again for another slot") {
    Pair pair;
    for (int round = 0; round < 100; ++round) {
        pair.insert(Id{5});
        pair.check(Id{5});
        pair.erase(Id{5});
        pair.check(Id{5});
    }

    pair.check_all();
}

TEST_CASE("an id map takes as many bytes as was forecast and less than twelve an entry") {
    std::vector<Id> ids;
    for (std::int64_t number = 0; number < 10'000; ++number) ids.push_back(Id{number});
    for (const std::size_t count : {1U, 7U, 100U, 1'000U, 10'000U}) {
        CAPTURE(count);
        IdMap map;

        map.reserve(count, ids.data());
        for (std::uint32_t slot = 0; slot < count; ++slot) map.insert(Slot{slot}, ids.data());

        CHECK(map.bytes() == IdMap::bytes_for(count));
        CHECK(map.bytes() >= count * sizeof(std::uint32_t));
        if (count >= 100) CHECK(map.bytes() < count * 12);
    }
}

TEST_CASE("a reader finds what was there when it began, whatever the writer has entered and however it has grown") {
    std::vector<Id> ids;
    for (std::int64_t number = 0; number < 1'000; ++number) ids.push_back(Id{number});
    IdMap writer;
    writer.reserve(6, ids.data());
    for (std::uint32_t slot = 0; slot < 3; ++slot) writer.insert(Slot{slot}, ids.data());
    const IdMap reader = writer;

    writer.insert(Slot{3}, ids.data());
    CHECK_FALSE(reader.find(Id{3}, ids.data(), below(3)).has_value());
    CHECK(reader.find(Id{3}, ids.data(), below(4)).has_value());

    writer.reserve(1'000, ids.data());
    for (std::uint32_t slot = 4; slot < 1'000; ++slot) writer.insert(Slot{slot}, ids.data());
    for (std::uint32_t slot = 0; slot < 3; ++slot) writer.erase(Slot{slot}, ids.data());

    for (std::int64_t number = 0; number < 1'000; ++number) {
        CHECK(reader.find(Id{number}, ids.data(), below(3)).has_value() == (number < 3));
        CHECK(writer.find(Id{number}, ids.data(), below(1'000)).has_value() == (number >= 3));
    }
}

TEST_CASE("entries that come and go at one size do not make an id map grow") {
    Pair pair;
    for (std::int64_t number = 0; number < 400; ++number) pair.insert(Id{number});
    const std::size_t bytes = pair.bytes();

    for (std::int64_t number = 0; number < 20'000; ++number) {
        pair.erase(Id{number});
        pair.insert(Id{number + 400});
    }

    pair.check_all();
    CHECK(pair.bytes() == bytes);
}

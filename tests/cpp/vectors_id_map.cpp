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
using vicinal::mix;
using vicinal::Slot;

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
        map_.erase(id, ids_.data());
        model_.erase(id);
    }
    bool holds(Id id) const { return model_.contains(id); }

    void check(Id id) const {
        const auto expected = model_.find(id);
        const std::optional<Slot> found = map_.find(id, ids_.data());
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
        if (step % 64 == 0) pair.check_all();
    }
    pair.check_all();
}

// Ids whose search begins in one of the given cells of a table of `cells`.
std::vector<Id> ids_at_home_in(std::uint64_t first_cell, std::uint64_t last_cell, std::uint64_t cells,
                               std::size_t count) {
    std::vector<Id> ids;
    for (std::int64_t number = 0; ids.size() < count; ++number) {
        const std::uint64_t home = mix(static_cast<std::uint64_t>(number)) % cells;
        if (home >= first_cell && home <= last_cell) ids.push_back(Id{number});
    }
    return ids;
}

}  // namespace

TEST_CASE("an empty id map finds nothing") {
    const IdMap map;

    CHECK_FALSE(map.find(Id{0}, nullptr).has_value());
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

TEST_CASE("an id map agrees with an unordered map when all ids begin in the same cells") {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        CAPTURE(seed);
        Pair pair;

        // At most 48 entries are in a table of 64 cells: all of them begin in two of these.
        shuffle(pair, ids_at_home_in(20, 21, 64, 48), seed, 3'000);
    }
}

TEST_CASE("an id map agrees with an unordered map when its runs wrap around the end of the table") {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        CAPTURE(seed);
        Pair pair;
        std::vector<Id> pool = ids_at_home_in(61, 63, 64, 24);
        const std::vector<Id> beginning = ids_at_home_in(0, 3, 64, 24);
        pool.insert(pool.end(), beginning.begin(), beginning.end());

        shuffle(pair, pool, seed, 3'000);
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
    const std::vector<Id> ids = ids_at_home_in(0, 0, 1, 10'000);
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

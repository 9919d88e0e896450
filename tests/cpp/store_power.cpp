// A loss of power at every event of a disk: what was promised is there, and nothing that never was.
#include <doctest/doctest.h>

#include <cstdlib>

#include "file_memory_disk.hpp"
#include "index/store.hpp"
#include "persist_samples.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

Options small_options() {
    Options options;
    options.dim = 5;
    options.M = 3;
    options.ef_construction = 8;
    return options;
}

// What a store went through, and the index after each step.
struct Course {
    std::vector<Bytes> states;  // the first: before the store was made, empty
    std::size_t promised = 0;   // the state that has to be there, at least
    std::size_t begun = 0;      // and at most

    void begin() { ++begun; }
    void keep() { promised = begun; }
};

// Fails where the disk fails. Every kind of call, with the files written anew twice.
void go_through(MemoryDisk& disk, Durability durability, Course& course, bool record) {
    Watch watch;
    const Options options = small_options();
    course.begin();
    auto store = Store::open(disk, "index", options, durability, watch);
    course.keep();
    const auto after = [&](bool kept) {
        if (record) course.states.push_back(store->index().to_bytes());
        if (kept) course.keep();
    };
    after(true);
    const bool each = durability == Durability::every_call;
    const auto add = [&](std::size_t n, unsigned seed) {
        course.begin();
        const Bytes rows = random_vectors(options, n, seed);
        store->add({rows.data(), n, {}, {}}, 1, watch);
        store->commit();
        after(each);
    };
    const auto remove = [&](std::int64_t id) {
        course.begin();
        store->remove(std::vector<std::int64_t>{id}, 1, watch);
        store->commit();
        after(each);
    };
    const auto update = [&](std::int64_t id, unsigned seed) {
        course.begin();
        const Bytes rows = random_vectors(options, 1, seed);
        const std::vector<std::int64_t> ids{id};
        store->update({rows.data(), 1, ids}, 1, watch);
        store->commit();
        after(each);
    };
    const auto sync = [&] {
        store->sync(watch);
        course.keep();
    };
    add(30, 1);
    add(1, 2);
    remove(4);
    sync();
    add(1, 3);
    add(2, 4);
    store->checkpoint(watch);
    course.keep();
    add(1, 5);
    remove(7);
    update(5, 90);
    add(1, 6);
    sync();
    add(1, 7);
    remove(31);
    store->close(watch);
    course.keep();
    store.reset();
    store = Store::open(disk, "index", {}, durability, watch);
    add(1, 8);
    add(1, 9);
}

std::size_t number_from_environment(const char* name, std::size_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("a loss of power at any event leaves a state between two calls, not older than what was promised") {
    const std::size_t rounds = number_from_environment("VICINAL_POWER_ROUNDS", 4);
    const std::size_t seed = number_from_environment("VICINAL_SEED", 0);
    std::size_t states = 0, with_dropped_tail = 0;
    for (const Durability durability : {Durability::none, Durability::batched, Durability::every_call}) {
        Course whole;
        std::size_t events = 0;
        {
            MemoryDisk disk;
            go_through(disk, durability, whole, true);
            events = disk.events();
        }
        REQUIRE(events > 60);
        for (std::size_t event = 0; event < events; ++event) {
            for (const Loss loss : kLosses) {
                const bool drawn = loss == Loss::some_kept || loss == Loss::torn;
                for (std::size_t round = 0; round < (drawn ? rounds : 1); ++round) {
                    std::mt19937 random(static_cast<unsigned>(1'000'003 * seed + 1'000 * event + round));
                    MemoryDisk disk;
                    disk.fail_at(event);
                    Course course;
                    CHECK_THROWS_AS(go_through(disk, durability, course, false), PowerLost);
                    disk.lose_power(loss, random);
                    INFO("durability " << int(durability) << ", event " << event << ", loss " << int(loss) << ", round "
                                       << round << ", promised " << course.promised << ", begun " << course.begun);

                    Watch watch;
                    std::unique_ptr<Store> store;
                    REQUIRE_NOTHROW(store = Store::open(disk, "index", small_options(), durability, watch));
                    const Bytes found = store->index().to_bytes();
                    bool allowed = false;
                    for (std::size_t i = std::max<std::size_t>(course.promised, 1);
                         i <= std::max<std::size_t>(course.begun, 1); ++i)
                        allowed = allowed || found == whole.states[i - 1];
                    CHECK(allowed);
                    with_dropped_tail += store->facts().dropped_bytes != 0 ? 1U : 0U;
                    // And it goes on.
                    const Bytes row = random_vectors(small_options(), 1, 99);
                    store->add({row.data(), 1, {}, {}}, 1, watch);
                    store->sync(watch);
                    const Bytes after = store->index().to_bytes();
                    store.reset();
                    disk.lose_power(Loss::nothing_kept, random);
                    store = Store::open(disk, "index", {}, durability, watch);
                    CHECK(store->index().to_bytes() == after);
                    ++states;
                }
            }
        }
    }
    MESSAGE(states << " states after a loss of power, " << with_dropped_tail << " with a torn tail");
    CHECK(states >= 2'000);
    CHECK(with_dropped_tail > 20);
}

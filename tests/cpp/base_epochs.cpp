// When old memory may go.
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/epochs.hpp"

namespace {

using vicinal::Epochs;

constexpr std::size_t kSeats = 128;  // of Epochs

// A seat that can be left early: seats themselves neither move nor copy.
struct Sitter {
    explicit Sitter(const Epochs& epochs) : seat(epochs.sit()) {}
    Epochs::Seat seat;
};

}  // namespace

TEST_CASE("nothing holds back what was replaced when nobody is reading") {
    Epochs epochs;

    const auto time = epochs.tick();

    CHECK(epochs.passed(time));
}

TEST_CASE("a reader who sat down before a replacement holds the old back until it leaves") {
    Epochs epochs;
    auto reader = std::make_unique<Sitter>(epochs);

    const auto time = epochs.tick();

    CHECK_FALSE(epochs.passed(time));
    epochs.tick();
    CHECK_FALSE(epochs.passed(time));
    reader.reset();
    CHECK(epochs.passed(time));
}

TEST_CASE("a reader who sat down after a replacement does not hold the old back") {
    Epochs epochs;

    const auto earlier = epochs.tick();
    const Sitter reader(epochs);
    const auto later = epochs.tick();

    CHECK(epochs.passed(earlier));
    CHECK_FALSE(epochs.passed(later));
}

TEST_CASE("one old reader among many young ones is enough to hold the old back") {
    Epochs epochs;
    std::deque<std::unique_ptr<Sitter>> readers;
    for (int i = 0; i < 50; ++i) readers.push_back(std::make_unique<Sitter>(epochs));
    const auto time = epochs.tick();
    for (int i = 0; i < 50; ++i) readers.push_back(std::make_unique<Sitter>(epochs));

    for (int i = 0; i < 49; ++i) readers.pop_front();

    CHECK_FALSE(epochs.passed(time));
    readers.pop_front();
    CHECK(epochs.passed(time));
}

TEST_CASE("every seat counts when all are taken, and whoever comes then waits for one that is left") {
    Epochs epochs;
    std::vector<std::unique_ptr<Sitter>> readers;
    for (std::size_t i = 0; i < kSeats; ++i) readers.push_back(std::make_unique<Sitter>(epochs));
    const auto time = epochs.tick();
    std::atomic<bool> seated{false};
    std::atomic<bool> leave{false};

    std::thread late([&] {
        const Sitter sitter(epochs);
        seated = true;
        while (!leave) std::this_thread::yield();
    });
    for (int i = 0; i < 1'000; ++i) std::this_thread::yield();

    CHECK_FALSE(seated);
    readers[77].reset();
    while (!seated) std::this_thread::yield();
    CHECK_FALSE(epochs.passed(time));
    readers.clear();
    CHECK(epochs.passed(time));
    leave = true;
    late.join();
}

TEST_CASE("more readers than seats all get their turn") {
    Epochs epochs;
    std::atomic<int> turns{0};
    std::vector<std::thread> threads;

    for (std::size_t i = 0; i < kSeats + 32; ++i)
        threads.emplace_back([&] {
            for (int turn = 0; turn < 20; ++turn) {
                const Sitter sitter(epochs);
                ++turns;
                std::this_thread::yield();
            }
        });
    for (auto& thread : threads) thread.join();

    CHECK(turns == static_cast<int>(kSeats + 32) * 20);
    CHECK(epochs.passed(epochs.tick()));
}

TEST_CASE("memory that was replaced is never freed under a reader") {
    // A writer replaces a number again and again and marks the freed ones; no reader may meet a mark.
    constexpr int kFreed = -1;
    constexpr int kReplacements = 20'000;
    Epochs epochs;
    std::deque<std::atomic<int>> numbers(1);
    std::atomic<std::atomic<int>*> current{&numbers.front()};
    std::atomic<bool> over{false};
    std::atomic<int> met{0};

    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&] {
            while (!over) {
                const Sitter sitter(epochs);
                const std::atomic<int>* number = current.load();
                for (int look = 0; look < 5; ++look)
                    if (number->load() == kFreed) ++met;
            }
        });
    struct Old {
        std::atomic<int>* number;
        Epochs::Time time;
    };
    std::vector<Old> retired;
    for (int i = 1; i <= kReplacements; ++i) {
        std::atomic<int>* const old = current.exchange(&numbers.emplace_back(i));
        retired.push_back({old, epochs.tick()});
        std::erase_if(retired, [&](const Old& one) {
            if (!epochs.passed(one.time)) return false;
            one.number->store(kFreed);
            return true;
        });
    }
    over = true;
    for (auto& reader : readers) reader.join();

    CHECK(met == 0);
    CHECK(retired.size() < kReplacements);
}

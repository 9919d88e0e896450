// When may old memory go? When nobody can still be reading it.
//
// Readers take a seat for as long as they read; the seat says since when. A writer that replaces something stamps
// the old one with the time of its replacement, and frees it once every seat is empty or younger. No reader ever
// waits for a writer or for another reader (short of kSeats at once), and a seat costs one uncontended exchange.
//
// In a forked child the seats of the threads that are gone stay taken, and what was replaced stays too: memory, not a
// wait.
//
// Everything is sequentially consistent on the variables themselves: a reader takes its seat before it looks at
// what it will read, a writer publishes the new before it looks at the seats; so a writer that sees an empty seat
// knows that whoever sits down later sees the new.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace vicinal {

class Epochs {
public:
    using Time = std::uint64_t;

    class Seat {
    public:
        explicit Seat(std::atomic<Time>& since) : since_(&since) {}
        ~Seat() { since_->store(0, std::memory_order_release); }
        Seat(const Seat&) = delete;
        Seat& operator=(const Seat&) = delete;

    private:
        std::atomic<Time>* since_;
    };

    Seat sit() const {
        static thread_local const std::size_t kFirst = std::hash<std::thread::id>{}(std::this_thread::get_id());
        for (std::size_t attempt = kFirst;; ++attempt) {
            std::atomic<Time>& since = seats_[attempt % kSeats].since;
            Time empty = 0;
            if (since.load(std::memory_order_relaxed) == 0 && since.compare_exchange_strong(empty, now_.load()))
                return Seat(since);
            if (attempt - kFirst >= kSeats) std::this_thread::yield();
        }
    }

    // The time of a replacement that has just been published.
    Time tick() { return now_.fetch_add(1); }

    // True when whatever was replaced at `time` can no longer be seen.
    bool passed(Time time) const {
        for (const auto& seat : seats_) {
            const Time since = seat.since.load();
            if (since != 0 && since <= time) return false;
        }
        return true;
    }

private:
    static constexpr std::size_t kSeats = 128;
    struct alignas(64) Line {
        std::atomic<Time> since{0};
    };
    mutable std::array<Line, kSeats> seats_;
    std::atomic<Time> now_{1};
};

}  // namespace vicinal

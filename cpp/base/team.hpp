// The threads of one call: started by it, joined by it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/watch.hpp"

namespace vicinal {

// Runs loops on a fixed number of threads, the calling one among them. Work is handed out in pieces of `grain`
// consecutive items; which thread gets which piece is left to chance, so a body must not let it matter.
//
// The first exception of a body ends the loop and is thrown to the caller. When the watch says stop, pieces not yet
// begun are left out and run() returns false.
class Team {
public:
    // (member, first, last): member is 0 .. size() - 1, for scratch space; items [first, last).
    using Body = std::function<void(std::size_t member, std::size_t first, std::size_t last)>;

    explicit Team(std::size_t size);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    std::size_t size() const { return workers_.size() + 1; }

    // `done` and `total` are what the watch is told; each finished item counts one.
    bool run(std::size_t items, std::size_t grain, Watch& watch, const Body& body, std::size_t done = 0,
             std::size_t total = 0);
    // The same for a loop that must not be left half done.
    void run_whole(std::size_t items, std::size_t grain, const Body& body);

private:
    struct Loop {
        std::size_t items, grain;
        const Body* body;
        const Watch* watch;  // none: cannot be stopped
    };
    bool run_alone(std::size_t items, std::size_t grain, const Body& body);
    void work(std::size_t member);
    void await_workers();
    void fail();
    void serve(std::size_t member);

    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable begin_, end_;
    std::size_t generation_ = 0;  // counts loops; guarded by mutex_, as are the three below
    std::size_t busy_ = 0;
    bool closing_ = false;
    std::exception_ptr error_;
    Loop loop_{};
    std::atomic<std::size_t> next_{0};
    std::atomic<std::size_t> finished_{0};
    Watch* asker_ = nullptr;  // used by the calling thread only
    std::size_t done_ = 0, total_ = 0;
};

// Who works on a call, and whom it asks whether to go on.
struct Crew {
    Team& team;
    Watch& watch;

    // A loop that counts as nothing. False, and some of it was left out, when the watch said stop.
    bool aside(std::size_t items, std::size_t grain, const Team::Body& body) const;
};

// All the processors this process may use (its affinity), at least one.
std::size_t usable_processors();

// What `threads` of the public interface means: 0 is all usable processors.
std::size_t resolve_threads(std::size_t threads);

}  // namespace vicinal

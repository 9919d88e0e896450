// How a long call hears from its caller.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>

namespace vicinal {

// Tells a caller how far a call has come, and asks it whether to go on. Only the calling thread looks, at most once
// in kPause, so that the caller's answer may be costly (taking Python's lock, running its signal handlers).
class Watch {
public:
    using Ask = std::function<bool(std::size_t done, std::size_t total)>;  // false: stop

    static constexpr std::chrono::milliseconds kPause{50};

    Watch() = default;
    explicit Watch(Ask ask, std::chrono::milliseconds pause = kPause) : ask_(std::move(ask)), pause_(pause) {}

    // True while the call shall go on.
    bool look(std::size_t done, std::size_t total) {
        if (!ask_) return true;
        done_ = done;
        total_ = total;
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < pause_) return !stopped();
        last_ = now;
        return report(done, total);
    }

    // The same from within a step that counts as nothing.
    bool again() { return look(done_, total_); }

    // Without the pause: for the first and the last word of a call.
    bool report(std::size_t done, std::size_t total) {
        if (!ask_) return !stopped();
        done_ = done;
        total_ = total;
        if (!stopped() && !ask_(done, total)) stop_.store(true, std::memory_order_relaxed);
        return !stopped();
    }

    // Any thread may read this between two pieces of work.
    bool stopped() const { return stop_.load(std::memory_order_relaxed); }

private:
    Ask ask_;
    std::chrono::milliseconds pause_{kPause};
    std::size_t done_ = 0, total_ = 0;  // as last told
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
    std::atomic<bool> stop_{false};
};

// What a long piece of work asks between two of its steps. Only one that runs on the calling thread asks the caller.
struct Checkpoint {
    Watch* watch = nullptr;  // none: always go on
    bool asks = false;
    bool go_on() const { return watch == nullptr || (asks ? watch->again() : !watch->stopped()); }
};

}  // namespace vicinal

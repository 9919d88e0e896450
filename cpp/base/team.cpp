#include "base/team.hpp"

#include <algorithm>
#include <new>
#include <system_error>

#if defined(__linux__)
#include <sched.h>
#endif

namespace vicinal {

Team::Team(std::size_t size) {
    try {
        if (size > 1) workers_.reserve(size - 1);
        for (std::size_t member = 1; member < size; ++member) workers_.emplace_back([this, member] { serve(member); });
    } catch (const std::system_error&) {
        // No more threads to be had: the ones that started, and the calling one, do the work.
    } catch (const std::bad_alloc&) {
        // No memory for more: the same.
    }
}

Team::~Team() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    begin_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

bool Team::run(std::size_t items, std::size_t grain, Watch& watch, const Body& body, std::size_t done,
               std::size_t total) {
    asker_ = &watch;
    done_ = done;
    total_ = total == 0 ? items : total;
    asker_->look(done_, total_);
    if (workers_.empty()) return run_alone(items, std::max<std::size_t>(grain, 1), body);
    {
        const std::lock_guard lock(mutex_);
        loop_ = {items, std::max<std::size_t>(grain, 1), &body, &watch};
        next_.store(0, std::memory_order_relaxed);
        finished_.store(0, std::memory_order_relaxed);
        error_ = nullptr;
        ++generation_;
        busy_ = workers_.size();
    }
    begin_.notify_all();
    work(0);
    await_workers();
    if (error_) std::rethrow_exception(error_);
    return finished_.load(std::memory_order_relaxed) == items;
}

// Without a lock or an atomic: a team of one is what a single query gets, and that may take less than a microsecond.
bool Team::run_alone(std::size_t items, std::size_t grain, const Body& body) {
    for (std::size_t first = 0; first < items; first += grain) {
        if (asker_->stopped()) return false;
        const std::size_t last = std::min(first + grain, items);
        body(0, first, last);
        asker_->look(done_ + last, total_);
    }
    return true;
}

void Team::run_whole(std::size_t items, std::size_t grain, const Body& body) {
    Watch nobody;
    run(items, grain, nobody, body);
}

// The calling thread may be done long before the others, and nobody else can stop them: it goes on asking.
void Team::await_workers() {
    std::unique_lock lock(mutex_);
    while (!end_.wait_for(lock, Watch::kPause, [this] { return busy_ == 0; })) {
        lock.unlock();
        try {
            asker_->look(done_ + finished_.load(std::memory_order_relaxed), total_);
        } catch (...) {
            fail();
        }
        lock.lock();
    }
}

// In a handler: its exception is the loop's, if it is the first, and pieces not yet begun are left out.
void Team::fail() {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
    next_.store(loop_.items, std::memory_order_relaxed);
}

bool Crew::aside(std::size_t items, std::size_t grain, const Team::Body& body) const {
    if (watch.stopped()) return false;
    Watch relay([this](std::size_t, std::size_t) { return watch.again(); }, std::chrono::milliseconds(0));
    return team.run(items, grain, relay, body);
}

void Team::work(std::size_t member) {
    try {
        for (;;) {
            if (loop_.watch->stopped()) return;
            const std::size_t first = next_.fetch_add(loop_.grain, std::memory_order_relaxed);
            if (first >= loop_.items) return;
            const std::size_t last = std::min(first + loop_.grain, loop_.items);
            (*loop_.body)(member, first, last);
            const std::size_t finished = finished_.fetch_add(last - first, std::memory_order_relaxed) + (last - first);
            if (member == 0) asker_->look(done_ + finished, total_);
        }
    } catch (...) {
        fail();
    }
}

void Team::serve(std::size_t member) {
    std::size_t seen = 0;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            begin_.wait(lock, [&] { return closing_ || generation_ != seen; });
            if (closing_) return;
            seen = generation_;
        }
        work(member);
        {
            const std::lock_guard lock(mutex_);
            --busy_;
        }
        end_.notify_one();
    }
}

std::size_t usable_processors() {
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<std::size_t>(std::max(CPU_COUNT(&set), 1));
#endif
    return std::max(std::thread::hardware_concurrency(), 1u);
}

std::size_t resolve_threads(std::size_t threads) { return threads == 0 ? usable_processors() : threads; }

}  // namespace vicinal

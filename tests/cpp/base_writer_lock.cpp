// One writer at a time, and no wait for one that a fork has left behind.
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "base/writer_lock.hpp"

namespace {

using vicinal::ForkedError;
using vicinal::WriterLock;

bool holds_in_a_child(const std::function<bool()>& what) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(what() ? 0 : 1);
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_left_behind(WriterLock& lock) {
    try {
        lock.lock();
        return false;
    } catch (const ForkedError&) {
        return true;
    }
}

}  // namespace

TEST_CASE("writers wait for each other") {
    WriterLock lock;
    int count = 0;  // no atomic: the lock is what makes it right
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&] {
            for (int i = 0; i < 5'000; ++i) {
                const std::lock_guard guard(lock);
                ++count;
            }
        });
    for (std::thread& thread : threads) thread.join();

    CHECK(count == 20'000);
}

TEST_CASE("a lock that was held when the process forked is not waited for in the child") {
    WriterLock lock;
    {
        const std::lock_guard guard(lock);
        CHECK(holds_in_a_child([&] { return is_left_behind(lock) && is_left_behind(lock); }));
    }
    CHECK_FALSE(is_left_behind(lock));
    lock.unlock();
}

TEST_CASE("a lock that was free when the process forked is the child's own") {
    WriterLock lock;

    CHECK(holds_in_a_child([&] {
        lock.lock();
        lock.unlock();
        return true;
    }));
    CHECK_FALSE(is_left_behind(lock));
    lock.unlock();
}

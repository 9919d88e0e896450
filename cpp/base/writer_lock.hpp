// The lock of a writer, whom a fork may leave behind.
//
// A child of fork() has only the thread that forked. A mutex that another thread of the parent held stays held in the
// child for ever, and what it guards may be half changed. So this one remembers the process of its holder, in the very
// word that is the lock: a holder of another process is one that will never come back, and whoever wants the lock is
// told so. Whatever the child may do without this lock (search, look things up), it may go on doing.
#pragma once

#include <unistd.h>

#include <atomic>

#include "base/errors.hpp"

namespace vicinal {

class WriterLock {
public:
    // Throws ForkedError, or ReadOnlyError once it is closed.
    void lock() {
        const int here = ::getpid();
        for (int holder = 0; !holder_.compare_exchange_weak(holder, here, std::memory_order_acquire); holder = 0) {
            if (holder == kClosed)
                throw ReadOnlyError(
                    "this index is read only: it is a snapshot, or used where it lies in its file (mmap)");
            if (holder != 0 && holder != here) throw ForkedError();
            if (holder != 0) holder_.wait(holder, std::memory_order_relaxed);
        }
    }

    void unlock() {
        holder_.store(0, std::memory_order_release);
        holder_.notify_one();
    }

    // There is nothing to be changed, ever. Requires: nobody holds or wants the lock.
    void close() { holder_.store(kClosed, std::memory_order_relaxed); }

private:
    static constexpr int kClosed = -1;
    std::atomic<int> holder_{0};  // its process; 0: nobody
};

}  // namespace vicinal

// A block of zeroed memory that the processor finds quickly.
//
// A graph search reads rows at random, and on a virtual machine half of each such read is spent finding the page:
// 213 ns against 132 ns for a row of 784 bytes (two-core Zen 3, 4 KB against 2 MB pages). Plain malloc gets no huge
// pages where the system hands them out on request only, so large blocks are mapped, aligned to 2 MB, and ask.
// Memory that was never touched costs address space alone: a table may set room aside for its growth.
#pragma once

#include <cstddef>

namespace vicinal {

class Arena {
public:
    static constexpr std::size_t kHugePage = std::size_t{2} << 20;
    static constexpr std::size_t kLine = 64;  // bytes of a cache line; every arena starts on one

    explicit Arena(std::size_t bytes);  // throws std::bad_alloc
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    void* mapping_ = nullptr;  // none: data_ is from the heap
    std::size_t mapped_ = 0;
};

}  // namespace vicinal

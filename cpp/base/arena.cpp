#include "base/arena.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>

#include "base/checked.hpp"

namespace vicinal {

Arena::Arena(std::size_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    if (bytes < kHugePage) {
        // A small index must not take 2 MB for each of its tables.
        data_ = static_cast<std::byte*>(::operator new(round_up(bytes, kLine), std::align_val_t{kLine}));
        std::memset(data_, 0, bytes);
        return;
    }
    mapped_ = checked_add(round_up(bytes, kHugePage), kHugePage);
    mapping_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) throw std::bad_alloc();
    const auto start = round_up(reinterpret_cast<std::uintptr_t>(mapping_), kHugePage);
    data_ = reinterpret_cast<std::byte*>(start);
#if defined(MADV_HUGEPAGE)
    // Advice: refusal costs speed, not correctness. The tail, less than a huge page, is left to small ones: an index is
    // nine tables, and to round each up to 2 MB took 8 MB more than it holds.
    const std::size_t whole = bytes / kHugePage * kHugePage;
    ::madvise(data_, whole, MADV_HUGEPAGE);
    ::madvise(data_ + whole, round_up(bytes, kHugePage) - whole, MADV_NOHUGEPAGE);
#endif
}

Arena::~Arena() {
    if (mapping_ != nullptr)
        ::munmap(mapping_, mapped_);
    else if (data_ != nullptr)
        ::operator delete(data_, std::align_val_t{kLine});
}

}  // namespace vicinal

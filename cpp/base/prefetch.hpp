// Asking for memory before it is needed.
#pragma once

#include <cstddef>

namespace vicinal {

inline void prefetch(const void* address) { __builtin_prefetch(address); }

// Into the second-level cache (2), where many may be on their way at once; read only (0).
[[gnu::always_inline]] inline void prefetch_bytes(const void* address, std::size_t bytes) {
    const char* line = static_cast<const char*>(address);
    for (std::size_t offset = 0; offset < bytes; offset += 64) __builtin_prefetch(line + offset, 0, 2);
}

}  // namespace vicinal

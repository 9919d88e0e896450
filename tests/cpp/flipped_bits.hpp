// Which bits of a file are flipped, one after the other.
#pragma once

#include <cstddef>

namespace vicinal::trial {

// All of them; but a file is read by one thread, in which the thread sanitizer has nothing to find and takes ten times
// as long: there every ninth, which is each place in a byte in turn.
#ifdef __SANITIZE_THREAD__
constexpr std::size_t kBitStep = 9;
#else
constexpr std::size_t kBitStep = 1;
#endif

constexpr std::size_t flipped_bits(std::size_t bytes) { return (8 * bytes + kBitStep - 1) / kBitStep; }

}  // namespace vicinal::trial

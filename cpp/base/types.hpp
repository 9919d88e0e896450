// The words everything else is said in.
#pragma once

#include <cstdint>
#include <limits>

namespace vicinal {

// Our row number. It says where a vector lies and nothing else: rows may be stored in any order, and no result
// depends on it. 31 bits, because a beam key keeps the last of 32 for "expanded".
enum class Slot : std::uint32_t {};

// The user's number of a vector, 0 .. 2^63 - 1.
enum class Id : std::int64_t {};

constexpr std::uint32_t index_of(Slot slot) { return static_cast<std::uint32_t>(slot); }
constexpr std::int64_t number_of(Id id) { return static_cast<std::int64_t>(id); }

constexpr std::uint32_t kMaxSlots = std::uint32_t{1} << 31;
constexpr Id kNoId{-1};  // pads rows of results that are shorter than k

// Layer of the graph: 0 holds every node.
using Level = int;
constexpr Level kMaxLevel = 16;  // With M = 16, level 16 is expected once in 16^16 nodes; a file that says more is
                                 // damaged, not lucky. (With M = 2 it is met at 65 536 nodes, and drawn no higher.)

// Smaller is closer, for every metric.
using Distance = float;
constexpr Distance kFarthest = std::numeric_limits<Distance>::infinity();

// Infinities can meet in an inner product of numbers near the end of float32 and leave NaN, which compares with
// nothing: it counts as farthest.
constexpr Distance comparable(Distance distance) { return distance < kFarthest ? distance : kFarthest; }

}  // namespace vicinal

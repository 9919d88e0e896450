// One query through the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "codecs/space.hpp"
#include "graph/nearest.hpp"
#include "graph/scratch.hpp"
#include "graph/view.hpp"
#include "graph/walk.hpp"

namespace vicinal {

struct Asked {
    std::size_t k = 10;
    std::size_t width = 64;  // of the beam, at least k
};

// Where one query's answer goes: k entries each.
struct Answer {
    std::int64_t* ids;
    float* distances;
};

// Writes the nearest first, by (distance, id), pads with kNoId and kFarthest, and returns how many there are.
// `query` is laid out as callers hand it in. Adds what it cost to `tally`.
std::size_t search(const View& view, const Space& space, const std::byte* query, const Asked& asked,
                   const Answer& answer, ThreadScratch& scratch, Tally& tally);

// Writes hits into an answer and pads it.
std::size_t write_answer(std::span<const Hit> hits, std::size_t k, const Answer& answer);

}  // namespace vicinal

// When a walk on level 0 has done enough for its query.
//
// A beam of width ef ends its walk when the nearest candidate not yet expanded is no longer among the ef best: when it
// is farther than the ef-th. A stop rule ends it when that candidate is farther than `stretch` times the anchor-th
// best: so a beam is the rule {ef, 1}, and what lies between it and {k, 1.1} is a choice that measurement makes, for
// each index and target (python/vicinal/index/calibrate.py). An easy query has its k nearest far below all others and
// stops after a few steps; a hard one, whose neighbors are all about as far, goes on. With k = 10 at a recall of 0.99
// that takes 0.70 to 0.92 of the distances of a beam on five real sets, at 0.95 0.89 to 0.96 (bench/target.py).
//
// What else was tried on the same walks, at equal recall: stopping after s steps that brought nothing among the k
// nearest (0.93 to 0.97 at 0.99, 0.97 to 1.01 at 0.95), the gap to the k-th in units of its distance from the nearest
// (worse than a beam), products of these, and boosted trees over all of them, which did no better than the rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "graph/beam.hpp"

namespace vicinal {

struct StopRule {
    std::uint32_t anchor = 0;  // 0: no rule, the beam alone ends the walk
    float stretch = 1;         // above 0

    bool on() const { return anchor != 0; }

    // Candidates farther than this are not worth expanding. Distances below 0 (4-bit codes have them near copies of the
    // query) tell nothing; under ip, where they are ordinary, no rule is calibrated.
    Distance bound(const Beam& beam) const {
        if (beam.size() < anchor) return kFarthest;
        const Distance distance = beam.keys()[anchor - 1].distance();
        return distance > 0 ? stretch * distance : kFarthest;
    }

    // How many nodes to expand side by side. While the best so far are still being looked at, each step may bring
    // something much nearer, and a second node is one too many: one at a time saves 2 to 4 % of the distances at
    // recalls up to 0.95. Later the order matters no more, and two at a time are quicker (walk.cpp).
    std::size_t at_once(const Beam& beam, std::size_t most) const { return beam.expanded() < anchor ? 1 : most; }

    // How many of the next nodes, nearest first, are worth expanding.
    std::size_t worth(const Beam& beam, std::span<const Key> nodes, std::size_t n) const {
        const Distance farthest = bound(beam);
        while (n > 0 && nodes[n - 1].distance() > farthest) --n;
        return n;
    }

    void met(const std::uint32_t*, const Distance*, std::size_t) const {}  // all that is measured
};

// No rule, for walks compiled without one: they cost what they did.
struct NoRule {
    std::size_t at_once(const Beam&, std::size_t most) const { return most; }
    std::size_t worth(const Beam&, std::span<const Key>, std::size_t n) const { return n; }
    void met(const std::uint32_t*, const Distance*, std::size_t) const {}
};

}  // namespace vicinal

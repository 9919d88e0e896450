// How a search for the nearest of the admitted goes about it.
//
// Decided by counts and by constants that were measured once, never by a clock: the same search goes the same way in
// every run and on every machine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal {

enum class Strategy : std::uint8_t {
    graph,    // a walk that may report everything
    exact,    // comparison with every vector
    scan,     // comparison with every admitted vector
    through,  // a walk through all nodes that reports the admitted
    among,    // a walk from one admitted node to the next, in two hops where one does not do
    starved   // a walk that found too few, and a scan
};

// What is known before a walk begins.
struct FilterOutlook {
    double nodes = 0;     // of the graph,
    double admitted = 0;  // and of these
    double nearby = 0;    // the share of admitted ones around the query, 0 to 1
    double width = 0;     // of the beam
    double links = 0;     // a node may have
    double bytes = 0;     // of what is compared
    double to_ask = 0;    // slots that a scan would have to ask whether they are admitted
};

struct FilterPlan {
    Strategy strategy = Strategy::scan;
    std::size_t width = 0;  // of the walk's beam
};

FilterPlan plan_filter(const FilterOutlook& outlook);

}  // namespace vicinal

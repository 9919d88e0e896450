#include "graph/filter_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace vicinal {
namespace {

// Costs in nanoseconds of a two-core Zen 3, of which only the ratios count. Fitted to sift-100k (128 bytes a code),
// minilm-debian (384) and mnist784 (784) at six selectivities; bench/filters.py shows how the choices turn out.
double cost_of_distance(double bytes) { return 5 + bytes / 9.5; }  // to a vector that lies anywhere
double cost_of_row(double links) { return 18 + 1.2 * links; }      // to read it and put each link to the filter
constexpr double kMerged = 12;                                     // to bring a distance into a beam
constexpr double kAsked = 3;                                       // to ask a slot, one after the other
constexpr double kExpanded = 1.15;                                 // nodes a walk expands, for each place of its beam

// The more are admitted, the more of them lie side by side.
double cost_of_scan(const FilterOutlook& at) {
    return at.admitted * cost_of_distance(at.bytes) * (1 - 0.4 * at.admitted / at.nodes) + at.to_ask * kAsked;
}

// The beam of a walk through all nodes is wider than asked for by as much as it will lose to the filter, and a little.
double width_through(const FilterOutlook& at) { return std::min(at.nodes, 1.1 * at.width / at.nearby); }

// Of the links of an expanded node, fewer than half lead to nodes not met before.
double cost_through(const FilterOutlook& at) {
    const double expanded = kExpanded * width_through(at);
    return expanded * (0.5 * cost_of_row(at.links) + 0.45 * at.links * (cost_of_distance(at.bytes) + kMerged));
}

// Rows of links are read behind rejected neighbors until a row's worth of admitted ones has been found.
double cost_among(const FilterOutlook& at) {
    const double share = std::max(at.nearby, at.admitted / at.nodes);
    const double bridges = std::min(0.6 * at.links, 2 / share);
    const double found = std::min(0.9 * at.links, 0.4 * at.links * (1 + bridges) * share);
    const double distance = cost_of_distance(at.bytes) + kMerged;
    return kExpanded * at.width * ((1 + bridges) * cost_of_row(at.links) + found * distance);
}

// Two hops lead to links^2 nodes, of which so many must be admitted for the admitted to hang together.
constexpr double kWithinTwoHops = 20;

}  // namespace

FilterPlan plan_filter(const FilterOutlook& outlook) {
    FilterOutlook at = outlook;
    const double share = std::min(1.0, at.admitted / at.nodes);
    // Where few are admitted around the query, the nearest lie on the border of where they begin, in no one
    // direction: of these, beams of 64 found 90 of a hundred and beams of 128 found 93 in the worst case
    // (minilm-debian, half of the clusters, the farthest).
    const bool far = at.nearby < share / 2;
    if (far) at.width *= 3;

    FilterPlan plan{Strategy::scan, 0};
    double least = cost_of_scan(at);
    if (!far && cost_through(at) < least) {
        least = cost_through(at);
        plan = {Strategy::through, static_cast<std::size_t>(std::ceil(width_through(at)))};
    }
    if (share * at.links * at.links >= kWithinTwoHops && cost_among(at) < least)
        plan = {Strategy::among, static_cast<std::size_t>(at.width)};
    return plan;
}

}  // namespace vicinal

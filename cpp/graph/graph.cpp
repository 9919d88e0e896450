#include "graph/graph.hpp"

#include <algorithm>
#include <cmath>

namespace vicinal {
namespace {

// Norms that differ by less than a tenth leave the inner product close enough to a distance.
constexpr double kEvenNorms = 1.1;

// A ceiling that had to be raised is raised by a tenth more (of the norm), so that ever longer vectors do not bring
// new heights for all rows at each insertion.
constexpr double kHeadroom = 1.21;

void set_heights(Graph& graph, std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t slot = first; slot < last; ++slot)
        graph.view.factors.as<float>()[slot] = graph.space.height(graph.view.vector(Slot{slot}), graph.norms.ceiling);
}

}  // namespace

bool Graph::lifted() const {
    if (space.metric() != Metric::ip || options.lift == GraphOptions::Lift::off) return false;
    return options.lift == GraphOptions::Lift::on || norms.longest > kEvenNorms * norms.shortest;
}

void settle_factors(Graph& graph, std::uint32_t first, std::uint32_t n) {
    if (graph.space.metric() == Metric::cosine) {
        for (std::uint32_t slot = first; slot < first + n; ++slot)
            graph.view.factors.as<float>()[slot] = graph.space.inverse_norm(graph.view.vector(Slot{slot}));
        return;
    }
    if (graph.space.metric() != Metric::ip) return;

    Norms& norms = graph.norms;
    const bool none_before = graph.view.empty();
    for (std::uint32_t slot = first; slot < first + n; ++slot) {
        const double norm = std::sqrt(graph.space.squared_norm(graph.view.vector(Slot{slot})));
        const bool very_first = none_before && slot == first;
        norms.shortest = very_first ? norm : std::min(norms.shortest, norm);
        norms.longest = very_first ? norm : std::max(norms.longest, norm);
    }
    const double needed = norms.longest * norms.longest;
    if (needed > norms.ceiling) {
        norms.ceiling = none_before ? needed : needed * kHeadroom;
        first = 0;
        n = graph.view.count + n;
    }
    set_heights(graph, first, first + n);
}

}  // namespace vicinal

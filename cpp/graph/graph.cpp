#include "graph/graph.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace vicinal {
namespace {

// Norms that differ by less than a tenth leave the inner product close enough to a distance.
constexpr double kEvenNorms = 1.1;

double choose_ceiling(const Graph& graph, std::span<const std::uint32_t> batch, std::uint32_t count) {
    constexpr double kBelow = 0.9;  // of the rows
    constexpr std::uint32_t kSample = 4'096;
    std::vector<double> squared_norms;
    for (std::uint32_t i = 0; i < std::min(count, kSample); ++i) {
        const auto slot = static_cast<std::uint32_t>(std::uint64_t{count} * i / std::min(count, kSample));
        if (!graph.view.holds(Slot{slot}) && !std::binary_search(batch.begin(), batch.end(), slot)) continue;
        const double squared = graph.space.squared_norm(graph.view.vector(Slot{slot}));
        if (squared > 0) squared_norms.push_back(squared);  // zeros are no measure of the others
    }
    if (squared_norms.empty()) return graph.norms.longest * graph.norms.longest;
    const auto at = static_cast<std::ptrdiff_t>(kBelow * static_cast<double>(squared_norms.size() - 1));
    std::nth_element(squared_norms.begin(), squared_norms.begin() + at, squared_norms.end());
    return squared_norms[static_cast<std::size_t>(at)];
}

// Whether no quarter of a doubling lies between two lengths: 1, 1.25, 1.5, 1.75, 2, 2.5 ... A longest vector passes few
// of these in its life, however it grows, and zero lies in none of them.
bool same_quarter(double one, double other) {
    constexpr int kBelowQuarters = 50;  // bits
    return std::bit_cast<std::uint64_t>(one) >> kBelowQuarters == std::bit_cast<std::uint64_t>(other) >> kBelowQuarters;
}

void set_height(const Graph& graph, const Table& factors, std::size_t slot) {
    factors.as<float>()[slot] = graph.space.height(graph.view.rows.row(slot), graph.norms.ceiling);
}

}  // namespace

bool Graph::lifted() const {
    if (space.metric() != Metric::ip || options.lift == GraphOptions::Lift::off) return false;
    return options.lift == GraphOptions::Lift::on || norms.longest > kEvenNorms * norms.shortest;
}

bool settle_factors(Graph& graph, std::span<const std::uint32_t> slots, const Crew& crew) {
    const Table& factors = graph.view.factors;
    if (graph.space.metric() == Metric::cosine) {
        for (const std::uint32_t slot : slots)
            factors.as<float>()[slot] = graph.space.inverse_norm(graph.view.vector(Slot{slot}));
        return true;
    }
    if (graph.space.metric() != Metric::ip) return true;

    Norms& norms = graph.norms;
    const double longest_before = norms.longest;
    bool very_first = graph.view.count == 0;
    for (const std::uint32_t slot : slots) {
        const double norm = std::sqrt(graph.space.squared_norm(graph.view.vector(Slot{slot})));
        norms.shortest = very_first ? norm : std::min(norms.shortest, norm);
        norms.longest = very_first ? norm : std::max(norms.longest, norm);
        very_first = false;
    }
    const std::uint32_t count = std::max(graph.view.count, slots.back() + 1);
    if (std::bit_floor(count) == std::bit_floor(graph.view.count) && same_quarter(longest_before, norms.longest)) {
        for (const std::uint32_t slot : slots) set_height(graph, factors, slot);
        return true;
    }
    norms.ceiling = std::min(choose_ceiling(graph, slots, count), norms.longest * norms.longest);  // a root is rounded
    Table anew = factors.empty_like();
    anew.reserve(factors.capacity(), 0);
    const bool whole = crew.aside(count, 1024, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t slot = begin; slot < end; ++slot) set_height(graph, anew, slot);
    });
    if (whole) graph.view.factors = anew;
    return whole;
}

}  // namespace vicinal

// A box and a ball in a space of a few attributes, such as where and when: which slots lie in both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vicinal {

// Bounds by column, themselves included; an open side is an infinity.
struct Region {
    std::vector<double> low, high;
    std::vector<double> center;  // of the ball; empty: there is none
    double squared_radius = 0;

    // NaN, which stands for a slot without attributes, lies nowhere.
    bool holds(const double* values) const {
        bool inside = true;
        for (std::size_t i = 0; i < low.size(); ++i) inside = inside && values[i] >= low[i] && values[i] <= high[i];
        if (!inside || center.empty()) return inside;
        double squared = 0;
        for (std::size_t i = 0; i < center.size(); ++i) squared += (values[i] - center[i]) * (values[i] - center[i]);
        return squared <= squared_radius;
    }
};

// The attributes of the first `slots` slots, one row after the other, and what is asked of them. Borrows both.
struct SlotsInRegion {
    const double* values = nullptr;
    std::uint32_t slots = 0;
    const Region* region = nullptr;

    bool holds(std::uint32_t slot) const { return region->holds(values + std::size_t{slot} * region->low.size()); }
};

}  // namespace vicinal

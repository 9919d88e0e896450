// Rows of upper links that nobody uses any more.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

// A node of level L has L rows side by side, and leaves them to the next node of that level: levels are drawn from one
// distribution, so in the long run as many come as go. Where rows lie is nobody's business but the View's; a file has
// them in the order of slots.
class SpareRows {
public:
    // How many of each there are. What is taken can be given back by going back to these.
    using Left = std::array<std::uint32_t, kMaxLevel + 1>;

    std::optional<std::uint32_t> take(Level level) {
        auto& left = left_[static_cast<std::size_t>(level)];
        if (left == 0) return std::nullopt;
        return first_[static_cast<std::size_t>(level)][--left];
    }

    // `first` of the rows of a node of this level, which is above 0. Strong guarantee.
    void give(Level level, std::uint32_t first) {
        auto& rows = first_[static_cast<std::size_t>(level)];
        auto& left = left_[static_cast<std::size_t>(level)];
        rows.resize(left);
        rows.push_back(first);
        ++left;
    }

    const Left& left() const { return left_; }
    // Requires: nothing was given meanwhile.
    void go_back_to(const Left& left) { left_ = left; }

private:
    std::array<std::vector<std::uint32_t>, kMaxLevel + 1> first_;  // by level
    Left left_{};
};

}  // namespace vicinal

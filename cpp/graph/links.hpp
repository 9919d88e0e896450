// A node's links on one level: a row of 32-bit slots.
//
// The live ones stand first. A lane that holds the node's own slot is empty and ends the row; so a row needs no
// count, and a reader that meets it half rewritten reads some old links and some new ones, each a valid slot.
// A word is stored with release after everything its slot refers to has been written, and loaded with acquire: both
// are plain moves on x86.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/types.hpp"

namespace vicinal {

class Links {
public:
    Links(std::uint32_t* words, std::size_t width, Slot self) : words_(words), width_(width), self_(index_of(self)) {}

    // Calls visit(slot index) for each link. The only way links are read.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::size_t lane = 0; lane < width_; ++lane) {
            const std::uint32_t slot = std::atomic_ref(words_[lane]).load(std::memory_order_acquire);
            if (slot == self_) return;
            visit(slot);
        }
    }

    std::size_t degree() const {
        std::size_t count = 0;
        for_each([&](std::uint32_t) { ++count; });
        return count;
    }

    // Requires: slots.size() <= width. One writer at a time.
    void write(std::span<const std::uint32_t> slots) {
        for (std::size_t lane = 0; lane < width_; ++lane)
            std::atomic_ref(words_[lane]).store(lane < slots.size() ? slots[lane] : self_, std::memory_order_release);
    }

    // In place of the link of a lane, or after the last one. Requires: lane <= degree(), lane < width.
    void put(std::size_t lane, std::uint32_t slot) {
        std::atomic_ref(words_[lane]).store(slot, std::memory_order_release);
    }

    std::size_t width() const { return width_; }

private:
    std::uint32_t* words_;
    std::size_t width_;
    std::uint32_t self_;
};

}  // namespace vicinal

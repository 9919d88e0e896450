// From the bytes of a row to the slot where they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

// An open-addressing table of slots, for a writer alone. Rows stay where they are stored: who looks for one compares
// them. Nothing is erased; an entry whose slot has come to hold something else is in nobody's
// way, and makes room for the next that comes its way.
class RowMap {
public:
    RowMap() = default;
    explicit RowMap(std::size_t entries);  // room for so many

    // The same rows have the same hash in one process, and another one in the next, so that nobody can prepare rows
    // that all fall into one cell.
    static std::uint64_t hash_of(const std::byte* row, std::size_t bytes);

    // The first slot under this hash that is the one: is_it(slot).
    template <class IsIt>
    std::optional<Slot> find(std::uint64_t hash, IsIt&& is_it) const {
        if (cells_.empty()) return std::nullopt;
        for (std::size_t cell = hash & (cells_.size() - 1); cells_[cell] != kEmpty;
             cell = (cell + 1) & (cells_.size() - 1))
            if (is_it(Slot{cells_[cell] - 1})) return Slot{cells_[cell] - 1};
        return std::nullopt;
    }

    // In an empty cell, or in place of an entry under this hash that is_old(slot). Requires: there is room.
    template <class IsOld>
    void insert(std::uint64_t hash, Slot slot, IsOld&& is_old) {
        std::size_t cell = hash & (cells_.size() - 1);
        while (cells_[cell] != kEmpty && !is_old(Slot{cells_[cell] - 1})) cell = (cell + 1) & (cells_.size() - 1);
        used_ += cells_[cell] == kEmpty ? 1U : 0U;
        cells_[cell] = index_of(slot) + 1;
    }
    void insert(std::uint64_t hash, Slot slot) {
        insert(hash, slot, [](Slot) { return false; });
    }

    // For so many more: entries of the past take room too, until the owner makes the table anew.
    bool has_room_for(std::size_t entries) const { return used_ + entries <= cells_.size() - cells_.size() / 8; }
    std::size_t bytes() const { return cells_.size() * sizeof(std::uint32_t); }
    static std::size_t bytes_for(std::size_t entries) { return cells_for(entries) * sizeof(std::uint32_t); }

private:
    static constexpr std::uint32_t kEmpty = 0;  // a cell holds a slot + 1
    static std::size_t cells_for(std::size_t entries);

    std::vector<std::uint32_t> cells_;
    std::size_t used_ = 0;
};

}  // namespace vicinal

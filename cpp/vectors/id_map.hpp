// From the user's number of a vector to the row it lies in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/table.hpp"
#include "base/types.hpp"

namespace vicinal {

// An open-addressing table of slots; the ids themselves stay where they are stored, by slot, and are looked at there.
// So a vector costs 4 bytes here, divided by the load.
//
// Thread safety: one writer, and any number of readers beside it who take no lock: a forked child could inherit one
// that nobody will ever release. Each cell is an atomic word. An entry never moves: one that is erased leaves a mark,
// over which searches go on, until a new entry or the next growth takes its place. Copies share the cells: a reader
// has a copy of its own, which growth leaves as it was.
class IdMap {
public:
    // An id may be entered more than once, of which its reader knows one: counts(slot). Other slots' ids are not looked
    // at, for they may be changing.
    template <class Counts>
    std::optional<Slot> find(Id id, const Id* ids, Counts&& counts) const {
        if (cells_.capacity() == 0) return std::nullopt;
        for (std::size_t cell = home_of(id);; cell = after(cell)) {
            const std::uint32_t found = load(cell);
            if (found == kEmpty) return std::nullopt;
            if (found != kErased && counts(Slot{found - 1}) && ids[found - 1] == id) return Slot{found - 1};
        }
    }

    // Requires: the id of `slot` is ids[slot]; `slot` is not in the map; reserve() has made room.
    void insert(Slot slot, const Id* ids);
    // Nothing happens when `slot` is not in the map.
    void erase(Slot slot, const Id* ids);

    // Room for `count` entries in all. Strong guarantee.
    void reserve(std::size_t count, const Id* ids);

    // With cells of its own, which stay as they are. Throws std::bad_alloc.
    IdMap apart() const;

    std::size_t size() const { return size_; }
    std::size_t bytes() const { return cells_.capacity() * sizeof(std::uint32_t); }
    static std::size_t bytes_for(std::size_t count) { return cells_for(count) * sizeof(std::uint32_t); }

private:
    // A cell holds a slot + 1.
    static constexpr std::uint32_t kEmpty = 0;
    static constexpr std::uint32_t kErased = UINT32_MAX;
    static std::size_t cells_for(std::size_t count);
    std::size_t home_of(Id id) const;
    std::size_t after(std::size_t cell) const { return (cell + 1) & (cells_.capacity() - 1); }
    std::uint32_t load(std::size_t cell) const;
    void store(std::size_t cell, std::uint32_t value);

    Table cells_{sizeof(std::uint32_t)};
    std::size_t size_ = 0;  // entries; the writer's copy knows
    std::size_t used_ = 0;  // cells that are not empty
};

}  // namespace vicinal

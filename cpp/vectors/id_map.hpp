// From the user's number of a vector to the row it lies in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

// An open-addressing table of slots; the ids themselves stay where they are stored, by slot, and are looked at there.
// So a vector costs 4 bytes here, divided by the load.
//
// Thread safety: none of its own.
class IdMap {
public:
    std::optional<Slot> find(Id id, const Id* ids) const;

    // Requires: the id of `slot` is ids[slot] and is not in the map; reserve() has made room.
    void insert(Slot slot, const Id* ids);
    void erase(Id id, const Id* ids);

    // Room for `count` entries in all. Strong guarantee.
    void reserve(std::size_t count, const Id* ids);

    std::size_t size() const { return size_; }
    std::size_t bytes() const { return cells_.size() * sizeof(std::uint32_t); }
    static std::size_t bytes_for(std::size_t count) { return cells_for(count) * sizeof(std::uint32_t); }

private:
    static constexpr std::uint32_t kEmpty = UINT32_MAX;
    static std::size_t cells_for(std::size_t count);
    std::size_t home_of(Id id) const;
    std::size_t after(std::size_t cell) const { return (cell + 1) & (cells_.size() - 1); }

    std::vector<std::uint32_t> cells_;
    std::size_t size_ = 0;
};

}  // namespace vicinal

#include "vectors/id_map.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>

#include "base/random.hpp"

namespace vicinal {
namespace {

// Differs from process to process. With a hash known to all, a file whose ids all fall into one cell would make a
// load take quadratic time. No result depends on the order of the cells.
std::uint64_t draw_salt() {
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return draw(now, reinterpret_cast<std::uintptr_t>(&now));
}
const std::uint64_t kSalt = draw_salt();

}  // namespace

std::size_t IdMap::cells_for(std::size_t count) {
    return count == 0 ? 0 : std::bit_ceil(std::max<std::size_t>(count + count / 4, 8));  // at most four fifths full
}

std::size_t IdMap::home_of(Id id) const {
    return mix(static_cast<std::uint64_t>(number_of(id)) ^ kSalt) & (cells_.size() - 1);
}

std::optional<Slot> IdMap::find(Id id, const Id* ids) const {
    if (cells_.empty()) return std::nullopt;
    for (std::size_t cell = home_of(id); cells_[cell] != kEmpty; cell = after(cell))
        if (ids[cells_[cell]] == id) return Slot{cells_[cell]};
    return std::nullopt;
}

void IdMap::insert(Slot slot, const Id* ids) {
    std::size_t cell = home_of(ids[index_of(slot)]);
    while (cells_[cell] != kEmpty) cell = after(cell);
    cells_[cell] = index_of(slot);
    ++size_;
}

void IdMap::erase(Id id, const Id* ids) {
    std::size_t hole = home_of(id);
    while (ids[cells_[hole]] != id) hole = after(hole);
    // Close the gap: whoever was pushed past the hole moves back into it, so that no search stops short.
    for (std::size_t cell = after(hole); cells_[cell] != kEmpty; cell = after(cell)) {
        const std::size_t home = home_of(ids[cells_[cell]]);
        const std::size_t distance_home = (cell - home) & (cells_.size() - 1);
        const std::size_t distance_hole = (cell - hole) & (cells_.size() - 1);
        if (distance_home < distance_hole) continue;
        cells_[hole] = cells_[cell];
        hole = cell;
    }
    cells_[hole] = kEmpty;
    --size_;
}

void IdMap::reserve(std::size_t count, const Id* ids) {
    const std::size_t wanted = cells_for(count);
    if (wanted <= cells_.size()) return;
    std::vector<std::uint32_t> old(wanted, kEmpty);
    old.swap(cells_);
    size_ = 0;
    for (const std::uint32_t slot : old)
        if (slot != kEmpty) insert(Slot{slot}, ids);
}

}  // namespace vicinal

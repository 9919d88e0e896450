#include "vectors/id_map.hpp"

#include <algorithm>
#include <atomic>
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
    return mix(static_cast<std::uint64_t>(number_of(id)) ^ kSalt) & (cells_.capacity() - 1);
}

std::uint32_t IdMap::load(std::size_t cell) const {
    return std::atomic_ref(cells_.as<std::uint32_t>()[cell]).load(std::memory_order_acquire);
}

void IdMap::store(std::size_t cell, std::uint32_t value) {
    std::atomic_ref(cells_.as<std::uint32_t>()[cell]).store(value, std::memory_order_release);
}

void IdMap::insert(Slot slot, const Id* ids) {
    std::size_t cell = home_of(ids[index_of(slot)]);
    while (load(cell) != kEmpty && load(cell) != kErased) cell = after(cell);
    if (load(cell) == kEmpty) ++used_;
    store(cell, index_of(slot) + 1);
    ++size_;
}

void IdMap::erase(Slot slot, const Id* ids) {
    if (cells_.capacity() == 0) return;
    std::size_t cell = home_of(ids[index_of(slot)]);
    for (; load(cell) != index_of(slot) + 1; cell = after(cell))
        if (load(cell) == kEmpty) return;
    store(cell, kErased);
    --size_;
}

IdMap IdMap::apart() const {
    IdMap copy = *this;
    copy.cells_ = Table(cells_.stride());
    copy.cells_.reserve(cells_.capacity(), 0);
    for (std::size_t cell = 0; cell < cells_.capacity(); ++cell) copy.store(cell, load(cell));
    return copy;
}

// Marks of the erased are swept out when they and the entries fill seven eighths: at the latest then, and not before a
// share of the cells has been written, the entries go into new cells.
void IdMap::reserve(std::size_t count, const Id* ids) {
    const std::size_t cells = cells_.capacity();
    const std::size_t fresh = count - std::min(count, size_);
    if (cells_for(count) <= cells && used_ + fresh <= cells - cells / 8) return;
    IdMap larger;
    larger.cells_.reserve(std::max(cells_for(count), cells), 0);
    for (std::size_t cell = 0; cell < cells; ++cell)
        if (load(cell) != kEmpty && load(cell) != kErased) larger.insert(Slot{load(cell) - 1}, ids);
    *this = larger;
}

}  // namespace vicinal

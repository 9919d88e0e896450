// Rows of one length, side by side; the storage of everything that is numbered by slot.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/arena.hpp"
#include "base/checked.hpp"
#include "base/errors.hpp"
#include "base/spill.hpp"
#include "base/watch.hpp"

namespace vicinal {

// Grows by copying into a larger arena. Whoever holds the old arena (a View) goes on reading the old rows; they are
// freed with its last holder. Copies of a Table share the rows: it is a handle.
//
// Invariant: rows beyond those written are zero.
class Table {
public:
    Table() = default;
    // Where its rows go: rows on disk lie in a file without a name (base/spill.hpp).
    enum class Place : std::uint8_t { memory, disk, elsewhere };
    explicit Table(std::size_t stride, Place place = Place::memory) : stride_(stride), place_(place) {}

    // Another of the same kind, without rows.
    Table empty_like() const { return Table(stride_, place_); }

    // Rows that lie elsewhere, in memory that `owner` keeps. They are read only: they may lie in a file.
    static Table borrowed(std::shared_ptr<const void> owner, const std::byte* base, std::size_t stride,
                          std::size_t rows) {
        Table table(stride);
        table.arena_ = std::move(owner);
        table.base_ = const_cast<std::byte*>(base);  // NOLINT(cppcoreguidelines-pro-type-const-cast): see above
        table.capacity_ = rows;
        table.place_ = Place::elsewhere;
        return table;
    }

    std::size_t stride() const { return stride_; }
    std::size_t capacity() const { return capacity_; }
    Place place() const { return place_; }
    bool in_file() const { return place_ != Place::memory; }
    std::byte* row(std::size_t number) const { return base_ + number * stride_; }
    std::byte* data() const { return base_; }

    template <class T>
    T* as() const {
        return reinterpret_cast<T*>(base_);
    }

    // Room for `rows` rows, of which the first `used` are kept. Strong guarantee: on std::bad_alloc, and on Stopped
    // when the watch says so, and on IoError where rows are on disk, nothing changed.
    void reserve(std::size_t rows, std::size_t used, Watch& watch) {
        if (rows <= capacity_) return;
        used = std::min(used, capacity_);
        constexpr std::size_t kPiece = std::size_t{8} << 20;  // some milliseconds, with the first touch of its pages
        const auto move_to = [&](auto larger) {
            for (std::size_t at = 0; at < used * stride_; at += kPiece) {
                std::memcpy(larger->data() + at, base_ + at, std::min(kPiece, used * stride_ - at));
                if (!watch.again()) throw Stopped();
            }
            base_ = larger->data();
            arena_ = std::move(larger);
            capacity_ = rows;
        };
        const std::size_t bytes = checked_multiply(rows, stride_);
        place_ == Place::disk ? move_to(std::make_shared<Spill>(bytes)) : move_to(std::make_shared<Arena>(bytes));
    }
    void reserve(std::size_t rows, std::size_t used) {
        Watch nobody;
        reserve(rows, used, nobody);
    }

private:
    std::shared_ptr<const void> arena_;
    std::byte* base_ = nullptr;
    std::size_t stride_ = 0;
    std::size_t capacity_ = 0;
    Place place_ = Place::memory;
};

}  // namespace vicinal

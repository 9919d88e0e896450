// Rows of one length, side by side; the storage of everything that is numbered by slot.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "base/arena.hpp"
#include "base/checked.hpp"
#include "base/errors.hpp"
#include "base/watch.hpp"

namespace vicinal {

// Grows by copying into a larger arena. Whoever holds the old arena (a View) goes on reading the old rows; they are
// freed with its last holder. Copies of a Table share the rows: it is a handle.
//
// Invariant: rows beyond those written are zero.
class Table {
public:
    Table() = default;
    explicit Table(std::size_t stride) : stride_(stride) {}

    // Rows that lie elsewhere, in memory that `owner` keeps. They are read only: they may lie in a file.
    static Table borrowed(std::shared_ptr<const void> owner, const std::byte* base, std::size_t stride,
                          std::size_t rows) {
        Table table(stride);
        table.arena_ = std::move(owner);
        table.base_ = const_cast<std::byte*>(base);  // NOLINT(cppcoreguidelines-pro-type-const-cast): see above
        table.capacity_ = rows;
        return table;
    }

    std::size_t stride() const { return stride_; }
    std::size_t capacity() const { return capacity_; }
    std::byte* row(std::size_t number) const { return base_ + number * stride_; }
    std::byte* data() const { return base_; }

    template <class T>
    T* as() const {
        return reinterpret_cast<T*>(base_);
    }

    // Room for `rows` rows, of which the first `used` are kept. Strong guarantee: on std::bad_alloc, and on Stopped
    // when the watch says so, nothing changed.
    void reserve(std::size_t rows, std::size_t used, Watch& watch) {
        if (rows <= capacity_) return;
        used = std::min(used, capacity_);
        constexpr std::size_t kPiece = std::size_t{8} << 20;  // some milliseconds, with the first touch of its pages
        auto larger = std::make_shared<Arena>(checked_multiply(rows, stride_));
        for (std::size_t at = 0; at < used * stride_; at += kPiece) {
            std::memcpy(larger->data() + at, base_ + at, std::min(kPiece, used * stride_ - at));
            if (!watch.again()) throw Stopped();
        }
        base_ = larger->data();
        arena_ = std::move(larger);
        capacity_ = rows;
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
};

}  // namespace vicinal

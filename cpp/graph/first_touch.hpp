// Tables that lie in a file and have not been looked at yet.
//
// The file is read where it lies, and most of it not before somebody asks. So whoever reads a row, or a row of links,
// comes by here first: the group of rows it belongs to is looked at once, by whoever comes first, and from then on
// costs one load. Two that come together both look, and both find the same: nobody waits for anybody, nor would a
// forked child.
//
// A View of tables in memory has none of this; it costs its readers one branch.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

class FirstTouch {
public:
    virtual ~FirstTouch() = default;
    FirstTouch(const FirstTouch&) = delete;
    FirstTouch& operator=(const FirstTouch&) = delete;

    // These throw CorruptIndexError when the group is not what was written, or holds what cannot be.
    void row(std::uint32_t slot) { touch(rows_, slot, &FirstTouch::look_at_rows); }
    void rows(const std::uint32_t* slots, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) row(slots[i]);
    }
    void links(std::uint32_t slot) { touch(links_, slot, &FirstTouch::look_at_links); }

    // Looks at all that is left, and gives the whole file.
    virtual std::span<const std::byte> everything() = 0;

    // The live slot of an id.
    virtual std::optional<Slot> slot_of(Id id) = 0;

protected:
    FirstTouch(std::uint32_t count, std::size_t row_bytes, std::size_t link_bytes)
        : count_(count), rows_(count, row_bytes), links_(count, link_bytes) {}

    virtual void look_at_rows(std::uint32_t first, std::uint32_t n) = 0;
    virtual void look_at_links(std::uint32_t first, std::uint32_t n) = 0;

    const std::uint32_t count_;

private:
    // As many rows as fill a block of the file, so that a row needs a look at one flag.
    struct Groups {
        Groups(std::uint32_t count, std::size_t stride)
            : shift(stride >= kBytes ? 0 : static_cast<unsigned>(std::bit_width(kBytes / stride)) - 1),
              seen((std::size_t{count} >> shift) + 1) {}
        static constexpr std::size_t kBytes = std::size_t{1} << 20;
        unsigned shift;
        std::vector<std::atomic<std::uint8_t>> seen;
    };

    void touch(Groups& groups, std::uint32_t slot, void (FirstTouch::*look)(std::uint32_t, std::uint32_t)) {
        std::atomic<std::uint8_t>& seen = groups.seen[slot >> groups.shift];
        if (seen.load(std::memory_order_acquire) != 0) [[likely]]
            return;
        const std::uint32_t first = slot >> groups.shift << groups.shift;
        const auto most = static_cast<std::uint32_t>(std::uint64_t{1} << groups.shift);
        (this->*look)(first, count_ - first < most ? count_ - first : most);
        seen.store(1, std::memory_order_release);
    }

    Groups rows_, links_;
};

}  // namespace vicinal

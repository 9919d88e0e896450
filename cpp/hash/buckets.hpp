// Buckets of a stretch of slots, band by band: what an LshIndex looks its candidates up in.
//
// Of each band, the keys that occur and where each one's slots begin, in cells; and the slots, ascending within a
// bucket. There are half as many cells again as keys, and a key, which is a hash, stands in the cell that its size
// makes its home or in one of the next: keys ascend, and between a home and where its key stands no cell is empty. So
// a bucket is met in two places of memory, its cell and its slots; an item costs 4 bytes a band, and a bucket 12.
//
// Never changes once it is made. Thread safety: const, any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/arena.hpp"
#include "base/prefetch.hpp"
#include "base/team.hpp"
#include "hash/bands.hpp"

namespace vicinal {

class Buckets {
public:
    static constexpr std::uint32_t kNobody = UINT32_MAX;

    static std::size_t home_of(BandKey key, std::size_t homes) {
        return static_cast<std::size_t>(key * std::uint64_t{homes} >> 32);
    }

    struct Band {
        // An empty one has the largest key, and begins where the next one does. Two such cells end the others.
        struct Cell {
            BandKey key;
            std::uint32_t start;
        };
        std::span<const Cell> cells;
        std::span<const std::uint32_t> slots;
        std::size_t homes = 0;

        std::span<const std::uint32_t> bucket(std::size_t at) const {
            return slots.subspan(cells[at].start, cells[at + 1].start - cells[at].start);
        }
        std::span<const std::uint32_t> find(BandKey key) const {
            std::size_t at = home_of(key, homes);
            while (cells[at].key < key) ++at;
            return cells[at].key == key ? bucket(at) : std::span<const std::uint32_t>{};
        }
        void fetch(BandKey key) const { prefetch(&cells[home_of(key, homes)]); }  // what find() will look at first

        // (key, slots) of each bucket, by ascending key.
        template <class Visit>
        void visit(Visit visit) const {
            for (std::size_t at = 0; at + 1 < cells.size(); ++at)
                if (const auto held = bucket(at); !held.empty()) visit(cells[at].key, held);
        }
    };

    // keys[i * bands + band] is of slots[i], which ascend. Throws Stopped.
    static std::shared_ptr<const Buckets> made(std::size_t bands, std::span<const std::uint32_t> slots,
                                               const BandKey* keys, const Crew& crew);

    // What is in any of `parts`, whose slots ascend from one to the next. With `renumbered`, slot s becomes
    // renumbered[s], or is left out where that is kNobody; numbers keep their order. Throws Stopped.
    static std::shared_ptr<const Buckets> merged(std::span<const std::shared_ptr<const Buckets>> parts,
                                                 std::span<const std::uint32_t> renumbered, const Crew& crew);

    std::span<const Band> bands() const { return bands_; }
    std::size_t size() const { return bands_.front().slots.size(); }  // items
    std::size_t bytes() const;

private:
    using Entry = std::uint64_t;  // key << 32 | slot
    struct Draft {                // of a band
        std::vector<Band::Cell> cells;
        std::vector<std::uint32_t> slots;
        std::size_t homes = 0;
    };
    static Draft draft_of(const std::vector<Entry>& sorted);
    static std::shared_ptr<const Buckets> of(std::vector<Draft> drafts);

    // All bands in one block each: a query goes from band to band, and of many small blocks most of its time would go
    // to finding the pages.
    std::unique_ptr<const Arena> cells_, slots_;
    std::vector<Band> bands_;
};

}  // namespace vicinal

// Buckets of a stretch of slots, band by band: what an LshIndex looks its candidates up in.
//
// Of each band, the keys that occur, ascending; where each one's slots begin; the slots, ascending within a bucket; and
// a directory of the keys by their upper bits, so that a key, which is a hash, is found within a few steps of where it
// should stand. So an item costs 4 bytes a band, and a bucket some 12.
//
// Never changes once it is made. Thread safety: const, any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/team.hpp"
#include "hash/bands.hpp"

namespace vicinal {

class Buckets {
public:
    static constexpr std::uint32_t kNobody = UINT32_MAX;

    struct Band {
        std::vector<BandKey> keys;
        std::vector<std::uint32_t> starts, slots, directory;

        std::span<const std::uint32_t> bucket(std::size_t at) const {
            return std::span(slots).subspan(starts[at], starts[at + 1] - starts[at]);
        }
        std::span<const std::uint32_t> find(BandKey key) const;
        void fetch(BandKey key) const;  // starts to load what find() will look at first
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
    static Band band_of(const std::vector<Entry>& sorted);

    std::vector<Band> bands_;
};

}  // namespace vicinal

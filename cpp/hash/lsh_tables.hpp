// What an LshIndex holds: items by slot, and buckets that lead to them.
//
// Beside its vector or set an item has a sketch, one bit for each of the first hash functions: the lowest of its value.
// Under SimHash that is the value itself, under PStable whether the interval's number is odd (Boufounos 2012), under
// MinHash the lowest bit of the smallest hash (Li, Koenig 2010). Values that are equal have equal bits, values that
// differ have other bits half of the time or always, so that near items differ in few bits: enough to choose which of
// many candidates meet the exact distance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/table.hpp"
#include "base/team.hpp"
#include "base/types.hpp"
#include "codecs/space.hpp"
#include "hash/bands.hpp"
#include "hash/buckets.hpp"
#include "hash/family.hpp"
#include "vectors/id_map.hpp"
#include "vectors/slot_set.hpp"

namespace vicinal {

struct LshSettings {
    FamilySettings family;
    Bands bands;
    std::size_t cap = 0;  // live items of one bucket that a query looks at, the oldest first; 0: all
    bool keep = true;     // minhash: the sets themselves; false: their signatures, from which distances are estimated
    std::uint32_t shingle = 0;  // how the caller makes sets of texts: the index only remembers

    bool operator==(const LshSettings&) const = default;
};

// Beyond this many random numbers a family is too large to be drawn for a file that merely claims to need it.
constexpr std::size_t kMaxDrawnNumbers = std::size_t{1} << 23;

// Throws InvalidArgumentError naming what is out of its range.
void check(const LshSettings& settings);

// More bits tell candidates apart better than the exact distances that they save are worth: of 58 000 sentence vectors
// a sketch of 1 000 bits leaves the second-level cache, one of 256 does not (bench/lsh_queries.py).
constexpr std::size_t kMostSketchBits = 256;
inline std::size_t sketch_bits(const LshSettings& settings) {
    return settings.family.hashes < kMostSketchBits ? settings.family.hashes : kMostSketchBits;
}
inline std::size_t sketch_bytes(const LshSettings& settings) { return (sketch_bits(settings) + 7) / 8; }
inline bool holds_sets(const LshSettings& settings) {
    return settings.family.name == FamilyName::minhash && settings.keep;
}
inline bool holds_rows(const LshSettings& settings) { return settings.family.name != FamilyName::minhash; }
inline bool holds_signatures(const LshSettings& settings) { return !holds_rows(settings) && !settings.keep; }

// bit i of the sketch, the lowest of its byte first, is the lowest of values[i].
void sketch_of(std::span<const std::uint32_t> values, std::byte* sketch);

// How the vectors of a family are compared: cosine, squared Euclidean distance, differing bits.
Space space_of(const FamilySettings& settings);

// One immutable picture of an index; a writer makes the next. Tables are handles: copies share their rows, and a View
// never looks at those beyond its count.
struct LshView {
    explicit LshView(const LshSettings& settings);

    std::uint32_t count = 0;  // slots, live or gone
    IdMap names;
    SlotSet gone;
    Table ids, sketches;
    Table rows, factors;  // under vectors and bits; factors under cosine: inverse norms
    // Under sets that are kept: those of slot s end at ends[s], and begin where those of s - 1 end.
    Table ends, tokens, weights;
    Table signatures;                                   // under sets that are not kept
    std::vector<std::shared_ptr<const Buckets>> parts;  // ascending stretches of slots

    std::size_t size() const { return count - gone.size(); }
    bool is_live(std::uint32_t slot) const { return slot < count && !gone.contains(slot); }
    std::int64_t id(std::uint32_t slot) const { return ids.as<std::int64_t>()[slot]; }
    std::optional<Slot> slot_of(std::int64_t id) const;
    std::uint64_t token_count() const { return count == 0 || ends.stride() == 0 ? 0 : end_of(count - 1); }
    std::uint64_t end_of(std::uint32_t slot) const { return ends.as<std::uint64_t>()[slot]; }
    std::uint64_t begin_of(std::uint32_t slot) const { return slot == 0 ? 0 : end_of(slot - 1); }
    std::span<const Token> set(std::uint32_t slot) const {
        return {tokens.as<Token>() + begin_of(slot), static_cast<std::size_t>(end_of(slot) - begin_of(slot))};
    }
    // Empty sets are in no bucket.
    bool is_empty(std::uint32_t slot) const { return ends.stride() != 0 && begin_of(slot) == end_of(slot); }
};

// Bytes by part.
struct LshMemory {
    std::size_t items = 0, sketches = 0, buckets = 0, ids = 0, family = 0;
};
LshMemory memory_of(const LshView& view, const LshSettings& settings);

// The view with these items in the next slots: they must have been checked. What `before` sees stays as it is. Throws
// Stopped and std::bad_alloc, and has then changed nothing that anybody sees.
LshView with_items(const LshView& before, const LshSettings& settings, const Family& family, const Items& items,
                   std::span<const std::int64_t> ids, const Crew& crew);

// Tables of the live items only, in the same order.
LshView compacted(const LshView& before, const LshSettings& settings, const Crew& crew);

// What the cap keeps from being looked at.
struct Overflow {
    std::uint64_t full_buckets = 0;  // hold more live items than the cap
    std::uint64_t largest_bucket = 0;
    std::uint64_t hidden = 0;        // places of items beyond the cap, over all bands
    std::uint64_t lost_at_most = 0;  // pairs of which neither finds the other there: both are beyond the cap
};
struct BucketShape {
    std::uint64_t buckets = 0;
    std::vector<std::uint64_t> by_size;  // [b]: buckets of 2^b to 2^(b + 1) - 1 live items
    Overflow overflow;
};
BucketShape shape_of(const LshView& view, const LshSettings& settings, const Crew& crew);
// Of the buckets that the last part of the view has put items into, and only what those items have added.
Overflow overflow_since(const LshView& view, const LshView& before, const LshSettings& settings);

}  // namespace vicinal

// All near pairs of a collection, or between two, by buckets: for each band the items are sorted by key, and those
// whose keys are equal lie side by side.
//
// A pair may share several bands. It is looked at in the first of them only: whether an earlier band had equal keys too
// is two loads away, so that no table of pairs seen is kept. Memory is therefore that of the keys (4 bytes for each
// item and band) and of one band's sort (16 bytes an item), whatever the number of candidates, plus what is handed out.
//
// A bucket of more than `cap` items is not joined whole: each item meets those `cap` places before and behind it in
// the order of numbers (between two collections, in proportion). How many pairs that leaves out is counted. Chains of
// near items stay connected, but some pairs are lost for good unless another band has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/team.hpp"
#include "hash/bands.hpp"
#include "hash/compare.hpp"
#include "hash/family.hpp"

namespace vicinal {

struct FoundPair {
    std::uint32_t left, right;  // in a self-join left < right; else of the first and of the second collection
    double score;
};

struct JoinSettings {
    double threshold = 0;
    bool verify = true;   // false: every candidate is handed out, with an estimate of its score
    std::size_t cap = 0;  // 0: no cap
    std::size_t threads = 1;
};

struct JoinReport {
    std::uint64_t candidates = 0;    // distinct pairs that shared a bucket
    std::uint64_t full_buckets = 0;  // that held more than the cap
    std::uint64_t largest_bucket = 0;
    std::uint64_t lost_at_most = 0;  // pairs left out by the cap
};

// The same pairs in the same order for any number of threads.
class PairJoin {
public:
    // Borrows the items; `right` may be null: a self-join. Throws InvalidArgumentError and InvalidVectorError.
    PairJoin(std::shared_ptr<const Family> family, Bands bands, const Items& left, const Items* right,
             const JoinSettings& settings);

    // Computes all keys. To be called once, first. False when the watch said stop.
    bool prepare(Watch& watch);

    // Appends the pairs of further buckets until there are `enough`, or none are left. False at the end, and when the
    // watch said stop.
    bool next(std::size_t enough, std::vector<FoundPair>& pairs, Watch& watch);

    const JoinReport& report() const { return report_; }

private:
    // What one thread works with.
    struct Member {
        std::vector<std::uint32_t> others;
        std::vector<Comparison::Near> near;
        Comparison::Scratch scratch;
    };
    // What one stretch of the sorted keys gave.
    struct Stretch {
        std::vector<FoundPair> pairs;
        std::uint64_t candidates = 0;
    };
    void sort_band();
    void look_at_buckets();
    void cap_bucket(std::size_t begin, std::size_t end);
    bool met(std::size_t band, std::uint32_t one, std::uint32_t other) const;
    bool met_before(std::uint32_t one, std::uint32_t other) const;
    void join_one(std::size_t at, Member& member, Stretch& stretch) const;
    double estimate(std::uint32_t one, std::uint32_t other) const;

    std::shared_ptr<const Family> family_;
    Bands bands_;
    Items left_, right_;
    bool two_sides_;
    JoinSettings settings_;
    Comparison comparison_;
    std::size_t total_;                          // items
    std::vector<std::uint32_t> rows_;            // numbers of items that are not empty, ascending
    std::vector<BandKey> keys_;                  // by band, then by item
    std::vector<std::uint64_t> sorted_, spare_;  // key << 32 | item, of the band at hand
    // Of bands with full buckets: each item's place in its bucket, 0 where the bucket is not full.
    std::vector<std::vector<std::uint32_t>> places_;
    std::size_t band_ = 0, at_ = 0;
    bool sorted_now_ = false;
    Team team_;
    JoinReport report_;
};

}  // namespace vicinal

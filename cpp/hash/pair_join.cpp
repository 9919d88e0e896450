#include "hash/pair_join.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/checked.hpp"
#include "base/errors.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kStretch = 2048;  // items whose buckets one thread joins at a time
constexpr std::size_t kRound = 32;      // stretches between two looks at what has been found

std::uint32_t key_in(std::uint64_t entry) { return static_cast<std::uint32_t>(entry >> 32); }
std::uint32_t item_in(std::uint64_t entry) { return static_cast<std::uint32_t>(entry); }

// By the upper 32 bits, in four passes that keep the order of equals.
void radix_sort(std::vector<std::uint64_t>& entries, std::vector<std::uint64_t>& spare) {
    spare.resize(entries.size());
    for (int shift = 32; shift < 64; shift += 8) {
        std::array<std::size_t, 257> starts{};
        for (const std::uint64_t entry : entries) ++starts[(entry >> shift & 255) + 1];
        for (std::size_t digit = 0; digit < 256; ++digit) starts[digit + 1] += starts[digit];
        for (const std::uint64_t entry : entries) spare[starts[entry >> shift & 255]++] = entry;
        entries.swap(spare);
    }
}

}  // namespace

PairJoin::PairJoin(std::shared_ptr<const Family> family, Bands bands, const Items& left, const Items* right,
                   const JoinSettings& settings)
    : family_(std::move(family)),
      bands_(bands),
      left_(left),
      right_(right == nullptr ? Items{} : *right),
      two_sides_(right != nullptr),
      settings_(settings),
      comparison_(nearness_of(family_->settings()), left_, two_sides_ ? &right_ : nullptr),
      total_(checked_add(left_.n, right_.n)),
      team_(settings.threads) {
    check(bands_, family_->hashes());
    if (total_ >= std::numeric_limits<std::uint32_t>::max())
        throw InvalidArgumentError("items are " + std::to_string(total_) + ", expected fewer than 2^32 - 1");
    for (std::size_t i = 0; i < total_; ++i) {
        const bool on_left = i < left_.n;
        if (!(on_left ? left_ : right_).is_empty(on_left ? i : i - left_.n))
            rows_.push_back(static_cast<std::uint32_t>(i));
    }
    places_.resize(bands_.bands);
}

bool PairJoin::prepare(Watch& watch) {
    keys_.resize(checked_multiply(total_, bands_.bands));
    struct Own {
        std::vector<BandKey> keys;
        std::vector<std::uint32_t> values;
        Family::Scratch scratch;
    };
    std::vector<Own> members(team_.size());
    return team_.run(rows_.size(), 256, watch, [&](std::size_t member, std::size_t first, std::size_t last) {
        Own& own = members[member];
        own.keys.resize(bands_.bands);
        for (std::size_t at = first; at < last; ++at) {
            const std::uint32_t item = rows_[at];
            const bool on_left = item < left_.n;
            keys_of(*family_, bands_, on_left ? left_ : right_, on_left ? item : item - left_.n, own.keys.data(),
                    own.values, own.scratch);
            for (std::size_t band = 0; band < bands_.bands; ++band) keys_[band * total_ + item] = own.keys[band];
        }
    });
}

void PairJoin::sort_band() {
    const BandKey* keys = keys_.data() + band_ * total_;
    sorted_.clear();
    for (const std::uint32_t item : rows_) sorted_.push_back(std::uint64_t{keys[item]} << 32 | item);
    radix_sort(sorted_, spare_);
    look_at_buckets();
}

void PairJoin::look_at_buckets() {
    for (std::size_t begin = 0, end = 0; begin < sorted_.size(); begin = end) {
        while (end < sorted_.size() && key_in(sorted_[end]) == key_in(sorted_[begin])) ++end;
        report_.largest_bucket = std::max<std::uint64_t>(report_.largest_bucket, end - begin);
        if (settings_.cap != 0 && end - begin > settings_.cap) cap_bucket(begin, end);
    }
}

// Places of the first collection's items are spread over those of the second, so that each meets its share.
void PairJoin::cap_bucket(std::size_t begin, std::size_t end) {
    std::vector<std::uint32_t>& places = places_[band_];
    if (places.empty()) places.resize(total_, 0);
    std::size_t lefts = 0;
    if (two_sides_)
        while (begin + lefts < end && item_in(sorted_[begin + lefts]) < left_.n) ++lefts;
    const std::size_t others = end - begin - lefts;
    for (std::size_t at = begin; at < end; ++at) {
        const std::size_t place = at - begin;
        places[item_in(sorted_[at])] =
            static_cast<std::uint32_t>(place < lefts ? place * others / lefts : place - lefts);
    }
    std::uint64_t met = 0;
    if (two_sides_) {
        for (std::size_t place = 0; place < lefts; ++place) {
            const std::size_t middle = place * others / lefts;
            const std::size_t first = middle > settings_.cap ? middle - settings_.cap : 0;
            met += std::min(middle + settings_.cap + 1, others) - std::min(first, others);
        }
        report_.lost_at_most += std::uint64_t{lefts} * others - met;
        if (std::uint64_t{lefts} * others == met) return;
    } else {
        const std::uint64_t beyond = others - settings_.cap - 1;
        if (others <= settings_.cap + 1) return;
        report_.lost_at_most += beyond * (beyond + 1) / 2;
    }
    ++report_.full_buckets;
}

// Requires: both are in one bucket of the band.
bool PairJoin::met(std::size_t band, std::uint32_t one, std::uint32_t other) const {
    const std::vector<std::uint32_t>& places = places_[band];
    if (places.empty()) return true;
    const std::uint32_t a = places[one], b = places[other];
    return (a > b ? a - b : b - a) <= settings_.cap;
}

bool PairJoin::met_before(std::uint32_t one, std::uint32_t other) const {
    for (std::size_t band = 0; band < band_; ++band) {
        const BandKey* keys = keys_.data() + band * total_;
        if (keys[one] == keys[other] && met(band, one, other)) return true;
    }
    return false;
}

// The share of bands with equal keys, and from it the similarity that makes it likely: rough, and free.
double PairJoin::estimate(std::uint32_t one, std::uint32_t other) const {
    std::size_t equal = 0;
    for (std::size_t band = 0; band < bands_.bands; ++band)
        equal += keys_[band * total_ + one] == keys_[band * total_ + other] ? 1u : 0u;
    const double share = static_cast<double>(equal) / static_cast<double>(bands_.bands);
    return std::pow(share, 1.0 / static_cast<double>(bands_.rows));
}

void PairJoin::join_one(std::size_t at, Member& member, Stretch& stretch) const {
    const std::uint32_t one = item_in(sorted_[at]);
    if (two_sides_ && one >= left_.n) return;
    const std::uint32_t key = key_in(sorted_[at]);
    member.others.clear();
    for (std::size_t next = at + 1; next < sorted_.size() && key_in(sorted_[next]) == key; ++next) {
        const std::uint32_t other = item_in(sorted_[next]);
        if (two_sides_ && other < left_.n) continue;
        if (!met(band_, one, other)) {
            if (!two_sides_) break;  // places ascend: nor will those behind it
            continue;
        }
        if (!met_before(one, other)) member.others.push_back(other);
    }
    stretch.candidates += member.others.size();
    const auto left = static_cast<std::uint32_t>(left_.n);
    const auto add = [&](std::uint32_t other, double score) {
        stretch.pairs.push_back({one, two_sides_ ? other - left : other, score});
    };
    if (!settings_.verify) {
        for (const std::uint32_t other : member.others) add(other, estimate(one, other));
        return;
    }
    member.near.clear();
    comparison_.near(one, member.others, settings_.threshold, member.near, member.scratch);
    for (const Comparison::Near& near : member.near) add(near.other, near.score);
}

bool PairJoin::next(std::size_t enough, std::vector<FoundPair>& pairs, Watch& watch) {
    std::vector<Member> members(team_.size());
    std::vector<Stretch> stretches(kRound);
    while (band_ < bands_.bands) {
        if (!std::exchange(sorted_now_, true)) sort_band();
        while (at_ < sorted_.size()) {
            if (pairs.size() >= enough) return true;
            const std::size_t here = std::min((sorted_.size() - at_ + kStretch - 1) / kStretch, kRound);
            for (Stretch& stretch : stretches) stretch = {};
            const bool whole = team_.run(
                here, 1, watch,
                [&](std::size_t member, std::size_t first, std::size_t last) {
                    for (std::size_t s = first; s < last; ++s) {
                        const std::size_t end = std::min(at_ + (s + 1) * kStretch, sorted_.size());
                        for (std::size_t at = at_ + s * kStretch; at < end && !watch.stopped(); ++at)
                            join_one(at, members[member], stretches[s]);
                    }
                },
                band_, bands_.bands + kRound);
            if (!whole || watch.stopped()) return false;
            at_ = std::min(at_ + here * kStretch, sorted_.size());
            for (const Stretch& stretch : stretches) {
                report_.candidates += stretch.candidates;
                pairs.insert(pairs.end(), stretch.pairs.begin(), stretch.pairs.end());
            }
        }
        ++band_;
        at_ = 0;
        sorted_now_ = false;
    }
    return false;
}

}  // namespace vicinal

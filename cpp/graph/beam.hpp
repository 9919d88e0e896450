// The best candidates a walk has seen, nearest first.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

// A candidate in one word that sorts as it should: the distance in the upper half, its bits turned so that they
// order as whole numbers; below it the slot, so that equal distances are ordered too; last the mark "expanded".
class Key {
public:
    Key() = default;
    Key(Distance distance, std::uint32_t slot)
        : word_((std::uint64_t{ordered(distance)} << 32) | (std::uint64_t{slot} << 1)) {}

    Distance distance() const {
        const auto bits = static_cast<std::uint32_t>(word_ >> 32);
        return std::bit_cast<float>((bits & kSign) != 0 ? bits & ~kSign : ~bits);
    }
    std::uint32_t slot() const { return static_cast<std::uint32_t>(word_) >> 1; }
    bool expanded() const { return (word_ & 1) != 0; }
    void mark_expanded() { word_ |= 1; }
    friend bool operator<(Key a, Key b) { return a.word_ < b.word_; }

private:
    static constexpr std::uint32_t kSign = 0x8000'0000U;
    static std::uint32_t ordered(Distance distance) {
        const auto bits = std::bit_cast<std::uint32_t>(comparable(distance) + 0.0F);  // -0 and 0 are one
        return (bits & kSign) != 0 ? ~bits : bits | kSign;
    }
    std::uint64_t word_ = 0;
};

// One sorted array. The fresh candidates of a hop are sorted among themselves and merged from the back, what lies
// between them in one piece; that beats a heap up to widths of several hundred, and leaves the result sorted.
class Beam {
public:
    // `most`: how many candidates one merge may bring. `reserve`: how many more than `width` are kept without being
    // expanded, for a walk whose distances are blurred.
    void reset(std::size_t width, std::size_t most, std::size_t reserve = 0) {
        reach_ = width;
        width += reserve;
        width_ = width;
        size_ = 0;
        next_ = 0;
        selected_ = 0;
        if (keys_.size() < width + most) keys_.resize(width + most);
        if (places_.size() < most) {
            fresh_.resize(most);
            places_.resize(most);  // last: its size says that there is room
        }
    }

    std::size_t size() const { return size_; }
    bool full() const { return size_ == width_; }
    std::span<const Key> keys() const { return {keys_.data(), size_}; }
    Key closest() const { return keys_[0]; }

    // Requires: the slots are not in the beam.
    void merge(const std::uint32_t* slots, const Distance* distances, std::size_t n) {
        select(slots, distances, n);
        merge_selected();
    }

    // The same in two steps: those of the candidates that are near enough, nearest first,
    std::span<const Key> select(const std::uint32_t* slots, const Distance* distances, std::size_t n) {
        const Distance bound = full() ? keys_[size_ - 1].distance() : kFarthest;
        selected_ = 0;
        // Places first and keys of what is left then. Written every time, kept when it counts: the outcome is a coin
        // toss that no processor predicts. What is no number at all counts as farthest (types.hpp).
        for (std::size_t i = 0; i < n; ++i) {
            places_[selected_] = static_cast<std::uint32_t>(i);
            selected_ += distances[i] > bound ? 0U : 1U;
        }
        for (std::size_t i = 0; i < selected_; ++i) fresh_[i] = Key(distances[places_[i]], slots[places_[i]]);
        sort_fresh();
        return {fresh_.data(), selected_};
    }

    // and those, among the others.
    void merge_selected() {
        if (selected_ > 0) merge_fresh(selected_);
        selected_ = 0;
    }

    // How many of the nearest are expanded, at least, before the first that is not.
    std::size_t expanded() const { return next_; }

    // The nearest candidates not yet expanded, as many as there is room for; they are marked. Returns how many.
    std::size_t expand_next(std::span<Key> nearest) {
        std::size_t n = 0;
        for (const std::size_t end = std::min(size_, reach_); next_ < end && n < nearest.size(); ++next_) {
            if (keys_[next_].expanded()) continue;
            nearest[n++] = keys_[next_];
            keys_[next_].mark_expanded();
        }
        return n;
    }

    // Those that would be expanded after that, if nothing nearer turns up.
    std::size_t peek_next(std::span<Key> nearest) const {
        std::size_t n = 0;
        const std::size_t end = std::min(size_, reach_);
        for (std::size_t at = next_; at < end && n < nearest.size(); ++at)
            if (!keys_[at].expanded()) nearest[n++] = keys_[at];
        return n;
    }

private:
    void sort_fresh() {
        constexpr std::size_t kFew = 48;
        const std::size_t n = selected_;
        if (n > kFew) {
            std::sort(fresh_.begin(), fresh_.begin() + static_cast<std::ptrdiff_t>(n));
            return;
        }
        for (std::size_t i = 1; i < n; ++i) {
            const Key key = fresh_[i];
            std::size_t at = i;
            for (; at > 0 && key < fresh_[at - 1]; --at) fresh_[at] = fresh_[at - 1];
            fresh_[at] = key;
        }
    }

    // From the farthest fresh one down: what is farther than it moves up in one piece.
    void merge_fresh(std::size_t n) {
        std::size_t old = size_;
        std::size_t end = size_ + n;  // at most width + most: there is room for what will fall off
        size_ = std::min(end, width_);
        while (n > 0) {
            const Key key = fresh_[--n];
            const std::size_t place = count_below(key, old);
            end -= old - place;
            std::memmove(keys_.data() + end, keys_.data() + place, (old - place) * sizeof(Key));
            keys_[--end] = key;
            old = place;
        }
        next_ = std::min(next_, end);
    }

    // How many of the first n keys are below `key`, without a branch to guess.
    std::size_t count_below(Key key, std::size_t n) const {
        const Key* base = keys_.data();
        while (n > 1) {
            const std::size_t half = n / 2;
            base += base[half - 1] < key ? half : 0;
            n -= half;
        }
        return static_cast<std::size_t>(base - keys_.data()) + (n == 1 && *base < key ? 1 : 0);
    }

    std::vector<Key> keys_;
    std::vector<Key> fresh_;             // what was selected, sorted
    std::vector<std::uint32_t> places_;  // and where among the candidates it stood
    std::size_t selected_ = 0;
    std::size_t width_ = 0;
    std::size_t reach_ = 0;  // of these, how many may be expanded
    std::size_t size_ = 0;
    std::size_t next_ = 0;  // everything before it is expanded
};

}  // namespace vicinal

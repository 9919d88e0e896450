// The k best by (distance, id), as results are ordered.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/types.hpp"

namespace vicinal {

struct Hit {
    Distance distance;
    Id id;
    friend bool operator<(const Hit& a, const Hit& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
    }
};

struct GroupedHit {
    Hit hit;
    std::int64_t group;
    friend bool operator<(const GroupedHit& a, const GroupedHit& b) { return a.hit < b.hit; }
};

// A bounded heap, worst on top: most offers of a scan are refused by one comparison.
class Nearest {
public:
    void reset(std::size_t k) {
        k_ = k;
        hits_.clear();
    }

    // Anything farther than this would be refused.
    Distance bound() const { return hits_.size() < k_ ? kFarthest : hits_.front().distance; }

    void offer(Hit hit) {
        if (hits_.size() < k_) {
            hits_.push_back(hit);
            std::push_heap(hits_.begin(), hits_.end());
        } else if (hit < hits_.front()) {
            std::pop_heap(hits_.begin(), hits_.end());
            hits_.back() = hit;
            std::push_heap(hits_.begin(), hits_.end());
        }
    }

    // Best first; the heap is empty of order afterwards.
    const std::vector<Hit>& sorted() {
        std::sort_heap(hits_.begin(), hits_.end());
        return hits_;
    }

private:
    std::vector<Hit> hits_;
    std::size_t k_ = 0;
};

}  // namespace vicinal

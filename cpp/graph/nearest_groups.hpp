// The groups nearest to a query, each by the nearest of its vectors that has been met.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "graph/beam.hpp"
#include "graph/copies.hpp"
#include "graph/gate.hpp"
#include "graph/view.hpp"

namespace vicinal {

// A group and how far its nearest vector is; nearest first, at equal distances by number.
struct GroupHit {
    Distance distance;
    std::int64_t group;
    std::uint32_t slot;  // of that vector
    friend bool operator<(const GroupHit& a, const GroupHit& b) {
        return a.distance != b.distance ? a.distance < b.distance : a.group < b.group;
    }
};

// The `most` nearest groups of what is offered, sorted. A row that is searched from end to end: it is short, and once
// it is full nearly all offers are refused by one comparison.
class NearestGroups {
public:
    void reset(std::size_t most) {
        most_ = most;
        hits_.clear();
    }

    // What is farther is not taken. What is as far may be: of a lower number.
    Distance bound() const { return hits_.size() < most_ ? kFarthest : hits_.back().distance; }

    void offer(const GroupHit& hit) {
        if (hit.distance > bound()) return;
        const auto same = [&](const GroupHit& other) { return other.group == hit.group; };
        auto old = std::find_if(hits_.begin(), hits_.end(), same);
        if (old != hits_.end()) {
            if (old->distance <= hit.distance) return;
        } else if (hits_.size() < most_) {
            old = hits_.insert(hits_.end(), hit);
        } else {
            old = hits_.end() - 1;
            if (!(hit < *old)) return;
        }
        const auto place = std::upper_bound(hits_.begin(), old, hit);
        std::move_backward(place, old, old + 1);
        *place = hit;
    }

    std::span<GroupHit> hits() { return hits_; }

private:
    std::vector<GroupHit> hits_;
    std::size_t most_ = 0;
};

// Ends a walk that looks for groups (Aiger, Araujo, Lynen, ICCV 2023: what is nearest of each color within a radius).
// A candidate is worth expanding while it is within the radius and nearer than the last of the groups found; and
// always while it is among the `anchor` nearest nodes, so that a walk that begins far away finds its way. A group
// decides what is counted and never what is walked.
class GroupRule {
public:
    GroupRule(const View& view, const Gate& gate, std::size_t anchor, Distance radius, NearestGroups& groups)
        : view_(view), gate_(gate), anchor_(anchor), radius_(radius), groups_(groups) {}

    std::size_t at_once(const Beam&, std::size_t most) const { return most; }

    std::size_t worth(const Beam& beam, std::span<const Key> nodes, std::size_t n) const {
        if (beam.size() < anchor_) return n;
        const Distance farthest = std::max(beam.keys()[anchor_ - 1].distance(), std::min(radius_, groups_.bound()));
        while (n > 0 && nodes[n - 1].distance() > farthest) --n;
        return n;
    }

    void met(const std::uint32_t* slots, const Distance* distances, std::size_t n) const {
        for (std::size_t i = 0; i < n; ++i) {
            const Distance distance = comparable(distances[i]);
            if (distance > radius_ || distance > groups_.bound()) continue;
            const auto offer = [&](std::uint32_t slot) {
                if (gate_.admits_slot(slot)) groups_.offer({distance, view_.group(Slot{slot}), slot});
            };
            offer(slots[i]);
            if (view_.copies != 0 && slots[i] < view_.count) for_each_copy(view_, Slot{slots[i]}, offer);
        }
    }

private:
    const View& view_;
    const Gate& gate_;
    std::size_t anchor_;
    Distance radius_;
    NearestGroups& groups_;
};

}  // namespace vicinal

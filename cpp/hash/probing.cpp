#include "hash/probing.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>

namespace vicinal {
namespace {

constexpr float kAll = std::numeric_limits<float>::infinity();
constexpr float kBelowAll = -1;  // no score is below 0

constexpr int kGuesses = 48;            // so many halve an interval to where floats end
constexpr std::size_t kMostSteps = 64;  // of a set, but one: a longer one is among the likeliest of nothing

bool likelier(const Probing::Bucket& one, const Probing::Bucket& other) {
    return std::tie(one.score, one.band, one.key) < std::tie(other.score, other.band, other.key);
}

// A vector so long that products overflow has borders that are as good as infinitely far.
float squared(float distance) {
    const float square = distance * distance;
    return square <= std::numeric_limits<float>::max() ? square : std::numeric_limits<float>::max();
}

// Floats that are not negative are ordered as their bits are, so that steps are sorted as numbers.
std::uint64_t packed(float score, std::uint32_t row, bool up) {
    return std::uint64_t{std::bit_cast<std::uint32_t>(score)} << 32 | row << 1 | (up ? 1 : 0);
}

// How many sets of steps stay below a score of which `steps` single ones do, where the distances of borders are spread
// evenly: those of k steps fill the positive part of a ball in k dimensions, and k! sequences are one set.
double sets_below(double steps) {
    constexpr std::array kBallByOrder{1.0, 0.392699, 0.0872665, 0.0128511, 0.00137078, 0.000112};
    double sets = 0, power = 1;
    for (const double share : kBallByOrder) sets += share * (power *= steps);
    return sets;
}

}  // namespace

std::span<const Probing::Bucket> Probing::likeliest(FamilyName name, Bands bands, const std::uint32_t* values,
                                                    const float* slack, std::size_t most, Sequence sequence) {
    bands_ = bands;
    sort_steps(name, values, slack);
    find(most);
    if (found_.size() > most) {
        std::nth_element(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(most), found_.end(), likelier);
        found_.resize(most);
    }
    if (sequence == Sequence::likeliest_first) std::sort(found_.begin(), found_.end(), likelier);
    return found_;
}

void Probing::sort_steps(FamilyName name, const std::uint32_t* values, const float* slack) {
    both_ways_ = name == FamilyName::pstable;
    per_band_ = bands_.rows * (both_ways_ ? 2 : 1);
    steps_.clear();
    sums_.clear();
    for (std::size_t band = 0; band < bands_.bands; ++band) {
        const std::uint32_t* const own = values + band * bands_.rows;
        sums_.push_back(key_sum(own, bands_.rows));
        order_.clear();
        for (std::uint32_t row = 0; row < bands_.rows; ++row) {
            const float place = slack[band * bands_.rows + row];
            const bool up = own[row] == 0;  // of a bit: the only way it can go
            if (both_ways_ || !up) order_.push_back(packed(squared(place), row, false));
            if (both_ways_ || up) order_.push_back(packed(squared(both_ways_ ? 1 - place : place), row, true));
        }
        std::sort(order_.begin(), order_.end());
        for (const std::uint64_t step : order_) {
            const auto row = static_cast<std::uint32_t>(step) >> 1;
            const std::uint64_t by = (step & 1) != 0 ? key_step(row) : 0 - key_step(row);
            steps_.push_back({std::bit_cast<float>(static_cast<std::uint32_t>(step >> 32)), row, by});
        }
    }
}

// The score that somewhat more than `most` sets stay below, if borders are spread evenly.
float Probing::first_limit(std::size_t most) const {
    const double wanted = 1.3 * static_cast<double>(most) / static_cast<double>(bands_.bands);
    double steps = 0.25;
    while (sets_below(steps) < wanted && steps < static_cast<double>(per_band_)) steps += 0.25;
    const auto whole = std::min(static_cast<std::size_t>(steps), per_band_);
    const double part = steps - std::floor(steps);
    double distance = 0;
    for (std::size_t band = 0; band < bands_.bands; ++band) {
        const auto distance_of = [&](std::size_t step) {
            return step == 0 ? 0 : std::sqrt(double{steps_[band * per_band_ + step - 1].score});
        };
        const double before = distance_of(whole), after = distance_of(std::min(whole + 1, per_band_));
        distance += before + part * (after - before);
    }
    distance /= static_cast<double>(bands_.bands);
    return static_cast<float>(distance * distance);
}

// Lists the `most` likeliest and at most as many others again.
void Probing::find(std::size_t most) {
    const std::size_t room = 2 * most;
    float too_few = kBelowAll, too_many = kAll, limit = first_limit(most);
    for (int guess = 0; guess < kGuesses; ++guess) {
        const bool fits = list(kBelowAll, limit, room);
        if (fits && (found_.size() >= most || limit == kAll)) return;
        (fits ? too_few : too_many) = limit;
        const float least = std::max(too_few, 0.0F);
        if (too_many == kAll)
            limit = guess < 24 ? std::max(limit * (guess < 6 ? 1.3F : 1e4F), std::numeric_limits<float>::min()) : kAll;
        else
            limit = too_few < 0 && guess < 8 ? limit * 0.75F : least + (too_many - least) / 2;
    }
    // More than there is room for have one score, or nearly one: as many of them as are wanted.
    found_.clear();
    if (too_few >= 0) list(kBelowAll, too_few, room);
    list(too_few, too_many, most);
}

bool Probing::list(float above, float limit, std::size_t room) {
    if (above == kBelowAll) found_.clear();
    above_ = above;
    limit_ = limit;
    room_ = room;
    moved_.clear();
    for (band_ = 0; band_ < bands_.bands; ++band_)
        if (!extend(0, 0, sums_[band_])) return false;
    return true;
}

// Adds each of the steps from `from` on to the set at hand, and to what that makes those after it. False when there is
// no room left.
bool Probing::extend(std::size_t from, float score, std::uint64_t sum) {
    const Step* const steps = steps_.data() + band_ * per_band_;
    for (std::size_t at = from; at < per_band_; ++at) {
        const Step& step = steps[at];
        const float total = score + step.score;
        if (total > limit_) return true;
        if (both_ways_ && moves(step.row)) continue;
        if (total > above_) {
            if (found_.size() == room_) return false;
            found_.push_back({total, band_, key_of_sum(sum + step.by)});
        }
        if (at + 1 == per_band_ || total + steps[at + 1].score > limit_ || moved_.size() == kMostSteps) continue;
        moved_.push_back(step.row);
        const bool goes_on = extend(at + 1, total, sum + step.by);
        moved_.pop_back();
        if (!goes_on) return false;
    }
    return true;
}

bool Probing::moves(std::uint32_t row) const { return std::find(moved_.begin(), moved_.end(), row) != moved_.end(); }

}  // namespace vicinal

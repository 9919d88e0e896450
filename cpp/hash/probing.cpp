#include "hash/probing.hpp"

#include <algorithm>
#include <tuple>

namespace vicinal {
namespace {

constexpr auto kLater = [](const auto& one, const auto& other) {
    return std::tie(one.score, one.band, one.set) > std::tie(other.score, other.band, other.set);
};

}  // namespace

void Probing::start(FamilyName name, Bands bands, const std::uint32_t* values, const float* slack) {
    name_ = name;
    bands_ = bands;
    values_ = values;
    per_band_ = bands.rows * (name == FamilyName::simhash ? 1 : 2);
    steps_.clear();
    sets_.clear();
    heap_.clear();
    for (std::size_t band = 0; band < bands.bands; ++band) {
        for (std::uint32_t row = 0; row < bands.rows; ++row) {
            const float place = slack[band * bands.rows + row];
            if (name == FamilyName::simhash) {
                steps_.push_back({place * place, row, 1});
            } else {
                steps_.push_back({place * place, row, -1});
                steps_.push_back({(1 - place) * (1 - place), row, 1});
            }
        }
        const auto first = steps_.begin() + static_cast<std::ptrdiff_t>(band * per_band_);
        std::sort(first, steps_.end(), [](const Step& one, const Step& other) {
            return std::tie(one.score, one.row, one.by) < std::tie(other.score, other.row, other.by);
        });
        push(first->score, static_cast<std::uint32_t>(band), {kNone, 0});
    }
}

void Probing::push(float score, std::uint32_t band, Set set) {
    sets_.push_back(set);
    heap_.push_back({score, band, static_cast<std::uint32_t>(sets_.size() - 1)});
    std::push_heap(heap_.begin(), heap_.end(), kLater);
}

// Both steps of one line, to either side, lead back to where it was.
bool Probing::moves_a_row_twice(std::uint32_t set, std::span<const Step> steps) const {
    const std::uint32_t row = steps[sets_[set].last].row;
    for (std::uint32_t rest = sets_[set].rest; rest != kNone; rest = sets_[rest].rest)
        if (steps[sets_[rest].last].row == row) return true;
    return false;
}

BandKey Probing::key_after(std::size_t band, std::uint32_t set) {
    const std::uint32_t* own = values_ + band * bands_.rows;
    moved_.assign(own, own + bands_.rows);
    const std::span<const Step> steps = steps_of(band);
    for (; set != kNone; set = sets_[set].rest) {
        const Step& step = steps[sets_[set].last];
        if (name_ == FamilyName::simhash)
            moved_[step.row] ^= 1u;
        else
            moved_[step.row] += static_cast<std::uint32_t>(step.by);
    }
    return key_of(moved_.data(), bands_.rows, band);
}

bool Probing::next(Bucket& bucket) {
    while (!heap_.empty()) {
        std::pop_heap(heap_.begin(), heap_.end(), kLater);
        const Entry best = heap_.back();
        heap_.pop_back();
        const Set set = sets_[best.set];
        const std::span<const Step> steps = steps_of(best.band);
        const bool twice = moves_a_row_twice(best.set, steps);
        if (set.last + 1 < steps.size()) {
            const float later = steps[set.last + 1].score;
            push(best.score - steps[set.last].score + later, best.band, {set.rest, set.last + 1});
            // What is added to a set that moves a row twice moves it twice as well.
            if (!twice) push(best.score + later, best.band, {best.set, set.last + 1});
        }
        if (twice) continue;
        bucket = {best.band, key_after(best.band, best.set)};
        return true;
    }
    return false;
}

}  // namespace vicinal

#include "index/attributes.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "graph/copies.hpp"

namespace vicinal {
namespace {

// Below this share of a View's slots a region is listed: a scan of what is in it will be the way to go, and that wants
// a list.
constexpr double kListed = 0.03;
constexpr std::size_t kFew = 1024;  // rows that are looked at without asking how many are admitted
constexpr std::size_t kSample = 256;

template <class Less>
std::vector<std::uint32_t> sorted_rows(std::size_t n, Less&& less) {
    std::vector<std::uint32_t> rows(n);
    std::iota(rows.begin(), rows.end(), 0U);
    std::sort(rows.begin(), rows.end(), less);
    return rows;
}

}  // namespace

Attributes::Attributes(std::vector<std::int64_t> ids, std::vector<double> values, std::size_t columns)
    : ids_(std::move(ids)), values_(std::move(values)), columns_(columns) {
    by_id_ = sorted_rows(ids_.size(), [&](std::uint32_t a, std::uint32_t b) { return ids_[a] < ids_[b]; });
    for (std::size_t column = 0; column < columns; ++column)
        by_column_.push_back(sorted_rows(ids_.size(), [&](std::uint32_t a, std::uint32_t b) {
            const double left = row(a)[column], right = row(b)[column];
            return left != right ? left < right : a < b;
        }));
}

std::uint32_t Attributes::row_of(std::int64_t id) const {
    const auto less = [&](std::uint32_t row, std::int64_t wanted) { return ids_[row] < wanted; };
    const auto at = std::lower_bound(by_id_.begin(), by_id_.end(), id, less);
    return at != by_id_.end() && ids_[*at] == id ? *at : kNone;
}

std::span<const std::uint32_t> Attributes::narrowest(const Region& region) const {
    std::span<const std::uint32_t> fewest = by_id_;
    for (std::size_t column = 0; column < columns_; ++column) {
        const auto& order = by_column_[column];
        const auto below = [&](std::uint32_t r) { return row(r)[column] < region.low[column]; };
        const auto within = [&](std::uint32_t r) { return row(r)[column] <= region.high[column]; };
        const auto first = std::partition_point(order.begin(), order.end(), below);
        const auto last = std::partition_point(first, order.end(), within);
        if (static_cast<std::size_t>(last - first) < fewest.size()) fewest = {first, last};
    }
    return fewest;
}

std::vector<std::int64_t> Attributes::ids_in(const Region& region) const {
    std::vector<std::int64_t> ids;
    for (const std::uint32_t number : narrowest(region))
        if (region.holds(row(number))) ids.push_back(ids_[number]);
    return ids;
}

// What is removed is looked up too: a View that is older may still show it.
std::unique_ptr<const Attributes::Kept> Attributes::look_up(const View& view, std::uint64_t index,
                                                            const Kept* before) const {
    auto fresh = std::make_unique<Kept>();
    const bool grown = before != nullptr && before->index == index && before->reassigned == view.reassigned;
    if (grown) *fresh = *before;
    fresh->index = index;
    fresh->reassigned = view.reassigned;
    fresh->by_slot.resize(std::size_t{view.count} * columns_, std::nan(""));
    for (; fresh->count < view.count; ++fresh->count) {
        if (!view.holds(Slot{fresh->count})) continue;
        const std::uint32_t found = row_of(number_of(view.id(Slot{fresh->count})));
        if (found != kNone)
            std::copy_n(row(found), columns_, fresh->by_slot.data() + std::size_t{fresh->count} * columns_);
    }
    return fresh;
}

Attributes::Reading::Reading(const Attributes& attributes, const View& view, std::uint64_t index)
    : attributes_(attributes),
      reading_(
          attributes.remembered_,
          [&](const Kept& kept) {
              return kept.index == index && kept.reassigned == view.reassigned && kept.count >= view.count;
          },
          [&](const Kept* before) { return attributes.look_up(view, index, before); }) {}

void Attributes::Reading::admit(const Region& region, const View& view, How how, Admitted& admitted) const {
    const Kept& kept = reading_.kept();
    const auto rows = attributes_.narrowest(region);
    if (how == How::asked && rows.size() > kFew) {
        std::size_t inside = 0;
        for (std::size_t i = 0; i < kSample; ++i)
            inside += region.holds(attributes_.row(rows[i * rows.size() / kSample])) ? 1U : 0U;
        const double estimate = static_cast<double>(rows.size() * inside) / kSample;
        if (estimate > kListed * view.count) {
            const auto most =
                static_cast<double>(view.count);  // there may be rows of vectors that are not in the index
            admitted.ask({kept.by_slot.data(), view.count, &region},
                         static_cast<std::uint32_t>(std::min(estimate, most)));
            return;
        }
    }
    admitted.reset(view.count);
    for (const std::uint32_t row : rows) {
        if (!region.holds(attributes_.row(row))) continue;
        if (const auto slot = view.slot_of(Id{attributes_.ids_[row]})) vicinal::admit(view, *slot, admitted);
    }
}

}  // namespace vicinal

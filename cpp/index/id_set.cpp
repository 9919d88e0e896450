#include "index/id_set.hpp"

#include <algorithm>
#include <utility>

#include "graph/copies.hpp"

namespace vicinal {

IdSet::IdSet(std::vector<std::int64_t> ids, Use use) : ids_(std::move(ids)) {
    if (!std::is_sorted(ids_.begin(), ids_.end())) std::sort(ids_.begin(), ids_.end());
    if (use == Use::often) remembered_ = std::make_unique<Remembered<Kept>>();
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

bool IdSet::contains(std::int64_t id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }

// Few ids are looked up one by one; of many, where rows stand in the order of ids, both are walked side by side.
void IdSet::find_slots(const View& view, Admitted& admitted) const {
    admitted.reset(view.count);
    const Id* ids = view.ids.as<Id>();
    constexpr std::size_t kMany = 16;
    if (ids_.size() < view.count / kMany || !view.gone.empty() || !std::is_sorted(ids, ids + view.count)) {
        for (const std::int64_t id : ids_)
            if (const auto slot = view.slot_of(Id{id})) admit(view, *slot, admitted);
        return;
    }
    auto wanted = ids_.begin();
    for (std::uint32_t slot = 0; slot < view.count && wanted != ids_.end(); ++slot) {
        while (wanted != ids_.end() && *wanted < number_of(ids[slot])) ++wanted;
        if (wanted != ids_.end() && *wanted == number_of(ids[slot])) admit(view, Slot{slot}, admitted);
    }
}

std::unique_ptr<const IdSet::Kept> IdSet::look_up(const View& view, std::uint64_t index, const Kept* before) const {
    auto fresh = std::make_unique<Kept>();
    fresh->index = index;
    fresh->reassigned = view.reassigned;
    const bool grown = before != nullptr && before->index == index && before->reassigned == view.reassigned;
    if (!grown) {
        find_slots(view, fresh->admitted);
        return fresh;
    }
    const std::uint32_t known = before->admitted.slots();
    fresh->admitted = before->admitted;
    fresh->admitted.extend(view.count);
    for (std::uint32_t slot = known; slot < view.count; ++slot)
        if (view.is_live(Slot{slot}) && contains(number_of(view.id(Slot{slot}))))
            admit(view, Slot{slot}, fresh->admitted);
    return fresh;
}

}  // namespace vicinal

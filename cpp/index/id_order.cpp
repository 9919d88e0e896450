#include "index/id_order.hpp"

#include <algorithm>

namespace vicinal {
namespace {

bool ascend(const View& view) {
    const Id* ids = view.ids.as<Id>();
    return std::is_sorted(ids, ids + view.count);
}

std::shared_ptr<const IdOrder::Slots> sorted(const View& view) {
    auto slots = std::make_shared<IdOrder::Slots>();
    slots->reserve(view.size());
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        if (view.is_live(Slot{slot})) slots->push_back(slot);
    const Id* ids = view.ids.as<Id>();
    std::sort(slots->begin(), slots->end(), [&](std::uint32_t a, std::uint32_t b) { return ids[a] < ids[b]; });
    return slots;
}

}  // namespace

std::shared_ptr<const IdOrder::Slots> IdOrder::of(const View& view) const {
    if (view.gone.empty() && ascend(view)) return nullptr;
    const Kept wanted{view.count, view.size(), view.reassigned, nullptr};
    const std::unique_lock<std::mutex> looking(looking_, std::try_to_lock);
    if (!looking.owns_lock()) return sorted(view);
    if (kept_.slots == nullptr || !same_state(kept_, wanted)) {
        kept_ = wanted;
        kept_.slots = sorted(view);
    }
    return kept_.slots;
}

}  // namespace vicinal

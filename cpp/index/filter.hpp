// What a search may report, as a caller says it and as the graph takes it.
#pragma once

#include <cstdint>
#include <span>

#include "graph/admitted.hpp"
#include "index/index.hpp"
#include "index/parts.hpp"

namespace vicinal {

// Throws InvalidArgumentError when there are neither none, one nor n filters, or a mask has another length than there
// are vectors.
void check_filters(std::span<const Filter> filters, std::size_t n, const View& view);

// Fills `admitted` with what a mask admits.
void admit_masked(std::span<const std::uint8_t> mask, const View& view, const IdOrder& order, Admitted& admitted);

// Calls use(what the filter admits), or use(nullptr) without a filter. `room` is where the slots are put down, unless
// the filter remembers them. `exact` says that all that is admitted will be compared.
template <class Parts, class Use>
void with_admitted(const Filter* filter, const View& view, const Parts& parts, bool exact, Admitted& room, Use&& use) {
    if (filter == nullptr) {
        use(static_cast<const Admitted*>(nullptr));
    } else if (filter->region != nullptr) {
        using How = Attributes::Reading::How;
        const Attributes::Reading reading(*filter->region->attributes, view, parts.serial);
        reading.admit(filter->region->region, view, exact ? How::listed : How::asked, room);
        use(static_cast<const Admitted*>(&room));
    } else if (filter->ids == nullptr) {
        admit_masked(filter->mask, view, parts.by_id, room);
        use(&room);
    } else if (filter->ids->remembers()) {
        const IdSet::Reading reading(*filter->ids, view, parts.serial);
        use(&reading.admitted());
    } else {
        filter->ids->find_slots(view, room);
        use(&room);
    }
}

}  // namespace vicinal

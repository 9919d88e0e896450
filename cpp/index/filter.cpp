#include "index/filter.hpp"

#include <string>

#include "base/errors.hpp"
#include "graph/copies.hpp"

namespace vicinal {

void check_filters(std::span<const Filter> filters, std::size_t n, const View& view) {
    if (filters.size() > 1 && filters.size() != n)
        throw InvalidArgumentError("filter lists " + std::to_string(filters.size()) +
                                   " filters, expected one for each of " + std::to_string(n) + " queries");
    const std::size_t expected = view.size();
    for (const Filter& filter : filters)
        if (filter.ids == nullptr && filter.region == nullptr && filter.mask.size() != expected)
            throw InvalidArgumentError("filter is a mask of " + std::to_string(filter.mask.size()) +
                                       " entries, expected one for each of " + std::to_string(expected) +
                                       " vectors, in the order of ids");
}

void admit_masked(std::span<const std::uint8_t> mask, const View& view, const IdOrder& order, Admitted& admitted) {
    admitted.reset(view.count);
    const auto slots = order.of(view);
    for (std::uint32_t i = 0; i < mask.size(); ++i)
        if (mask[i] != 0) admit(view, Slot{slots == nullptr ? i : (*slots)[i]}, admitted);
}

}  // namespace vicinal

// Numbers beside vectors, such as where a picture was taken and when, that a search may be told to keep to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "graph/admitted.hpp"
#include "graph/region.hpp"
#include "graph/view.hpp"
#include "index/remembered.hpp"

namespace vicinal {

// A row of values for each of some ids, of no index in particular: ids that an index does not hold admit nothing there,
// and vectors without a row are admitted nowhere. It never changes.
//
// It remembers the values by slot in the index it was last used with, so that a walk asks of each node it meets whether
// it lies in a region, and nothing of all the others. Of rows added since then only those are looked up.
//
// Thread safety: as IdSet.
class Attributes {
public:
    // `values` has `columns` for each id. Requires: ids are not negative, and none comes twice; values are finite;
    // fewer than 2^32 ids.
    Attributes(std::vector<std::int64_t> ids, std::vector<double> values, std::size_t columns);

    std::span<const std::int64_t> ids() const { return ids_; }
    std::span<const double> values() const { return values_; }
    std::size_t columns() const { return columns_; }

    // Whose rows lie in a region, in no order: what it means to several indexes at once.
    std::vector<std::int64_t> ids_in(const Region& region) const;

    // The values by slot in a View, for as long as this is held. `index` is a number that no other index has.
    class Reading;

private:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
    struct Kept {
        std::vector<double> by_slot;  // NaN where there is no row
        std::uint32_t count = 0;      // of slots
        std::uint64_t index = 0, reassigned = 0;
    };
    std::unique_ptr<const Kept> look_up(const View& view, std::uint64_t index, const Kept* before) const;
    std::uint32_t row_of(std::int64_t id) const;
    const double* row(std::uint32_t number) const { return values_.data() + std::size_t{number} * columns_; }
    // Of all columns, the rows that lie between the bounds of the one where these are fewest.
    std::span<const std::uint32_t> narrowest(const Region& region) const;

    std::vector<std::int64_t> ids_;
    std::vector<double> values_;
    std::size_t columns_;
    std::vector<std::uint32_t> by_id_;                   // rows in the order of ids,
    std::vector<std::vector<std::uint32_t>> by_column_;  // and in that of each column's values
    Remembered<Kept> remembered_;
};

// What a search keeps to. Borrows the attributes.
struct AttributeFilter {
    const Attributes* attributes;
    Region region;
};

class Attributes::Reading {
public:
    Reading(const Attributes& attributes, const View& view, std::uint64_t index);

    // How `admitted` is to hold a region. Listed: a bit for each slot in it. Asked: whatever is cheaper; where it is no
    // small share of all, a walk asks of the nodes it meets, and how many there are is an estimate from a sample.
    enum class How : std::uint8_t { asked, listed };
    void admit(const Region& region, const View& view, How how, Admitted& admitted) const;

private:
    const Attributes& attributes_;
    Remembered<Kept>::Reading reading_;
};

}  // namespace vicinal

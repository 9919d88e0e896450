// All that a search needs to know, as it was at one moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/table.hpp"
#include "base/types.hpp"
#include "codecs/space.hpp"
#include "graph/calibration.hpp"
#include "graph/first_touch.hpp"
#include "graph/links.hpp"
#include "vectors/code_table.hpp"
#include "vectors/id_map.hpp"
#include "vectors/slot_set.hpp"

namespace vicinal {

// A vector that is in the graph already, byte for byte, is no node but a copy of one: it has no level.
constexpr Level kCopyLevel = -1;

// What the tables of a graph look like.
struct Layout {
    Layout(const Space& space, std::size_t M, Table::Place rows = Table::Place::memory)
        : row_place(rows),
          row_stride(space.stride()),
          has_factors(space.has_factors()),
          width(2 * M),
          upper_width(M),
          link_stride(stride_of(width)),
          upper_link_stride(stride_of(upper_width)) {}

    static std::size_t stride_of(std::size_t lanes);  // bytes of a row of links, by the rule for rows of vectors

    Table::Place row_place;  // of rows, and of the factors that belong to them
    std::size_t row_stride;
    bool has_factors;
    std::size_t width, upper_width;  // links a node may keep on level 0, and on each level above
    std::size_t link_stride, upper_link_stride;
};

// A value: copies share the tables. A writer works on a copy of its own and publishes it when it is whole. What is live
// in a View stays so for whoever holds it, and none of the rows it holds moves or changes, except that links improve
// and names come and go; both are read and written as atomic words. Rows of vacant slots may be filled meanwhile: a
// walk may come to them through fresh links, and must not report them.
struct View {
    View(const Layout& layout, const Space& space);

    Table rows;         // vectors as they are stored
    Table factors;      // one float a row, for metrics that have them
    Table ids;          // the user's number of each
    IdMap names;        // and back: the slots by their numbers, until they hold something else
    CodeTable fine;     // 8 bits a dimension: what construction compares, and walks where there is nothing coarser
    CodeTable coarse;   // 4 bits or 2: what walks compare where that pays; without the fine ones only in a tier
    Table groups;       // a number of the user's for each row, where rows have one
    Table levels;       // highest level of each node; kCopyLevel where a slot is none
    Table links;        // on level 0
    Table upper_first;  // by slot: where its rows of upper links begin
    Table upper_links;  // for each node of level L > 0, L rows: level 1 first
    Table next_copies;  // chains of copies (graph/copies.hpp)

    std::shared_ptr<FirstTouch> first_touch;         // none: the tables are in memory
    std::shared_ptr<const Calibration> calibration;  // none: the index is not tuned
    std::size_t dim = 0;
    std::size_t width = 0, upper_width = 0;
    std::uint32_t count = 0;        // slots that have ever been in use
    SlotSet gone;                   // of these, all that are not live: removed, and vacant
    SlotSet vacant;                 // of the gone, those that nothing leads to and that the next rows take
    std::uint32_t copies = 0;       // of the others, how many are copies of a node, whether live or not
    std::uint32_t upper_count = 0;  // rows of upper links in use
    std::size_t lookup_bytes = 0;   // what the writer's table of nodes by their bytes takes, for who asks for memory
    std::uint64_t reassigned = 0;   // grows when a slot below some View's count comes to mean another id
    Slot entry{0};
    Level top = -1;  // of the entry; -1: the graph is empty

    kernels::Rows vectors() const {
        return {rows.data(), rows.stride(), dim, factors.as<float>(), factors.stride() / sizeof(float)};
    }
    const std::byte* vector(Slot slot) const {
        if (first_touch != nullptr) first_touch->row(index_of(slot));
        return rows.row(index_of(slot));
    }
    float factor(Slot slot) const { return factors.stride() == 0 ? 0.0F : factors.as<float>()[index_of(slot)]; }
    Id id(Slot slot) const { return ids.as<Id>()[index_of(slot)]; }
    Level level(Slot slot) const { return levels.as<std::int8_t>()[index_of(slot)]; }
    std::uint32_t size() const { return count - gone.size(); }  // live slots
    std::uint32_t removed() const { return gone.size() - vacant.size(); }
    std::uint32_t nodes() const { return count - vacant.size() - copies; }  // live or not
    bool holds(Slot slot) const { return index_of(slot) < count && !vacant.contains(slot); }
    bool is_live(Slot slot) const { return index_of(slot) < count && !gone.contains(slot); }
    bool is_copy(Slot slot) const { return level(slot) == kCopyLevel; }
    bool is_node(Slot slot) const { return holds(slot) && !is_copy(slot); }
    std::optional<Slot> slot_of(Id id) const {
        if (first_touch != nullptr) return first_touch->slot_of(id);
        return names.find(id, ids.as<Id>(), [this](Slot slot) { return is_live(slot); });
    }
    bool has_groups() const { return groups.stride() != 0; }
    std::int64_t group(Slot slot) const { return groups.as<std::int64_t>()[index_of(slot)]; }
    bool empty() const { return top < 0; }

    Links links_of(Slot slot, Level level) const {
        if (level == 0) {
            if (first_touch != nullptr) first_touch->links(index_of(slot));
            return {reinterpret_cast<std::uint32_t*>(links.row(index_of(slot))), width, slot};
        }
        const std::size_t row = upper_first.as<std::uint32_t>()[index_of(slot)] + static_cast<std::size_t>(level) - 1;
        return {reinterpret_cast<std::uint32_t*>(upper_links.row(row)), upper_width, slot};
    }

    // Room for `slots` slots and `upper_rows` rows of upper links. Strong guarantee. Throws Stopped.
    void reserve(std::size_t slots, std::size_t upper_rows, Watch& watch);
};

}  // namespace vicinal

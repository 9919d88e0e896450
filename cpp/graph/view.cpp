#include "graph/view.hpp"

#include <algorithm>

namespace vicinal {

std::size_t Layout::stride_of(std::size_t lanes) { return Space::stride_for(lanes * sizeof(std::uint32_t)); }

View::View(const Layout& layout, const Space& space)
    : rows(layout.row_stride, layout.row_place),
      factors(layout.has_factors ? sizeof(float) : 0, layout.row_place),
      ids(sizeof(Id)),
      fine(WalkCode(space, Traversal::exact)),
      coarse(WalkCode(space, Traversal::exact)),
      levels(1),
      links(layout.link_stride),
      upper_first(sizeof(std::uint32_t)),
      upper_links(layout.upper_link_stride),
      next_copies(sizeof(std::uint32_t)),
      dim(space.dim()),
      width(layout.width),
      upper_width(layout.upper_width) {}

namespace {

// Half as much again as there was, at least: so that growing one by one copies each row three times in the end.
// Room that is set aside and not used costs address space, not memory.
std::size_t grown(std::size_t capacity, std::size_t needed) {
    return needed <= capacity ? capacity : std::max(needed, capacity + capacity / 2);
}

}  // namespace

void View::reserve(std::size_t slots, std::size_t upper_rows, Watch& watch) {
    View larger = *this;
    const std::size_t room = grown(rows.capacity(), slots);
    for (Table* table : {&larger.rows, &larger.factors, &larger.fine.codes, &larger.fine.factors, &larger.coarse.codes,
                         &larger.coarse.factors, &larger.ids, &larger.groups, &larger.levels, &larger.links,
                         &larger.upper_first, &larger.next_copies})
        if (table->stride() != 0) table->reserve(room, count, watch);
    // When rows move, upper links move with them: whoever reads the old rows would find fresh links beyond their end.
    const std::size_t least = room == rows.capacity() ? 0 : upper_links.capacity() + 1;
    larger.upper_links.reserve(std::max(grown(upper_links.capacity(), upper_rows), least), upper_count, watch);
    *this = larger;
}

}  // namespace vicinal

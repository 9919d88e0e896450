#include "persist/check.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "graph/copies.hpp"
#include "persist/refuse.hpp"

namespace vicinal {
namespace {

// How many rows pass between two looks at the watch: some milliseconds, for the longest rows.
constexpr std::uint32_t kRowsAtOnce = 256;

std::string row_named(std::uint32_t slot) { return "row " + std::to_string(slot); }

bool all_zero(const std::byte* begin, const std::byte* end) {
    return std::all_of(begin, end, [](std::byte byte) { return byte == std::byte{0}; });
}

void check_row(const Graph& graph, std::uint32_t slot, std::vector<std::byte>& given, const std::string& name) {
    const Space& space = graph.space;
    const std::byte* row = graph.view.vector(Slot{slot});
    space.decode(row, given.data());
    const std::string fault = space.fault(given.data(), Space::Source::file);
    if (!fault.empty()) refuse(name, row_named(slot) + " " + fault);
    if (!all_zero(row + space.row_bytes(), row + space.stride()))
        refuse(name, row_named(slot) + " is followed by bytes that are not zero");
    if (space.metric() != Metric::ip) return;
    const double norm = std::sqrt(space.squared_norm(row));
    if (norm < graph.norms.shortest || norm > graph.norms.longest)
        refuse(name, "the norm of " + row_named(slot), norm,
               std::to_string(graph.norms.shortest) + " to " + std::to_string(graph.norms.longest));
}

// Looks at rows of links, one after the other.
class LinkCheck {
public:
    LinkCheck(const Graph& graph, const std::string& name)
        : view_(graph.view), sweep_(graph.sweep), name_(name), levels_(view_.levels.as<std::int8_t>()) {}

    void check(std::uint32_t slot, Level level) {
        const Table& table = level == 0 ? view_.links : view_.upper_links;
        const std::size_t width = level == 0 ? view_.width : view_.upper_width;
        const std::size_t row =
            level == 0 ? slot : view_.upper_first.as<std::uint32_t>()[slot] + static_cast<std::size_t>(level) - 1;
        const std::span lanes(reinterpret_cast<const std::uint32_t*>(table.row(row)),
                              table.stride() / sizeof(std::uint32_t));
        slot_ = slot;
        level_ = level;
        const auto lanes_in_use = lanes.first(width);
        const auto links = lanes.first(
            static_cast<std::size_t>(std::find(lanes_in_use.begin(), lanes_in_use.end(), slot) - lanes.begin()));
        check_targets(links);
        check_distinct(links);
        for (std::size_t lane = links.size(); lane < lanes.size(); ++lane)
            if (lanes[lane] != (lane < width ? slot : 0)) refuse_lane(lane, lanes[lane], lane < width ? slot : 0);
    }

private:
    std::string place() const { return row_named(slot_) + " on level " + std::to_string(level_); }

    void check_targets(std::span<const std::uint32_t> links) const {
        for (const std::uint32_t target : links) {
            if (target >= view_.count)
                refuse(name_, "a link of " + place(), target, "a slot below " + std::to_string(view_.count));
            if (!view_.holds(Slot{target}))
                refuse(name_, "a link of " + place() + " leads to " + row_named(target) +
                                  ", which is vacant, expected a node");
            if (slot_ < sweep_.cursor && sweep_.leaving.contains(target) && !sweep_.leaving.contains(slot_))
                refuse(name_, "a link of " + place() + " leads to " + row_named(target) +
                                  ", which leaves, though the cursor is past it");
            if (levels_[target] == kCopyLevel)
                refuse(name_, "a link of " + place() + " leads to " + row_named(target) +
                                  ", which is a copy, expected a node");
            if (levels_[target] < level_)
                refuse(name_, "a link of " + place() + " leads to " + row_named(target) + ", whose highest level",
                       levels_[target], std::to_string(level_) + " or more");
        }
    }

    void check_distinct(std::span<const std::uint32_t> links) {
        sorted_.assign(links.begin(), links.end());
        std::sort(sorted_.begin(), sorted_.end());
        const auto twice = std::adjacent_find(sorted_.begin(), sorted_.end());
        if (twice != sorted_.end()) refuse(name_, place() + " has two links to " + row_named(*twice));
    }

    [[noreturn]] void refuse_lane(std::size_t lane, std::uint32_t found, std::uint32_t expected) const {
        refuse(name_, "lane " + std::to_string(lane) + " of the links of " + place() + ", after the last link,", found,
               std::to_string(expected));
    }

    const View& view_;
    const Sweep& sweep_;
    const std::string& name_;
    const std::int8_t* levels_;
    std::uint32_t slot_ = 0;
    Level level_ = 0;
    std::vector<std::uint32_t> sorted_;
};

}  // namespace

void check_states(Graph& graph, std::span<const std::uint8_t> states, const Settings& settings,
                  const std::string& name) {
    std::vector<std::uint32_t> gone, vacant, leaving;
    for (std::uint32_t slot = 0; slot < states.size(); ++slot) {
        const State state{states[slot]};
        if (states[slot] > static_cast<std::uint8_t>(State::leaving))
            refuse(name, "the state of " + row_named(slot), states[slot], "0 to 3");
        if (state != State::live) gone.push_back(slot);
        if (state == State::vacant) vacant.push_back(slot);
        if (state == State::leaving) leaving.push_back(slot);
    }
    if (gone.size() != settings.gone)
        refuse(name, "the number of rows that are marked as not live", gone.size(), std::to_string(settings.gone));
    if (leaving.empty() && settings.cursor != 0) refuse(name, "the cursor of no pass", settings.cursor, "0");
    graph.view.gone = SlotSet().with(gone);
    graph.view.vacant = SlotSet().with(vacant);
    graph.sweep = {SlotSet().with(leaving), settings.cursor};
}

std::uint64_t check_levels(const View& view, const Settings& settings, const std::string& name) {
    const std::span levels(view.levels.as<const std::int8_t>(), settings.count);
    std::uint64_t upper_rows = 0;
    Level top = 0;
    for (std::uint32_t slot = 0; slot < settings.count; ++slot) {
        if (levels[slot] > kMaxLevel || levels[slot] < kCopyLevel)
            refuse(name, "the level of " + row_named(slot), static_cast<std::uint8_t>(levels[slot]),
                   "at most " + std::to_string(kMaxLevel) + ", or 255 for a copy");
        upper_rows += upper_rows_of(levels[slot]);
        top = std::max<Level>(top, levels[slot]);
    }
    if (view.vacant.size() == settings.count) {
        if (settings.entry != 0) refuse(name, "the entry where all rows are vacant", settings.entry, "0");
        return 0;
    }
    if (!view.holds(Slot{settings.entry}))
        refuse(name, "the entry, " + row_named(settings.entry) + ", is vacant, expected a node");
    if (levels[settings.entry] != top)
        refuse(name, "the level of the entry, " + row_named(settings.entry) + ",", levels[settings.entry],
               "the highest, " + std::to_string(top));
    if (upper_rows > std::numeric_limits<std::uint32_t>::max())
        refuse(name, "the number of rows of upper links", upper_rows, "less than 2^32");
    return upper_rows;
}

void check_ids(const View& view, const Settings& settings, const std::string& name) {
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    const std::span ids(view.ids.as<const std::int64_t>(), settings.count);
    const auto is_live = [&](std::uint32_t slot) { return view.is_live(Slot{slot}); };

    bool ascending = true;
    std::int64_t last = -1;
    for (std::uint32_t slot = 0; slot < settings.count; ++slot) {
        if (!view.holds(Slot{slot})) continue;
        const std::int64_t id = ids[slot];
        if (id < 0) refuse(name, "the id of " + row_named(slot), id, "0 or more");
        if (id >= settings.next_id && !(id == kLargest && settings.next_id == kLargest))
            refuse(name, "the id of " + row_named(slot), id, "less than " + std::to_string(settings.next_id));
        if (!is_live(slot)) continue;
        ascending = ascending && id > last;
        last = id;
    }
    if (ascending) return;

    std::vector<std::int64_t> live;
    live.reserve(settings.count - settings.gone);
    for (std::uint32_t slot = 0; slot < settings.count; ++slot)
        if (is_live(slot)) live.push_back(ids[slot]);
    std::sort(live.begin(), live.end());
    const auto twice = std::adjacent_find(live.begin(), live.end());
    if (twice != live.end()) refuse(name, "id " + std::to_string(*twice) + " stands for two live rows");
}

void check_rows(const Graph& graph, const std::string& name, Effort& effort) {
    std::vector<std::byte> given(graph.space.given_row_bytes());
    for (std::uint32_t slot = 0; slot < graph.view.count; ++slot) {
        if (graph.view.holds(Slot{slot})) check_row(graph, slot, given, name);
        if (slot % kRowsAtOnce == kRowsAtOnce - 1) effort.add(kRowsAtOnce * graph.space.stride());
    }
}

void check_rows(const Graph& graph, std::uint32_t first, std::uint32_t n, const std::string& name) {
    std::vector<std::byte> given(graph.space.given_row_bytes());
    for (std::uint32_t slot = first; slot < first + n; ++slot)
        if (graph.view.holds(Slot{slot})) check_row(graph, slot, given, name);
}

void check_factors(const View& view, const std::string& name) {
    const std::span factors(view.factors.as<const float>(), view.count);
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        if (view.holds(Slot{slot}) && !(std::isfinite(factors[slot]) && factors[slot] > 0))
            refuse(name, "the inverse norm of " + row_named(slot), factors[slot], "a finite number above 0");
}

void check_links(const Graph& graph, std::uint32_t first, std::uint32_t n, const std::string& name) {
    LinkCheck links(graph, name);
    for (std::uint32_t slot = first; slot < first + n; ++slot)
        if (graph.view.holds(Slot{slot})) links.check(slot, 0);
}

void check_upper_links(const Graph& graph, const std::string& name) {
    LinkCheck links(graph, name);
    for (std::uint32_t slot = 0; slot < graph.view.count; ++slot)
        for (Level level = 1; graph.view.holds(Slot{slot}) && level <= graph.view.level(Slot{slot}); ++level)
            links.check(slot, level);
}

void check_vacant(const View& view, const std::string& name) {
    view.vacant.for_each([&](std::uint32_t slot) {
        for (const Table* table : {&view.rows, &view.ids, &view.groups, &view.levels, &view.links})
            if (!all_zero(table->row(slot), table->row(slot) + table->stride()))
                refuse(name, row_named(slot) + " is vacant and holds bytes that are not zero");
    });
}

void check_links(const Graph& graph, const std::string& name, Effort& effort) {
    const View& view = graph.view;
    LinkCheck links(graph, name);
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.holds(Slot{slot})) continue;
        links.check(slot, 0);  // a copy has this row too
        for (Level level = 1; level <= view.level(Slot{slot}); ++level) links.check(slot, level);
        if (slot % kRowsAtOnce == kRowsAtOnce - 1) effort.add(kRowsAtOnce * view.links.stride());
    }
}

void check_copies(const Graph& graph, const std::string& name, Effort& effort) {
    const View& view = graph.view;
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.holds(Slot{slot}) || !view.is_copy(Slot{slot})) continue;
        const std::size_t links = view.links_of(Slot{slot}, 0).degree();
        if (links != 1) refuse(name, "the number of links of " + row_named(slot) + ", a copy,", links, "1");
        const Slot node = node_of(view, Slot{slot});
        if (graph.sweep.leaving.contains(node) && !graph.sweep.leaving.contains(slot))
            refuse(name, row_named(slot) + " stays, and is a copy of " + row_named(index_of(node)) + ", which leaves");
        if (std::memcmp(view.vector(node), view.vector(Slot{slot}), graph.space.row_bytes()) != 0)
            refuse(name, row_named(slot) + " is a copy of " + row_named(index_of(node)) + " and holds another vector");
        effort.add(graph.space.stride());
    }
}

}  // namespace vicinal

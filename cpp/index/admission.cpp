// What comes before a batch is written: all that can be wrong with it is found, and all the room it needs is made.
// Declared in parts.hpp.
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/errors.hpp"
#include "graph/copies.hpp"
#include "graph/insert.hpp"
#include "index/checks.hpp"
#include "index/parts.hpp"

namespace vicinal {

namespace {

// What stands in the rows' order, in that in which they enter.
template <class T>
std::vector<T> entering(std::vector<T> by_row, std::span<const std::int64_t> order) {
    if (order.empty()) return by_row;
    std::vector<T> sequence;
    sequence.reserve(order.size());
    for (const std::int64_t row : order) sequence.push_back(by_row[static_cast<std::size_t>(row)]);
    return sequence;
}

}  // namespace

Index::Parts::Rows Index::Parts::admit(Mode mode, const Batch& batch, const Crew& crew) {
    check_addable(graph.space, options, batch.rows, batch.n, crew);
    Rows rows{entering(ids_for(batch.n, batch.ids), batch.order), next_slots(graph.view, batch.n), {}};
    if (!batch.ids.empty()) rows.replaced = replaced_by(rows.ids, mode, crew.watch);
    settle_groups(batch, rows.replaced);
    make_room(batch.n, crew.watch);
    take_over(rows.slots, crew.watch);
    store_groups(batch, rows);
    return rows;
}

std::vector<std::uint32_t> Index::Parts::replaced_by(std::span<const Id> ids, Mode mode, Watch& watch) const {
    std::vector<std::uint32_t> slots;
    slots.reserve(ids.size());
    for (const Id id : ids) {
        if (slots.size() % 4096 == 0 && !watch.again()) throw Stopped();
        const auto slot = graph.view.slot_of(id);
        if (slot && mode == Mode::add)
            throw DuplicateIdError("id " + std::to_string(number_of(id)) + " is in the index already");
        if (!slot && mode == Mode::update)
            throw UnknownIdError("id " + std::to_string(number_of(id)) + " is not in the index");
        slots.push_back(slot ? index_of(*slot) : Rows::kNobody);
    }
    const auto nobody = [](std::uint32_t slot) { return slot == Rows::kNobody; };
    if (std::all_of(slots.begin(), slots.end(), nobody)) slots.clear();
    return slots;
}

std::vector<Id> Index::Parts::ids_for(std::size_t n, std::span<const std::int64_t> given) const {
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    if (n > kMaxSlots - 1 - (graph.view.count - graph.view.vacant.size()))
        throw InvalidArgumentError("an index holds at most " + std::to_string(kMaxSlots - 1) + " vectors");
    std::vector<Id> ids;
    ids.reserve(n);
    if (given.empty()) {
        if (next_id > kLargest - static_cast<std::int64_t>(n))
            throw InvalidArgumentError("ids end at 2^63 - 1, and fewer than " + std::to_string(n) + " are left from " +
                                       std::to_string(next_id) + " on: give ids of your own");
        for (std::size_t i = 0; i < n; ++i) ids.push_back(Id{next_id + static_cast<std::int64_t>(i)});
        return ids;
    }
    bool ascending = true;
    for (std::size_t i = 0; i < n; ++i) {
        if (given[i] < 0)
            throw InvalidArgumentError("ids[" + std::to_string(i) + "] is " + std::to_string(given[i]) +
                                       ", expected 0 or more");
        ascending = ascending && (i == 0 || given[i - 1] < given[i]);
        ids.push_back(Id{given[i]});
    }
    if (ascending) return ids;
    std::vector<Id> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
        throw DuplicateIdError("id " + std::to_string(number_of(*twice)) + " is given twice in one batch");
    return ids;
}

void Index::Parts::settle_groups(const Batch& batch, std::span<const std::uint32_t> replaced) {
    View& view = graph.view;
    const bool given = !batch.groups.empty();
    if (view.has_groups() == given) return;
    const bool inherited =
        !given && !replaced.empty() && std::find(replaced.begin(), replaced.end(), Rows::kNobody) == replaced.end();
    if (inherited) return;
    if (view.count != 0)
        throw InvalidArgumentError(given ? "groups: found some, expected none: the index was filled without groups"
                                         : "groups: found none, expected one for each vector, as the index has them");
    view.groups = Table(given ? sizeof(std::int64_t) : 0);
}

// Without groups a row inherits that of the one it replaces.
void Index::Parts::store_groups(const Batch& batch, const Rows& rows) noexcept {
    if (!graph.view.has_groups()) return;
    auto* stored = graph.view.groups.as<std::int64_t>();
    const auto row_of = [&](std::size_t i) {
        return batch.order.empty() ? i : static_cast<std::size_t>(batch.order[i]);
    };
    for (std::size_t i = 0; i < rows.slots.size(); ++i)
        stored[rows.slots[i]] = batch.groups.empty() ? stored[rows.replaced[i]] : batch.groups[row_of(i)];
}

void Index::Parts::make_room(std::size_t n, Watch& watch) {
    const std::size_t fresh = n - std::min<std::size_t>(n, graph.view.vacant.size());
    if (graph.view.rows.place() == Table::Place::disk && process_ != ::getpid())
        throw ReadOnlyError(
            "the vectors of this index lie on disk, in a file that this process shares with its parent: here it can be "
            "searched, not changed");
    const std::byte* before = graph.view.rows.data();
    auto hold = std::make_shared<Hold>();
    graph.view.reserve(graph.view.count + fresh, graph.view.upper_count + upper_rows_needed(graph, n), watch);
    if (graph.view.rows.data() != before) hold_ = std::move(hold);  // snapshots keep the old tables
    graph.view.names.reserve(graph.view.names.size() + n, graph.view.ids.as<Id>());
    reserve_lookup(graph, n, watch);
}

void Index::Parts::take_over(std::span<const std::uint32_t> slots, Watch& watch) {
    if (withdrawn_ != 0) await(withdrawn_, withdrawn_in_, watch);
    withdrawn_ = 0;
    if (slots.empty() || slots.front() >= graph.view.count) return;
    for (const std::uint32_t slot : slots)
        if (slot < graph.view.count) graph.view.names.erase(Slot{slot}, graph.view.ids.as<Id>());
}

}  // namespace vicinal

#include "index/parts.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <thread>

#include "base/errors.hpp"
#include "graph/copies.hpp"
#include "graph/insert.hpp"
#include "graph/reconnect.hpp"
#include "index/checks.hpp"

namespace vicinal {

namespace {

constexpr std::size_t kAllRows = std::numeric_limits<std::size_t>::max();

std::atomic<std::uint64_t> next_serial{0};

}  // namespace

GraphOptions graph_options_of(const Options& options) {
    return {options.M, options.ef_construction, options.seed, options.traversal, options.lift};
}

Index::Parts::Parts(const Options& given)
    : Parts(given, Graph(Space(given.metric, given.dtype, given.dim), graph_options_of(given)), 0) {}

Index::Parts::Parts(const Options& given, Graph&& loaded, std::int64_t next)
    : options(given),
      graph(std::move(loaded)),
      next_id(next),
      serial(next_serial.fetch_add(1) + 1),
      process_(::getpid()) {
    View& view = graph.view;
    // A mapped file looks ids up itself.
    if (view.first_touch == nullptr) {
        view.names.reserve(view.size(), view.ids.as<Id>());
        for (std::uint32_t slot = 0; slot < view.count; ++slot)
            if (view.is_live(Slot{slot})) view.names.insert(Slot{slot}, view.ids.as<Id>());
    }
    current.store(new View(view));
}

// Names of its own: those of the origin are taken out when what they name is overwritten, and here it stays.
Index::Parts::Parts(FrozenTag, const Parts& origin)
    : options(origin.options),
      graph(origin.graph.space, origin.graph.options),
      next_id(origin.next_id),
      serial(next_serial.fetch_add(1) + 1),
      process_(::getpid()),
      hold_(origin.hold_) {
    graph.view = *origin.current.load();
    graph.view.names = graph.view.names.apart();
    graph.norms = origin.graph.norms;
    current.store(new View(graph.view));
    writing.close();
}

Index::Parts::~Parts() { delete current.load(); }

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

std::size_t Index::Parts::add_batch(const Batch& batch, const Rows& rows, std::size_t done, Undo& undo,
                                    const Crew& crew) {
    const std::size_t n = batch_size(graph.view.nodes(), rows.ids.size() - done);
    const std::span ids = std::span(rows.ids).subspan(done, n);
    const std::span slots = std::span(rows.slots).subspan(done, n);
    const Footing before(graph);
    std::unique_ptr<View> prepared = prepare_to_publish();
    const Arrivals arrivals{batch.rows, graph.space.given_row_bytes(), batch.order, done};
    if (!store_batch(graph, arrivals, ids, slots, crew) || !part_from_old_codes(slots, crew.watch) ||
        !link_batch(graph, slots, undo, crew, {done, rows.ids.size()})) {
        before.restore(graph);
        return 0;
    }
    if (!rows.replaced.empty()) {
        std::vector<std::uint32_t> replaced(rows.replaced.begin() + static_cast<std::ptrdiff_t>(done),
                                            rows.replaced.begin() + static_cast<std::ptrdiff_t>(done + n));
        std::erase(replaced, Rows::kNobody);
        graph.view.gone = graph.view.gone.with(replaced);
    }
    // From here on nothing can fail.
    if (slots.front() < before.view().count) graph.view.reassigned = ++reassigned;  // at each batch: it is shown
    enter_ids(slots);
    publish(std::move(prepared));
    return n;
}

// When codes or heights have been made anew, searches that began before have the old ones, and of a slot that is filled
// again those are of what it held. They must not come to it: so they are waited for. False when the watch says stop.
bool Index::Parts::part_from_old_codes(std::span<const std::uint32_t> slots, Watch& watch) {
    const View& shown = *current.load();
    const auto codes = [](const View& view) {
        return std::array{view.fine.codes.data(), view.coarse.codes.data(), view.factors.data()};
    };
    if (slots.front() >= graph.view.count || codes(shown) == codes(graph.view)) return true;
    const Epochs::Time time = publish(prepare_to_publish());
    try {
        await(time, process_, watch);
    } catch (const Stopped&) {
        return false;
    }
    return true;
}

void Index::Parts::reconnect_after(Start& start, std::span<const std::uint32_t> slots, Watch& watch) {
    const View& view = graph.view;
    // Among nothing but removed nodes a new one finds nobody to choose.
    const bool alone = view.nodes() > 1 && std::any_of(slots.begin(), slots.end(), [&](std::uint32_t slot) {
                           return view.links_of(Slot{slot}, 0).degree() == 0;
                       });
    if (!alone && !reconnection_is_due(start.nodes, view.nodes())) {
        hold_new_nodes(view, slots, start.undo);
        return;
    }
    try {
        reconnect(graph, start.undo, watch);
    } catch (const Stopped&) {
        return;
    }
}

void Index::Parts::sweep_after(std::size_t n, const Crew& crew) {
    try {
        sweep(graph.view.size() == 0 ? kAllRows : n * kRowsSweptForOne, crew);
    } catch (const Stopped&) {
        return;
    } catch (const std::bad_alloc&) {
        return;
    }
}

void Index::Parts::sweep(std::size_t rows, const Crew& crew) {
    while (rows != 0 && graph.view.removed() != 0 && (sweeping(graph) || (!is_held() && begin_sweep(graph)))) {
        rows -= std::min(rows, sweep_some(graph, rows, crew));
        if (swept(graph)) end_sweep(crew.watch);
    }
}

// All or nothing: a pass whose end is interrupted ends with a later call. (Links that were given meanwhile stay.)
void Index::Parts::end_sweep(Watch& watch) {
    std::unique_ptr<View> prepared = prepare_to_publish();
    View view = graph.view;
    Sweep sweep = graph.sweep;
    SpareRows spare_rows = graph.spare_rows;
    try {
        vicinal::end_sweep(graph);
        Undo undo(graph);
        reconnect(graph, undo, watch);
    } catch (...) {
        graph.view = std::move(view);
        graph.sweep = std::move(sweep);
        graph.spare_rows = std::move(spare_rows);
        throw;
    }
    withdraw_since(publish(std::move(prepared)));
}

void Index::Parts::compact(const Crew& crew) {
    sweep(kAllRows, crew);
    if (graph.view.removed() != 0 && is_held()) {
        move_to_tables_of_its_own(all_sitters(graph.view), crew.watch);
        sweep(kAllRows, crew);
    }
    if (!graph.view.gone.empty()) move_to_tables_of_its_own(live_sitters(graph.view), crew.watch);
}

void Index::Parts::move_to_tables_of_its_own(const std::vector<Sitter>& sitters, Watch& watch) {
    std::unique_ptr<View> prepared = prepare_to_publish();
    auto hold = std::make_shared<Hold>();
    renumber(graph, sitters, watch);
    graph.view.reassigned = ++reassigned;
    publish(std::move(prepared));
    withdrawn_ = 0;  // nobody has seen these tables before
    hold_ = std::move(hold);
}

std::vector<Id> Index::Parts::ids_for(std::size_t n, std::span<const std::int64_t> given) const {
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    if (n > kMaxSlots - 1 - graph.view.count)
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

// A child has the seats of its parent's searches, and nobody in it will leave them.
void Index::Parts::await(Epochs::Time time, pid_t process, Watch& watch) const {
    while (!epochs.passed(time)) {
        if (process != ::getpid()) throw ForkedError();
        if (!watch.again()) throw Stopped();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void Index::Parts::withdraw_since(Epochs::Time time) noexcept {
    withdrawn_ = time;
    withdrawn_in_ = ::getpid();
}

std::unique_ptr<View> Index::Parts::prepare_to_publish() {
    retired_.reserve(retired_.size() + 2);  // one for this View, and one for that of a Start
    return std::make_unique<View>(graph.view);
}

Epochs::Time Index::Parts::publish(std::unique_ptr<View> prepared) noexcept {
    *prepared = graph.view;
    std::unique_ptr<const View> old(current.exchange(prepared.release()));
    const Epochs::Time time = epochs.tick();
    retired_.push_back({std::move(old), time});
    free_retired();
    return time;
}

void Index::Parts::free_retired() {
    std::erase_if(retired_, [this](const Retired& retired) { return epochs.passed(retired.time); });
}

void Index::Parts::enter_ids(std::span<const std::uint32_t> slots) noexcept {
    const Id* ids = graph.view.ids.as<Id>();
    for (const std::uint32_t slot : slots) {
        graph.view.names.insert(Slot{slot}, ids);
        const std::int64_t number = number_of(ids[slot]);
        next_id = std::max(next_id, number == std::numeric_limits<std::int64_t>::max() ? number : number + 1);
    }
}

std::vector<Slot> slots_of(std::span<const std::int64_t> ids, const View& view) {
    std::vector<Slot> slots;
    slots.reserve(ids.size());
    for (const std::int64_t id : ids) {
        const auto slot = view.slot_of(Id{id});
        if (!slot) throw UnknownIdError("id " + std::to_string(id) + " is not in the index");
        slots.push_back(*slot);
    }
    return slots;
}

void Index::Parts::forget(std::span<const std::int64_t> ids) {
    View& view = graph.view;
    const std::vector<Slot> slots = slots_of(ids, view);
    std::vector<Slot> sorted = slots;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
        throw DuplicateIdError("id " + std::to_string(number_of(view.id(*twice))) + " is named twice in one call");

    std::vector<std::uint32_t> leaving;
    leaving.reserve(slots.size());
    for (const Slot slot : slots) leaving.push_back(index_of(slot));
    std::unique_ptr<View> prepared = prepare_to_publish();
    view.gone = view.gone.with(leaving);
    publish(std::move(prepared));
}

void Index::Parts::go_back(Start& start, std::span<const std::uint32_t> slots) noexcept {
    for (const std::uint32_t slot : slots) graph.view.names.erase(Slot{slot}, graph.view.ids.as<Id>());
    start.undo.take_back(graph);
    graph.nodes = {};  // it may have forgotten nodes that are live again
    next_id = start.next_id;
    graph.view.reassigned = ++reassigned;
    withdraw_since(publish(std::move(start.view)));
}

}  // namespace vicinal

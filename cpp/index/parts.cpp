#include "index/parts.hpp"

#include <unistd.h>

#include <algorithm>
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

std::atomic<std::uint64_t> next_serial{0};

}  // namespace

GraphOptions graph_options_of(const Options& options) {
    return {options.M, options.ef_construction, options.seed, options.traversal, options.lift};
}

Index::Parts::Parts(const Options& given)
    : Parts(given, Graph(Space(given.metric, given.dtype, given.dim), graph_options_of(given)), 0) {}

Index::Parts::Parts(const Options& given, Graph&& loaded, std::int64_t next)
    : options(given), graph(std::move(loaded)), next_id(next), serial(next_serial.fetch_add(1) + 1) {
    View& view = graph.view;
    const std::uint32_t named = view.first_touch != nullptr ? 0 : view.count;  // a mapped file looks ids up itself
    view.names.reserve(named == 0 ? 0 : view.count - view.removed, view.ids.as<Id>());
    for (std::uint32_t slot = 0; slot < named; ++slot)
        if (view.state(Slot{slot}) == State::live) view.names.insert(Slot{slot}, view.ids.as<Id>());
    current.store(new View(view));
}

Index::Parts::~Parts() { delete current.load(); }

std::vector<Id> Index::Parts::admit(const std::byte* rows, std::size_t n, std::span<const std::int64_t> given_ids,
                                    const Crew& crew) {
    check_addable(graph.space, options, rows, n, crew);
    std::vector<Id> ids = ids_for(n, given_ids, crew.watch);
    make_room(n, crew.watch);
    await_slots(crew.watch);
    return ids;
}

bool Index::Parts::add_batch(const std::byte* rows, std::span<const Id> ids, std::size_t done, Undo& undo,
                             const Crew& crew) {
    const std::size_t n = batch_size(graph.view.nodes(), ids.size() - done);
    const std::span<const Id> batch = ids.subspan(done, n);
    const Footing before(graph);
    std::unique_ptr<View> prepared = prepare_to_publish();
    if (!store_batch(graph, rows + done * graph.space.given_row_bytes(), batch, crew) ||
        !link_batch(graph, static_cast<std::uint32_t>(n), undo, crew, {done, ids.size()})) {
        before.restore(graph);
        return false;
    }
    // From here on nothing can fail.
    enter_ids(batch);
    publish(std::move(prepared));
    return true;
}

void Index::Parts::reconnect_after(Start& start, Watch& watch) {
    if (!reconnection_is_due(start.nodes, graph.view.nodes())) {
        hold_new_nodes(graph, start.count, start.undo);
        return;
    }
    try {
        reconnect(graph, start.undo, watch);
    } catch (const Stopped&) {
        return;
    }
}

std::vector<Id> Index::Parts::ids_for(std::size_t n, std::span<const std::int64_t> given, Watch& watch) const {
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
        if (graph.view.slot_of(Id{given[i]}))
            throw DuplicateIdError("id " + std::to_string(given[i]) + " is in the index already");
        ascending = ascending && (i == 0 || given[i - 1] < given[i]);
        ids.push_back(Id{given[i]});
        if (i % 4096 == 0 && !watch.again()) throw Stopped();
    }
    if (ascending) return ids;
    std::vector<Id> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
        throw DuplicateIdError("id " + std::to_string(number_of(*twice)) + " is given twice in one batch");
    return ids;
}

void Index::Parts::settle_groups(bool given) {
    View& view = graph.view;
    if (view.has_groups() == given) return;
    if (view.count != 0)
        throw InvalidArgumentError(given ? "groups: found some, expected none: the index was filled without groups"
                                         : "groups: found none, expected one for each vector, as the index has them");
    view.groups = Table(given ? sizeof(std::int64_t) : 0);
}

void Index::Parts::store_groups(std::span<const std::int64_t> groups) noexcept {
    std::copy(groups.begin(), groups.end(), graph.view.groups.as<std::int64_t>() + graph.view.count);
}

void Index::Parts::make_room(std::size_t n, Watch& watch) {
    graph.view.reserve(graph.view.count + n, graph.view.upper_count + upper_rows_needed(graph, n), watch);
    graph.view.names.reserve(graph.view.names.size() + n, graph.view.ids.as<Id>());
    reserve_lookup(graph, graph.view.count + n, watch);
}

void Index::Parts::await_slots(Watch& watch) {
    while (withdrawn_ != 0 && !epochs.passed(withdrawn_)) {
        // A child has the seats of its parent's searches, and nobody in it will leave them.
        if (withdrawn_in_ != ::getpid()) throw ForkedError();
        if (!watch.again()) throw Stopped();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    withdrawn_ = 0;
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

void Index::Parts::enter_ids(std::span<const Id> ids) noexcept {
    const auto first = graph.view.count - static_cast<std::uint32_t>(ids.size());
    for (std::uint32_t i = 0; i < ids.size(); ++i) {
        graph.view.names.insert(Slot{first + i}, graph.view.ids.as<Id>());
        next_id = std::max(next_id, ids[i] == Id{std::numeric_limits<std::int64_t>::max()} ? number_of(ids[i])
                                                                                           : number_of(ids[i]) + 1);
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

    std::unique_ptr<View> prepared = prepare_to_publish();
    for (const Slot slot : slots) view.set_state(slot, State::removed);
    view.removed += static_cast<std::uint32_t>(slots.size());
    publish(std::move(prepared));
    for (const Slot slot : slots) view.names.erase(slot, view.ids.as<Id>());
}

void Index::Parts::go_back(Start& start) noexcept {
    for (std::uint32_t slot = start.count; slot < graph.view.count; ++slot)
        graph.view.names.erase(Slot{slot}, graph.view.ids.as<Id>());
    start.undo.take_back(graph);
    next_id = start.next_id;
    graph.view.reassigned = ++reassigned;
    withdrawn_ = publish(std::move(start.view));
    withdrawn_in_ = ::getpid();
}

}  // namespace vicinal

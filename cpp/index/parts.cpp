#include "index/parts.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "base/errors.hpp"
#include "graph/insert.hpp"

namespace vicinal {

GraphOptions graph_options_of(const Options& options) {
    return {options.M, options.ef_construction, options.seed, options.traversal, options.lift};
}

Index::Parts::Parts(const Options& given)
    : Parts(given, Graph(Space(given.metric, given.dtype, given.dim), graph_options_of(given)), 0) {}

Index::Parts::Parts(const Options& given, Graph&& loaded, std::int64_t next)
    : options(given), graph(std::move(loaded)), next_id(next) {
    View& view = graph.view;
    view.names.reserve(view.count - view.removed, view.ids.as<Id>());
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        if (view.state(Slot{slot}) == State::live) view.names.insert(Slot{slot}, view.ids.as<Id>());
    current.store(new View(view));
}

Index::Parts::~Parts() { delete current.load(); }

std::vector<Id> Index::Parts::ids_for(std::size_t n, std::span<const std::int64_t> given) const {
    if (n > kMaxSlots - 1 - graph.view.count)
        throw InvalidArgumentError("an index holds at most " + std::to_string(kMaxSlots - 1) + " vectors");
    std::vector<Id> ids;
    ids.reserve(n);
    if (given.empty()) {
        if (next_id > std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(n))
            throw InvalidArgumentError("no ids are left above " + std::to_string(next_id) + ": give ids of your own");
        for (std::size_t i = 0; i < n; ++i) ids.push_back(Id{next_id + static_cast<std::int64_t>(i)});
        return ids;
    }
    if (given.size() != n)
        throw InvalidArgumentError("ids has " + std::to_string(given.size()) + " entries, expected one for each of " +
                                   std::to_string(n) + " vectors");
    for (std::size_t i = 0; i < n; ++i) {
        if (given[i] < 0)
            throw InvalidArgumentError("ids[" + std::to_string(i) + "] is " + std::to_string(given[i]) +
                                       ", expected 0 or more");
        if (graph.view.slot_of(Id{given[i]}))
            throw DuplicateIdError("id " + std::to_string(given[i]) + " is in the index already");
        ids.push_back(Id{given[i]});
    }
    std::vector<Id> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end())
        throw DuplicateIdError("id " + std::to_string(number_of(*twice)) + " is given twice in one batch");
    return ids;
}

void Index::Parts::make_room(std::size_t n) {
    graph.view.reserve(graph.view.count + n, graph.view.upper_count + upper_rows_needed(graph, n));
    graph.view.names.reserve(graph.view.names.size() + n, graph.view.ids.as<Id>());
}

std::unique_ptr<View> Index::Parts::prepare_to_publish() {
    retired_.reserve(retired_.size() + 1);
    return std::make_unique<View>(graph.view);
}

void Index::Parts::publish(std::unique_ptr<View> prepared) noexcept {
    *prepared = graph.view;
    std::unique_ptr<const View> old(current.exchange(prepared.release()));
    retired_.push_back({std::move(old), epochs.tick()});
    free_retired();
}

void Index::Parts::free_retired() {
    std::erase_if(retired_, [this](const Retired& retired) { return epochs.passed(retired.time); });
}

void Index::Parts::enter_ids(std::span<const Id> ids) {
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

void Index::Parts::withdraw(std::span<const std::int64_t> ids) noexcept {
    try {
        forget(ids);
    } catch (...) {
        // Not even the memory of a View: they stay in, found by search and known by id.
    }
}

}  // namespace vicinal

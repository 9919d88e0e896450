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

std::atomic<std::uint64_t> next_serial{0};

}  // namespace

GraphOptions graph_options_of(const Options& options) {
    return {options.M, options.ef_construction, options.seed, options.traversal, options.lift, options.vectors};
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

void Index::Parts::go_back(Start& start, std::span<const std::uint32_t> slots) noexcept {
    for (const std::uint32_t slot : slots) graph.view.names.erase(Slot{slot}, graph.view.ids.as<Id>());
    start.undo.take_back(graph);
    graph.nodes = {};  // it may have forgotten nodes that are live again
    next_id = start.next_id;
    graph.view.reassigned = ++reassigned;
    withdraw_since(publish(std::move(start.view)));
}

}  // namespace vicinal

#include "index/index.hpp"

#include <algorithm>
#include <mutex>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "graph/locality.hpp"
#include "index/checks.hpp"
#include "index/parts.hpp"

namespace vicinal {

Index::Index(const Options& options) {
    check(options);
    parts_ = std::make_unique<Parts>(options);
}

Index::Index(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Index::~Index() = default;

const Options& Index::options() const { return parts_->options; }

std::int64_t Index::next_id() const {
    const std::lock_guard writing(parts_->writing);
    return parts_->next_id;
}

Added Index::add(const Batch& batch, std::size_t threads, Watch& watch) {
    return write(Mode::add, batch, threads, watch);
}

Added Index::update(const Batch& batch, std::size_t threads, Watch& watch) {
    return write(Mode::update, batch, threads, watch);
}

Added Index::upsert(const Batch& batch, std::size_t threads, Watch& watch) {
    return write(Mode::upsert, batch, threads, watch);
}

Added Index::write(Mode mode, const Batch& batch, std::size_t threads, Watch& watch) {
    const std::size_t n = batch.n;
    check_threads(threads);
    check_id_count(batch.ids, n);
    check_group_count(batch.groups, n);
    check_order(batch.order, n);
    if (n == 0) return {};
    const std::lock_guard writing(parts_->writing);
    Team team(std::min(resolve_threads(threads), n));
    const Crew crew{team, watch};
    Parts::Rows in;
    try {
        if (!watch.look(0, n)) throw Stopped();
        in = parts_->admit(mode, batch, crew);
    } catch (const Stopped&) {
        return {.ids = {}, .complete = false};
    }

    Added added;
    added.ids.reserve(n);
    Parts::Start start(*parts_);
    const auto shown = [&] { return std::span(in.slots).first(added.ids.size()); };
    try {
        while (added.ids.size() < n) {
            const std::size_t entered = parts_->add_batch(batch, in, added.ids.size(), start.undo, crew);
            if (entered == 0) break;
            for (std::size_t i = 0; i < entered; ++i) added.ids.push_back(number_of(in.ids[added.ids.size()]));
            watch.look(added.ids.size(), n);
        }
        added.complete = added.ids.size() == n;
        if (added.complete) {
            parts_->reconnect_after(start, in.slots, watch);
            watch.report(n, n);
        }
    } catch (...) {
        parts_->go_back(start, shown());
        throw;
    }
    if (added.complete) parts_->sweep_after(n, crew);
    return added;
}

void Index::check_rows(const std::byte* rows, std::size_t n, std::size_t threads, Watch& watch) const {
    check_threads(threads);
    Team team(std::min(resolve_threads(threads), n));
    check_addable(parts_->graph.space, parts_->options, rows, n, {team, watch});
}

void Index::get(std::span<const std::int64_t> ids, std::byte* rows) const {
    const Space& space = parts_->graph.space;
    const Reading reading(*parts_);
    const std::vector<Slot> slots = slots_of(ids, reading.view());
    for (std::size_t i = 0; i < slots.size(); ++i)
        space.decode(reading.view().vector(slots[i]), rows + i * space.given_row_bytes());
}

std::vector<std::int64_t> Index::groups(std::span<const std::int64_t> ids) const {
    const Reading reading(*parts_);
    const View& view = reading.view();
    if (!view.has_groups() && view.count != 0) throw InvalidArgumentError("this index was filled without groups");
    std::vector<std::int64_t> groups;
    for (const Slot slot : slots_of(ids, view)) groups.push_back(view.group(slot));
    return groups;
}

bool Index::contains(std::int64_t id) const {
    const Reading reading(*parts_);
    return reading.view().slot_of(Id{id}).has_value();
}

void Index::remove(std::span<const std::int64_t> ids, std::size_t threads, Watch& watch) {
    check_threads(threads);
    if (ids.empty()) return;
    const std::lock_guard writing(parts_->writing);
    Team team(std::min(resolve_threads(threads), ids.size()));
    parts_->forget(ids);
    parts_->sweep_after(ids.size(), {team, watch});
}

void Index::compact(std::size_t threads, Watch& watch) {
    check_threads(threads);
    const std::lock_guard writing(parts_->writing);
    Team team(resolve_threads(threads));
    parts_->compact({team, watch});
}

void Index::optimize(std::size_t threads, Watch& watch) {
    check_threads(threads);
    const std::lock_guard writing(parts_->writing);
    Team team(resolve_threads(threads));
    parts_->compact({team, watch});
    const View& view = parts_->graph.view;
    if (!view.empty()) parts_->move_to_tables_of_its_own(by_locality(view, live_sitters(view), watch), watch);
}

std::unique_ptr<Index> Index::snapshot() const {
    const std::lock_guard writing(parts_->writing);
    // A pass begins anew when it may. Its end could not be waited for, and must not come later: it would give away
    // slots to which the snapshot's rows still lead.
    parts_->graph.sweep = {};
    return std::unique_ptr<Index>(new Index(std::make_unique<Parts>(Parts::FrozenTag{}, *parts_)));
}

std::size_t Index::size() const {
    const Reading reading(*parts_);
    return reading.view().size();
}

std::vector<std::int64_t> Index::ids() const {
    const Reading reading(*parts_);
    const View& view = reading.view();
    std::vector<std::int64_t> ids;
    ids.reserve(view.size());
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        if (view.is_live(Slot{slot})) ids.push_back(number_of(view.id(Slot{slot})));
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace vicinal

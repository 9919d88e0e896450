#include "graph/sweep.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "base/errors.hpp"
#include "graph/copies.hpp"
#include "graph/gate.hpp"
#include "graph/scratch.hpp"
#include "graph/select.hpp"
#include "graph/walk.hpp"

namespace vicinal {
namespace {

// By how much closer a kept neighbor must be to prune another on level 0, as where rows are rewritten (linking.cpp).
constexpr float kSlack = 1.05F;

// A removed node that has a live copy stays for it.
bool leaves(const View& view, Slot slot) { return view.is_copy(slot) || !any_live(view, slot); }

// Chooses the links of rows anew, on one level, without those that leave.
class Repair {
public:
    Repair(const Graph& graph, Level level, std::uint32_t first, std::uint32_t n)
        : graph_(graph),
          view_(graph.view),
          leaving_(graph.sweep.leaving),
          ground_(graph.build_ground()),
          level_(level),
          first_(first),
          chosen_(n) {}

    // Each by what the rows were before any of them is written: so it does not matter which thread comes first.
    void choose(const Crew& crew) {
        constexpr std::size_t kRowsAPiece = 16;
        const auto choose_some = [&](std::size_t, std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) {
                const Slot slot{first_ + static_cast<std::uint32_t>(i)};
                if (has_row(slot) && leads_to_leaving(slot)) choose_for(slot, chosen_[i]);
            }
        };
        if (!crew.aside(chosen_.size(), kRowsAPiece, choose_some)) throw Stopped();
    }

    void write() const {
        for (std::size_t i = 0; i < chosen_.size(); ++i)
            if (chosen_[i].anew)
                view_.links_of(Slot{first_ + static_cast<std::uint32_t>(i)}, level_).write(chosen_[i].slots);
    }

private:
    struct Row {
        bool anew = false;
        std::vector<std::uint32_t> slots;
    };

    bool has_row(Slot slot) const {
        return view_.holds(slot) && !view_.is_copy(slot) && view_.level(slot) >= level_ && !leaving_.contains(slot);
    }

    bool leads_to_leaving(Slot slot) const {
        bool leads = false;
        view_.links_of(slot, level_).for_each([&](std::uint32_t to) { leads = leads || leaving_.contains(to); });
        return leads;
    }

    void choose_for(Slot slot, Row& row) const {
        ThreadScratch& scratch = scratch_of_this_thread();
        const Probe probe = ground_.probe_of(slot, scratch.probe);
        collect_heirs(slot, scratch.joint);
        const Links links = view_.links_of(slot, level_);
        if (2 * scratch.joint.size() < links.width())
            find_heirs(slot, probe, scratch);
        else
            measure_heirs(probe, scratch);
        const Room room = level_ == 0 ? Room{links.width(), links.width(), kSlack} : Room{links.width(), 0};
        select_neighbors(ground_, scratch.candidates, room, scratch.select, row.slots);
        row.anew = true;
    }

    // The neighbors that stay, and the live neighbors of those that leave.
    void collect_heirs(Slot slot, std::vector<std::uint32_t>& heirs) const {
        heirs.clear();
        const auto take = [&](std::uint32_t to) {
            if (to != index_of(slot) && !leaving_.contains(to) && any_live(view_, Slot{to})) heirs.push_back(to);
        };
        view_.links_of(slot, level_).for_each([&](std::uint32_t to) {
            take(to);
            if (leaving_.contains(to)) view_.links_of(Slot{to}, level_).for_each(take);
        });
        std::sort(heirs.begin(), heirs.end());
        heirs.erase(std::unique(heirs.begin(), heirs.end()), heirs.end());
    }

    void measure_heirs(const Probe& probe, ThreadScratch& scratch) const {
        scratch.distances.resize(scratch.joint.size());
        ground_.measure(probe, scratch.joint.data(), scratch.joint.size(), scratch.distances.data());
        scratch.candidates.clear();
        for (std::size_t i = 0; i < scratch.joint.size(); ++i)
            scratch.candidates.emplace_back(scratch.distances[i], scratch.joint[i]);
        std::sort(scratch.candidates.begin(), scratch.candidates.end());
    }

    // Where nearly all around leave, what stays is farther off: a node that had as good as no neighbors looks for them
    // as a new one does.
    void find_heirs(Slot slot, const Probe& probe, ThreadScratch& scratch) const {
        const std::vector<std::uint32_t> heirs = scratch.joint;
        Walk walk(view_, ground_, probe, scratch.walk);
        const Key nearest = walk.descend(level_ + 1);
        walk.spread_through(nearest, level_, graph_.options.ef_construction, Gate(view_));
        for (const Key key : walk.beam().keys())
            if (key.slot() != index_of(slot) && !std::binary_search(heirs.begin(), heirs.end(), key.slot()))
                scratch.joint.push_back(key.slot());
        measure_heirs(probe, scratch);
    }

    const Graph& graph_;
    const View& view_;
    const SlotSet& leaving_;
    const Ground ground_;
    const Level level_;
    const std::uint32_t first_;
    std::vector<Row> chosen_;
};

void drop_copies(const Graph& graph, std::uint32_t first, std::uint32_t n) {
    const View& view = graph.view;
    if (view.copies == 0) return;
    for (std::uint32_t slot = first; slot < first + n; ++slot)
        if (view.is_node(Slot{slot}))
            unhang_copies(view, Slot{slot}, [&](std::uint32_t copy) { return graph.sweep.leaving.contains(copy); });
}

std::vector<std::uint32_t> members_of(const SlotSet& set) {
    std::vector<std::uint32_t> slots;
    slots.reserve(set.size());
    set.for_each([&](std::uint32_t slot) { slots.push_back(slot); });
    return slots;
}

// The first of the highest that stay.
void lower_entry(View& view) {
    view.top = -1;
    view.entry = Slot{0};
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.is_node(Slot{slot}) || view.level(Slot{slot}) <= view.top) continue;
        view.top = view.level(Slot{slot});
        view.entry = Slot{slot};
    }
}

}  // namespace

bool begin_sweep(Graph& graph) {
    const View& view = graph.view;
    std::vector<std::uint32_t> slots;
    view.gone.for_each([&](std::uint32_t slot) {
        if (view.holds(Slot{slot}) && leaves(view, Slot{slot})) slots.push_back(slot);
    });
    graph.sweep = {SlotSet().with(slots), 0};
    return !slots.empty();
}

std::size_t sweep_some(Graph& graph, std::size_t rows, const Crew& crew) {
    constexpr std::size_t kRowsAtOnce = 1'024;
    std::size_t done = 0;
    for (Sweep& sweep = graph.sweep; done < rows && sweep.cursor < graph.view.count;) {
        const auto n = static_cast<std::uint32_t>(
            std::min<std::size_t>({rows - done, kRowsAtOnce, graph.view.count - sweep.cursor}));
        for (Level level = 0; level <= graph.view.top; ++level) {
            Repair repair(graph, level, sweep.cursor, n);
            repair.choose(crew);
            repair.write();
        }
        drop_copies(graph, sweep.cursor, n);
        sweep.cursor += n;
        done += n;
    }
    return done;
}

void resume_sweep(const Graph& graph) { drop_copies(graph, 0, graph.sweep.cursor); }

void end_sweep(Graph& graph) {
    View& view = graph.view;
    const std::vector<std::uint32_t> slots = members_of(graph.sweep.leaving);
    SlotSet vacant = view.vacant.with(slots);
    SpareRows spare_rows = graph.spare_rows;
    std::uint32_t copies = 0;
    for (const std::uint32_t slot : slots) {
        const Level level = view.level(Slot{slot});
        copies += level == kCopyLevel ? 1U : 0U;
        if (level > 0) spare_rows.give(level, view.upper_first.as<std::uint32_t>()[slot]);
    }
    // From here on nothing can fail.
    view.vacant = std::move(vacant);
    view.copies -= copies;
    graph.spare_rows = std::move(spare_rows);
    graph.sweep = {};
    if (!view.holds(view.entry)) lower_entry(view);
}

}  // namespace vicinal

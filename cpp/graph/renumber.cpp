#include "graph/renumber.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "base/errors.hpp"
#include "graph/copies.hpp"

namespace vicinal {
namespace {

constexpr std::uint32_t kRowsAtOnce = 1'024;  // between two looks at the watch

void copy_row(const Table& from, std::size_t old_row, const Table& to, std::size_t new_row) {
    if (from.stride() != 0) std::memcpy(to.row(new_row), from.row(old_row), from.stride());
}

class Renumbering {
public:
    Renumbering(const Graph& graph, const std::vector<Sitter>& sitters, Watch& watch)
        : old_(graph.view), sitters_(sitters), watch_(watch), fresh_(graph.layout, graph.space) {}

    View run() {
        make_room();
        for (std::uint32_t slot = 0; slot < sitters_.size(); ++slot) {
            if (slot % kRowsAtOnce == 0 && !watch_.again()) throw Stopped();
            copy_rows(slot);
            write_links(slot);
        }
        derive_chains(fresh_);
        enter_names();
        fresh_.top = fresh_.count == 0 ? -1 : old_.top;
        fresh_.entry = fresh_.count == 0 ? Slot{0} : Slot{seat_of_[index_of(old_.entry)]};
        return fresh_;
    }

private:
    void make_room() {
        std::size_t upper_rows = 0;
        seat_of_.resize(old_.count);
        for (std::uint32_t slot = 0; slot < sitters_.size(); ++slot) {
            const Sitter sitter = sitters_[slot];
            seat_of_[sitter.node] = seat_of_[sitter.name] = slot;
            upper_rows += upper_rows_of(old_.level(Slot{sitter.node}));
        }
        fresh_.fine = CodeTable(old_.fine.code);
        fresh_.coarse = CodeTable(old_.coarse.code);
        fresh_.groups = Table(old_.groups.stride());
        fresh_.reserve(sitters_.size(), upper_rows, watch_);
        fresh_.count = static_cast<std::uint32_t>(sitters_.size());
        fresh_.calibration = old_.calibration;
        fresh_.reassigned = old_.reassigned;
    }

    void copy_rows(std::uint32_t slot) {
        const auto [node, name] = sitters_[slot];
        copy_row(old_.rows, node, fresh_.rows, slot);
        copy_row(old_.factors, node, fresh_.factors, slot);
        copy_row(old_.fine.codes, node, fresh_.fine.codes, slot);
        copy_row(old_.fine.factors, node, fresh_.fine.factors, slot);
        copy_row(old_.coarse.codes, node, fresh_.coarse.codes, slot);
        copy_row(old_.coarse.factors, node, fresh_.coarse.factors, slot);
        copy_row(old_.levels, node, fresh_.levels, slot);
        copy_row(old_.ids, name, fresh_.ids, slot);
        copy_row(old_.groups, name, fresh_.groups, slot);
    }

    void write_links(std::uint32_t slot) {
        const Slot old{sitters_[slot].node};
        const Level level = old_.level(old);
        fresh_.upper_first.as<std::uint32_t>()[slot] = fresh_.upper_count;
        fresh_.upper_count += upper_rows_of(level);
        for (Level at = 0; at <= std::max<Level>(level, 0); ++at) {  // a copy has the row that names its node
            links_.clear();
            old_.links_of(old, at).for_each([&](std::uint32_t to) { links_.push_back(seat_of_[to]); });
            fresh_.links_of(Slot{slot}, at).write(links_);
        }
    }

    void enter_names() {
        const Id* ids = fresh_.ids.as<Id>();
        fresh_.names.reserve(fresh_.count, ids);
        std::vector<std::uint32_t> gone;
        for (std::uint32_t slot = 0; slot < fresh_.count; ++slot) {
            if (old_.is_live(Slot{sitters_[slot].name}))
                fresh_.names.insert(Slot{slot}, ids);
            else
                gone.push_back(slot);
        }
        fresh_.gone = SlotSet().with(gone);
    }

    const View& old_;
    const std::vector<Sitter>& sitters_;
    Watch& watch_;
    View fresh_;
    std::vector<std::uint32_t> seat_of_;  // by old slot
    std::vector<std::uint32_t> links_;
};

std::uint32_t lowest_live_copy(const View& view, std::uint32_t node) {
    std::uint32_t lowest = view.count;
    for_each_copy(view, Slot{node}, [&](std::uint32_t copy) {
        if (view.is_live(Slot{copy})) lowest = std::min(lowest, copy);
    });
    return lowest;
}

}  // namespace

std::vector<Sitter> live_sitters(const View& view) {
    std::vector<Sitter> sitters;
    sitters.reserve(view.size());
    std::map<std::uint32_t, std::uint32_t> heirs;  // of removed nodes
    std::set<std::uint32_t> seated;
    view.gone.for_each([&](std::uint32_t slot) {
        if (!view.holds(Slot{slot})) return;
        heirs[slot] = lowest_live_copy(view, slot);
        seated.insert(heirs[slot]);
    });
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.holds(Slot{slot}) || seated.contains(slot)) continue;
        const auto heir = heirs.find(slot);
        sitters.push_back({slot, heir == heirs.end() ? slot : heir->second});
    }
    return sitters;
}

std::vector<Sitter> all_sitters(const View& view) {
    std::vector<Sitter> sitters;
    sitters.reserve(view.count - view.vacant.size());
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        if (view.holds(Slot{slot})) sitters.push_back({slot, slot});
    return sitters;
}

void renumber(Graph& graph, const std::vector<Sitter>& sitters, Watch& watch) {
    View fresh = Renumbering(graph, sitters, watch).run();
    graph.view = std::move(fresh);
    graph.spare_rows = {};
    graph.nodes = {};
}

}  // namespace vicinal

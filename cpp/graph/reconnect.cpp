#include "graph/reconnect.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "graph/reach.hpp"
#include "graph/scratch.hpp"
#include "graph/walk.hpp"

namespace vicinal {
namespace {

// Of a row, how many links may go for lost nodes: where many are lost, and all near the same few nodes, those would
// lose what makes them good to walk.
constexpr std::size_t kShareToGive = 4;

// A hub is led to by more than so many rows' worth of nodes.
constexpr std::size_t kHub = 2;

class Reconnection {
public:
    Reconnection(Graph& graph, Undo& undo, Watch& watch)
        : graph_(graph), undo_(undo), watch_(watch), reach_(graph.view), given_(graph.view.count, 0) {}

    std::size_t run() {
        const View& view = graph_.view;
        if (view.empty()) return 0;
        reach_.spread(view.entry, view.entry, watch_);
        const std::vector<std::uint32_t> lost = reach_.lost(graph_.sweep.leaving);
        // Those first that have chosen somebody who is reached: others may be reached through them.
        for (const std::uint32_t node : lost)
            if (!reach_.met(node)) link_from_chosen(node);
        for (const std::uint32_t node : lost) {
            if (reach_.met(node)) continue;
            if (!watch_.again()) throw Stopped();
            if (!link_from_found(node)) link_from_anybody(node);
        }
        return lost.size();
    }

private:
    bool link_from_chosen(std::uint32_t node) {
        candidates_.clear();
        graph_.view.links_of(Slot{node}, 0).for_each([&](std::uint32_t to) { candidates_.push_back(to); });
        return link_from_candidates(node);
    }

    bool link_from_found(std::uint32_t node) {
        ThreadScratch& scratch = scratch_of_this_thread();
        const Ground ground = graph_.build_ground();
        const Probe probe = ground.probe_of(Slot{node}, scratch.probe);
        Walk walk(graph_.view, ground, probe, scratch.walk);
        walk.spread(walk.descend(1), 0, graph_.options.ef_construction);
        candidates_.clear();
        for (const Key key : walk.beam().keys()) candidates_.push_back(key.slot());
        return link_from_candidates(node);
    }

    // From the nearest that is not a hub, or else from the least of the hubs: every walk goes through their rows.
    bool link_from_candidates(std::uint32_t node) {
        const std::size_t many = kHub * graph_.view.width;
        ranked_.clear();
        for (std::size_t place = 0; place < candidates_.size(); ++place)
            ranked_.emplace_back(std::max<std::size_t>(reach_.leading_to(candidates_[place]), many), place);
        std::sort(ranked_.begin(), ranked_.end());  // not a stable sort, which may quietly do without memory
        const std::size_t most = std::max<std::size_t>(graph_.view.width / kShareToGive, 1);
        return std::any_of(ranked_.begin(), ranked_.end(),
                           [&](const auto& ranked) { return link(candidates_[ranked.second], node, most); });
    }

    // Unless all that are reached leave somebody can: there are fewer links by which nodes are reached than nodes, and
    // each row has room for more.
    void link_from_anybody(std::uint32_t node) {
        for (std::uint32_t tried = 0; tried < graph_.view.count; ++tried) {
            if (link(anybody_, node, graph_.view.width)) return;
            anybody_ = (anybody_ + 1) % graph_.view.count;
        }
    }

    // From somebody who is reached, and stays, to `node`, if there is room, or a link that may go.
    bool link(std::uint32_t somebody, std::uint32_t node, std::size_t most) {
        if (!reach_.met(somebody) || graph_.sweep.leaving.contains(somebody)) return false;
        Links links = graph_.view.links_of(Slot{somebody}, 0);
        slots_.clear();
        links.for_each([&](std::uint32_t slot) { slots_.push_back(slot); });
        if (slots_.size() < links.width()) {
            undo_.keep(Slot{somebody}, 0);
            links.put(slots_.size(), node);
        } else {
            const auto may_go = [&](std::uint32_t slot) { return reach_.from(slot) != somebody; };
            const auto last = std::find_if(slots_.rbegin(), slots_.rend(), may_go);
            if (last == slots_.rend() || given_[somebody] >= most) return false;
            undo_.keep(Slot{somebody}, 0);
            links.put(static_cast<std::size_t>(slots_.rend() - last) - 1, node);
            ++given_[somebody];
        }
        reach_.spread(Slot{node}, Slot{somebody}, watch_);
        return true;
    }

    Graph& graph_;
    Undo& undo_;
    Watch& watch_;
    Reach reach_;
    std::vector<std::uint16_t> given_;  // by slot: links that went for lost nodes
    std::vector<std::uint32_t> slots_, candidates_;
    std::vector<std::pair<std::size_t, std::size_t>> ranked_;  // weight and place of each candidate
    std::uint32_t anybody_ = 0;
};

}  // namespace

bool reconnection_is_due(std::uint32_t before, std::uint32_t after) {
    constexpr int kLeadingBits = 5;
    const auto leading = [](std::uint32_t count) {
        return count >> std::max(0, static_cast<int>(std::bit_width(count)) - kLeadingBits);
    };
    const bool many = std::uint64_t{32} * (after - before) >= after;
    return after != before && (many || leading(before) != leading(after));
}

namespace {

bool leads_to(const View& view, std::uint32_t from, std::uint32_t to) {
    bool leads = false;
    view.links_of(Slot{from}, 0).for_each([&](std::uint32_t slot) { leads = leads || slot == to; });
    return leads;
}

// Whether one of those a node has chosen, but for `other`, leads back to it.
bool is_held(const View& view, std::uint32_t node, std::uint32_t other) {
    bool held = false;
    view.links_of(Slot{node}, 0).for_each([&](std::uint32_t to) {
        held = held || (to != other && leads_to(view, to, node));
    });
    return held;
}

bool hold(const View& view, std::uint32_t holder, std::uint32_t node, Undo& undo) {
    Links links = view.links_of(Slot{holder}, 0);
    std::vector<std::uint32_t> slots;
    links.for_each([&](std::uint32_t slot) { slots.push_back(slot); });
    std::size_t lane = slots.size();
    if (lane == links.width()) {
        const std::size_t least = links.width() - std::max<std::size_t>(links.width() / kShareToGive, 1);
        while (lane > least && !is_held(view, slots[lane - 1], holder)) --lane;
        if (lane-- == least) return false;
    }
    undo.keep(Slot{holder}, 0);
    links.put(lane, node);
    return true;
}

}  // namespace

void hold_new_nodes(const View& view, std::span<const std::uint32_t> slots, Undo& undo) {
    for (const std::uint32_t node : slots) {
        if (view.is_copy(Slot{node}) || is_held(view, node, node)) continue;
        bool held = false;
        view.links_of(Slot{node}, 0).for_each([&](std::uint32_t to) { held = held || hold(view, to, node, undo); });
    }
}

std::size_t reconnect(Graph& graph, Undo& undo, Watch& watch) { return Reconnection(graph, undo, watch).run(); }

}  // namespace vicinal

// Walks along a level where not every node may be reported: some are removed, or a filter rejects them.
//
// Where most nodes pass, a walk goes through all of them and keeps apart what it may report. Where one in ten passes,
// that compares ten to find one. There a walk stays among those that pass, and where a link leads to one that does
// not, looks at the links behind it. (The two hops are ACORN's, Patel et al. 2024; what is bounded here is how many
// nodes a hop may bring, so that a hop costs much the same for every filter.)
#include <algorithm>
#include <array>

#include "base/prefetch.hpp"
#include "graph/walk.hpp"

namespace vicinal {

namespace {

constexpr std::size_t kAtOnce = 2;  // as in walk.cpp

}  // namespace

void Walk::make_room(std::size_t slots) {
    if (scratch_.slots.size() >= slots) return;
    scratch_.distances.resize(slots);
    scratch_.slots.resize(slots);  // last: its size says that there is room
}

// The frontier is bounded, at eight times what removals at random make necessary: a queue of all that has been met
// would be as long as the graph in the worst case.
void Walk::spread_through(Key start, Level level, std::size_t width, const Gate& gate, const StopRule& rule,
                          std::size_t reserve) {
    const std::size_t live = std::max<std::size_t>(view_.size(), 1);
    const std::size_t reach = std::min<std::size_t>(view_.count, 8 * width * view_.count / live);
    Beam& frontier = scratch_.frontier;
    Beam& results = scratch_.beam;
    const std::size_t most = kAtOnce * std::max(view_.width, view_.upper_width);
    frontier.reset(reach, most);
    results.reset(width, most, reserve);
    scratch_.visited.clear();
    scratch_.visited.visit(start.slot());
    scratch_.slots[0] = start.slot();
    scratch_.distances[0] = start.distance();
    std::size_t gathered = 1;

    std::array<Key, kAtOnce> nodes;
    for (;;) {
        frontier.merge(scratch_.slots.data(), scratch_.distances.data(), gathered);
        results.merge(scratch_.slots.data(), scratch_.distances.data(), keep_admitted(gate, gathered));
        const std::size_t expanded = frontier.expand_next(nodes);
        if (expanded == 0 || (results.size() >= width && results.keys()[width - 1] < nodes[0])) return;
        if (rule.on() && nodes[0].distance() > rule.bound(results)) return;
        gathered = 0;
        for (std::size_t i = 0; i < expanded; ++i) gathered = gather_fresh(nodes[i].slot(), level, gathered);
        const std::size_t to_come = frontier.peek_next(nodes);
        for (std::size_t i = 0; i < to_come; ++i)
            prefetch_bytes(view_.links.row(nodes[i].slot()), view_.links.stride());
        measure_gathered(gathered);
    }
}

// Moves what the gate admits of the gathered to the front; returns how many.
std::size_t Walk::keep_admitted(const Gate& gate, std::size_t gathered) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < gathered; ++i) {
        const std::uint32_t slot = scratch_.slots[i];
        scratch_.slots[kept] = slot;
        scratch_.distances[kept] = scratch_.distances[i];
        kept += gate.admits(slot) ? 1U : 0U;
    }
    return kept;
}

void Walk::spread_among(Key start, std::span<const std::uint32_t> others, std::size_t width, const Gate& gate,
                        std::size_t reserve) {
    Beam& beam = scratch_.beam;
    const std::size_t room = std::max(2 * kAtOnce, 3 + others.size() / view_.width) * view_.width;
    make_room(room);
    if (scratch_.bridges.size() <= view_.width) scratch_.bridges.resize(view_.width + 1);
    beam.reset(width, room, reserve);
    scratch_.visited.clear();

    std::size_t gathered = 0;
    for (const std::uint32_t slot : others)
        if (gate.admits(slot) && scratch_.visited.visit(slot)) scratch_.slots[gathered++] = slot;
    if (scratch_.visited.visit(start.slot())) {
        if (gate.admits(start.slot()))
            scratch_.slots[gathered++] = start.slot();
        else
            gathered = gather_admitted(start.slot(), gate, gathered);
    }
    measure_gathered(gathered);
    beam.merge(scratch_.slots.data(), scratch_.distances.data(), gathered);

    std::array<Key, kAtOnce> nodes, next;
    while (const std::size_t expanded = beam.expand_next(nodes)) {
        gathered = 0;
        for (std::size_t i = 0; i < expanded; ++i) gathered = gather_admitted(nodes[i].slot(), gate, gathered);
        const std::size_t to_come = beam.peek_next(next);
        for (std::size_t i = 0; i < to_come; ++i) prefetch_bytes(view_.links.row(next[i].slot()), view_.links.stride());
        measure_gathered(gathered);
        const auto fresh = beam.select(scratch_.slots.data(), scratch_.distances.data(), gathered);
        const Distance soon = to_come == kAtOnce ? next[kAtOnce - 1].distance() : kFarthest;
        for (const Key key : fresh.first(std::min(kAtOnce, fresh.size())))
            if (key.distance() < soon) prefetch_bytes(view_.links.row(key.slot()), view_.links.stride());
        beam.merge_selected();
    }
}

// The neighbors of a few neighbors, some of them twice: for an estimate that will do. It weighs as much as so many
// nodes drawn from the whole.
double Walk::share_nearby(Key start, const Gate& gate, double otherwise) const {
    constexpr std::size_t kNeighbors = 8;
    constexpr double kWeight = 8;
    double met = kWeight, admitted = kWeight * otherwise;
    std::array<std::uint32_t, kNeighbors> neighbors{};
    std::size_t n = 0;
    const auto look = [&](std::uint32_t slot) {
        met += 1;
        admitted += gate.admits(slot) ? 1 : 0;
    };
    view_.links_of(Slot{start.slot()}, 0).for_each([&](std::uint32_t neighbor) {
        look(neighbor);
        if (n < kNeighbors) neighbors[n++] = neighbor;
    });
    for (std::size_t i = 0; i < n; ++i) view_.links_of(Slot{neighbors[i]}, 0).for_each(look);
    return admitted / met;
}

// The admitted neighbors of a node that have not been met, and as long as they are fewer than a row of links holds,
// those behind its rejected neighbors. Requires: room for twice a row of links behind the `gathered`.
std::size_t Walk::gather_admitted(std::uint32_t slot, const Gate& gate, std::size_t gathered) {
    std::uint32_t* bridges = scratch_.bridges.data();
    std::size_t rejected = 0;
    const std::size_t most = gathered + view_.width;
    view_.links_of(Slot{slot}, 0).for_each([&](std::uint32_t neighbor) {
        const bool fresh = scratch_.visited.visit(neighbor);
        const bool admitted = gate.admits(neighbor);
        scratch_.slots[gathered] = bridges[rejected] = neighbor;
        gathered += static_cast<std::size_t>(fresh) & static_cast<std::size_t>(admitted);
        rejected += static_cast<std::size_t>(fresh) & static_cast<std::size_t>(!admitted);
    });
    ++tally.hops;
    return gather_beyond({bridges, rejected}, gate, gathered, most);
}

// What is rejected here is not marked as met: it may yet be a bridge.
std::size_t Walk::gather_beyond(std::span<const std::uint32_t> bridges, const Gate& gate, std::size_t gathered,
                                std::size_t most) {
    for (const std::uint32_t bridge : bridges) prefetch_bytes(view_.links.row(bridge), view_.links.stride());
    std::uint32_t* slots = scratch_.slots.data();
    for (const std::uint32_t bridge : bridges) {
        if (gathered >= most) break;
        const std::uint32_t* const picked = slots + gathered;
        const std::size_t n = gate.pick(view_.links_of(Slot{bridge}, 0), slots + gathered);
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t neighbor = picked[i];
            slots[gathered] = neighbor;
            gathered += scratch_.visited.visit(neighbor) ? 1U : 0U;
        }
        ++tally.hops;
    }
    return gathered;
}

}  // namespace vicinal

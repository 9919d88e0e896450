#include "graph/walk.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/prefetch.hpp"
#include "graph/copies.hpp"

namespace vicinal {

namespace {

// Nodes that are expanded side by side: the rows of one are on their way while those of the other are compared. Two
// instead of one: SIFT 100 k +10 % queries per second at 0.95 and 0.99, 384 and 784 dimensions +1 to 3 %, for two more
// distances in a hundred at equal recall. Four gave nothing more.
constexpr std::size_t kAtOnce = 2;

}  // namespace

Walk::Walk(const View& view, const Ground& ground, const Probe& probe, Scratch& scratch)
    : view_(view), ground_(ground), probe_(probe), scratch_(scratch) {
    scratch_.visited.make_room(view.rows.capacity());
    const std::size_t most = kAtOnce * std::max(view.width, view.upper_width);
    if (scratch_.slots.size() < most) {
        scratch_.distances.resize(most);
        scratch_.slots.resize(most);  // last: its size says that there is room
    }
}

Key Walk::key_of(Slot slot) {
    const std::uint32_t index = index_of(slot);
    Distance distance = 0;
    ground_.measure(probe_, &index, 1, &distance);
    ++tally.distances;
    return {distance, index};
}

// A node that has been compared once was not nearer than the best, and the best only gets nearer: it is not compared
// again, on no level.
Key Walk::descend(Level level) {
    Key best = key_of(view_.entry);
    scratch_.visited.clear();
    scratch_.visited.visit(best.slot());
    for (Level at = view_.top; at >= level; --at) {
        for (bool closer = true; closer;) {
            const std::size_t n = gather_fresh(best.slot(), at, 0);
            measure_gathered(n);
            closer = false;
            for (std::size_t i = 0; i < n; ++i) {
                const Key key(scratch_.distances[i], scratch_.slots[i]);
                if (key.distance() < best.distance()) {
                    best = key;
                    closer = true;
                }
            }
        }
    }
    return best;
}

// Reads the links of a node and keeps those not met before, after the `gathered` ones that are there; returns how many
// there are then. Comparing them is another pass, so that it can ask for rows ahead.
std::size_t Walk::gather_fresh(std::uint32_t slot, Level level, std::size_t gathered) {
    std::uint32_t* slots = scratch_.slots.data();
    Visited& visited = scratch_.visited;
    view_.links_of(Slot{slot}, level).for_each([&](std::uint32_t neighbor) {
        slots[gathered] = neighbor;
        gathered += visited.visit(neighbor) ? 1U : 0U;
    });
    ++tally.hops;
    return gathered;
}

void Walk::measure_gathered(std::size_t n) {
    ground_.measure(probe_, scratch_.slots.data(), n, scratch_.distances.data());
    tally.distances += n;
}

template <class Rule>
void Walk::spread_by(Key start, Level level, std::size_t width, std::size_t reserve, const Rule& rule) {
    Beam& beam = scratch_.beam;
    beam.reset(width, scratch_.slots.size(), reserve);
    scratch_.visited.clear();
    scratch_.visited.visit(start.slot());
    const std::uint32_t first = start.slot();
    const Distance distance = start.distance();
    beam.merge(&first, &distance, 1);
    rule.met(&first, &distance, 1);

    // Inlined by force: GCC 12 drops the calls of a function that only prefetches.
    const auto ask_for_links = [&](std::uint32_t slot) __attribute__((always_inline)) {
        prefetch_bytes(view_.links.row(slot), view_.links.stride());
    };
    std::array<Key, kAtOnce> nodes, next;
    const auto expand_next = [&] {
        const std::size_t most = rule.at_once(beam, kAtOnce);
        return rule.worth(beam, nodes, beam.expand_next(std::span(nodes).first(most)));
    };
    while (const std::size_t expanded = expand_next()) {
        std::size_t n = 0;
        for (std::size_t i = 0; i < expanded; ++i) n = gather_fresh(nodes[i].slot(), level, n);
        const std::size_t to_come = level == 0 ? beam.peek_next(next) : 0;
        for (std::size_t i = 0; i < to_come; ++i) ask_for_links(next[i].slot());
        measure_gathered(n);
        const auto fresh = beam.select(scratch_.slots.data(), scratch_.distances.data(), n);
        if (level == 0) {  // of these, the nodes to be expanded next; their links come while the others are merged
            const Distance soon = to_come == kAtOnce ? next[kAtOnce - 1].distance() : kFarthest;
            for (const Key key : fresh.first(std::min(kAtOnce, fresh.size())))
                if (key.distance() < soon) ask_for_links(key.slot());
        }
        rule.met(scratch_.slots.data(), scratch_.distances.data(), n);
        beam.merge_selected();
    }
}

void Walk::spread(Key start, Level level, std::size_t width, std::size_t reserve) {
    spread_by(start, level, width, reserve, NoRule{});
}

void Walk::spread(Key start, std::size_t width, const StopRule& rule, std::size_t reserve) {
    spread_by(start, 0, width, reserve, rule);
}

void Walk::spread(Key start, std::size_t width, const GroupRule& rule) { spread_by(start, 0, width, 0, rule); }

}  // namespace vicinal

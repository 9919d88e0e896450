#include "graph/walk.hpp"

#include <algorithm>

#include "base/prefetch.hpp"

namespace vicinal {

Walk::Walk(const View& view, const Ground& ground, const Probe& probe, Scratch& scratch)
    : view_(view), ground_(ground), probe_(probe), scratch_(scratch) {
    scratch_.visited.make_room(view.rows.capacity());
    const std::size_t widest = std::max(view.width, view.upper_width);
    if (scratch_.slots.size() < widest) {
        scratch_.slots.resize(widest);
        scratch_.distances.resize(widest);
    }
}

Key Walk::key_of(Slot slot) {
    const std::uint32_t index = index_of(slot);
    Distance distance = 0;
    ground_.measure(probe_, &index, 1, &distance);
    ++tally.distances;
    return {distance, index};
}

Key Walk::descend(Level level) {
    Key best = key_of(view_.entry);
    for (Level at = view_.top; at >= level; --at) {
        for (bool closer = true; closer;) {
            std::size_t n = 0;
            view_.links_of(Slot{best.slot()}, at).for_each([&](std::uint32_t slot) { scratch_.slots[n++] = slot; });
            ground_.measure(probe_, scratch_.slots.data(), n, scratch_.distances.data());
            tally.distances += n;
            ++tally.hops;
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

// Reads the links of a node and scores those not met before: two passes, so that the second can ask for rows ahead.
std::size_t Walk::measure_fresh(std::uint32_t slot, Level level) {
    std::size_t n = 0;
    view_.links_of(Slot{slot}, level).for_each([&](std::uint32_t neighbor) {
        if (scratch_.visited.visit(neighbor)) scratch_.slots[n++] = neighbor;
    });
    ground_.measure(probe_, scratch_.slots.data(), n, scratch_.distances.data());
    tally.distances += n;
    ++tally.hops;
    return n;
}

void Walk::spread(Key start, Level level, std::size_t width) {
    Beam& beam = scratch_.beam;
    beam.reset(width, std::max(view_.width, view_.upper_width));
    scratch_.visited.clear();
    scratch_.visited.visit(start.slot());
    const std::uint32_t first = start.slot();
    const Distance distance = start.distance();
    beam.merge(&first, &distance, 1);

    std::uint32_t slot = 0;
    while (beam.expand_next(slot)) {
        std::uint32_t next = 0;
        if (level == 0 && beam.peek_next(next)) prefetch_bytes(view_.links.row(next), view_.links.stride());
        const std::size_t n = measure_fresh(slot, level);
        beam.merge(scratch_.slots.data(), scratch_.distances.data(), n);
    }
}

void Walk::spread_to_live(Key start, std::size_t width) {
    Beam& results = scratch_.beam;
    results.reset(width, view_.width);
    std::vector<Key>& frontier = scratch_.frontier;
    frontier.clear();
    const auto nearest_first = [](Key a, Key b) { return b < a; };
    scratch_.visited.clear();
    scratch_.visited.visit(start.slot());

    const auto take = [&](const std::uint32_t* slots, const Distance* distances, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            const Key key(distances[i], slots[i]);
            if (results.full() && results.keys().back() < key) continue;
            frontier.push_back(key);
            std::push_heap(frontier.begin(), frontier.end(), nearest_first);
            if (view_.state(Slot{slots[i]}) == State::live) results.merge(&slots[i], &distances[i], 1);
        }
    };
    const std::uint32_t first = start.slot();
    const Distance distance = start.distance();
    take(&first, &distance, 1);
    while (!frontier.empty()) {
        std::pop_heap(frontier.begin(), frontier.end(), nearest_first);
        const Key next = frontier.back();
        frontier.pop_back();
        if (results.full() && results.keys().back() < next) break;
        const std::size_t n = measure_fresh(next.slot(), 0);
        take(scratch_.slots.data(), scratch_.distances.data(), n);
    }
}

}  // namespace vicinal

// What is well with an index and what is not, and the cure. Declared in index.hpp.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <vector>

#include "base/errors.hpp"
#include "graph/copies.hpp"
#include "graph/reach.hpp"
#include "graph/reconnect.hpp"
#include "index/parts.hpp"
#include "vectors/row_map.hpp"

namespace vicinal {
namespace {

constexpr std::uint32_t kRowsAtOnce = 1'024;  // between two looks at the watch

// What is vacant may be changing.
template <class Visit>
void for_each_slot(const View& view, Watch& watch, Visit&& visit) {
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (slot % kRowsAtOnce == 0 && !watch.again()) throw Stopped();
        if (view.holds(Slot{slot})) visit(Slot{slot});
    }
}

void count_one(std::vector<std::size_t>& histogram, std::size_t value) {
    if (histogram.size() <= value) histogram.resize(value + 1);
    ++histogram[value];
}

std::size_t live_of(const View& view, Slot node) {
    std::size_t live = view.is_live(node) ? 1 : 0;
    for_each_copy(view, node, [&](std::uint32_t copy) { live += view.is_live(Slot{copy}) ? 1U : 0U; });
    return live;
}

void look_at_links(const View& view, Health& health, Watch& watch) {
    std::vector<std::uint32_t> in_degrees(view.count, 0);
    for_each_slot(view, watch, [&](Slot slot) {
        if (!view.is_node(slot)) return;
        std::size_t degree = 0;
        view.links_of(slot, 0).for_each([&](std::uint32_t to) {
            ++degree;
            if (to < view.count) ++in_degrees[to];
        });
        count_one(health.degrees, degree);
        count_one(health.levels, static_cast<std::size_t>(view.level(slot)));
    });
    Reach reach(view);
    if (!view.empty()) reach.spread(view.entry, view.entry, watch);
    for_each_slot(view, watch, [&](Slot slot) {
        if (!view.is_node(slot)) return;
        if (!reach.met(index_of(slot))) health.unreachable += live_of(view, slot);
        if (in_degrees[index_of(slot)] == 0 && slot != view.entry) ++health.zero_in_degree;
        count_one(health.in_degrees, in_degrees[index_of(slot)]);
    });
}

// Copies hang on their node; but a graph that was adopted, or came in a file, may have several nodes of the same bytes.
void look_at_copies(const View& view, const Space& space, Health& health, Watch& watch) {
    struct Node {
        std::uint64_t hash;
        Slot slot;
    };
    std::vector<Node> nodes;
    for_each_slot(view, watch, [&](Slot slot) {
        if (view.is_node(slot)) nodes.push_back({RowMap::hash_of(view.vector(slot), space.row_bytes()), slot});
    });
    std::sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) { return a.hash < b.hash; });
    for (auto first = nodes.begin(); first != nodes.end();) {
        const auto last = std::find_if(first, nodes.end(), [&](const Node& one) {
            return one.hash != first->hash ||
                   std::memcmp(view.vector(one.slot), view.vector(first->slot), space.row_bytes()) != 0;
        });
        std::size_t live = 0;
        for (auto node = first; node != last; ++node) live += live_of(view, node->slot);
        if (live > 1) ++health.duplicates;
        first = last;
    }
}

void look_at_lengths(const View& view, const Space& space, Health& health, Watch& watch) {
    constexpr std::uint32_t kSample = 65'536;
    const std::uint32_t step = view.count / kSample + 1;
    std::vector<double> sample;
    double shortest = std::numeric_limits<double>::infinity();
    for_each_slot(view, watch, [&](Slot slot) {
        const std::byte* row = view.vector(slot);
        if (space.dtype() == Dtype::b1) {
            health.zero_norm +=
                std::all_of(row, row + space.row_bytes(), [](std::byte b) { return b == std::byte{0}; });
            return;
        }
        const double norm = std::sqrt(space.squared_norm(row));
        health.zero_norm += norm == 0 ? 1U : 0U;
        shortest = std::min(shortest, norm);
        health.longest = std::max(health.longest, norm);
        if (index_of(slot) % step == 0) sample.push_back(norm);
    });
    if (sample.empty()) return;
    std::sort(sample.begin(), sample.end());
    const auto share = [&](std::size_t hundredths) { return sample[(sample.size() - 1) * hundredths / 100]; };
    health.shortest = shortest;
    health.twentieth = share(5);
    health.median = share(50);
    health.last_twentieth = share(95);
}

}  // namespace

Health Index::health(Watch& watch) const {
    const Reading reading(*parts_);
    Health health;
    look_at_links(reading.view(), health, watch);
    look_at_copies(reading.view(), parts_->graph.space, health, watch);
    look_at_lengths(reading.view(), parts_->graph.space, health, watch);
    return health;
}

std::size_t Index::repair(Watch& watch) {
    const std::lock_guard writing(parts_->writing);
    return parts_->repair(watch);
}

std::size_t Index::Parts::repair(Watch& watch) {
    Undo undo(graph);
    try {
        return reconnect(graph, undo, watch);
    } catch (...) {
        undo.take_back(graph);
        throw;
    }
}

}  // namespace vicinal

#include "graph/linking.hpp"

#include <algorithm>
#include <array>

#include "graph/copies.hpp"
#include "graph/gate.hpp"
#include "graph/select.hpp"

namespace vicinal {
namespace {

// By how much closer, in squared distance, a kept neighbor must be to prune another when a full row is chosen anew; 1.1
// cost more distances than it saved hops (bench/ABLATIONS.md).
constexpr float kSlack = 1.05F;

}  // namespace

// A new node chooses as many neighbors as the heuristic lets it keep of a full row, and is filled up to M with the
// nearest it pruned. On level 0 a full row is 2M: nodes that choose M there, as hnswlib's do, need a tenth more hops
// for the same recall (SIFT 100 k, MiniLM: 82 -> 75 and 84 -> 79 at 0.99, distances alike).
void Linking::choose(Slot node) const {
    ThreadScratch& scratch = scratch_of_this_thread();
    const Probe probe = ground_.probe_of(node, scratch.probe);
    const Level level = view_.level(node);
    for (Level above = view_.top + 1; above <= level; ++above) view_.links_of(node, above).write({});

    Walk walk(view_, ground_, probe, scratch.walk);
    Key nearest = walk.descend(level + 1);
    for (Level at = std::min(level, view_.top); at >= 0; --at) {
        Links links = view_.links_of(node, at);
        spread(walk, nearest, at);
        if (walk.beam().size() != 0) nearest = walk.beam().closest();
        meet_mates(node, at, probe, scratch.walk.beam);
        select_neighbors(ground_, candidates(walk.beam(), scratch.candidates), {links.width(), view_.upper_width},
                         scratch.select, scratch.chosen);
        links.write(scratch.chosen);
    }
}

// Where half of what lies around is removed, and waits to be swept, a walk has to go through it to what is live.
void Linking::spread(Walk& walk, Key start, Level level) const {
    const std::size_t width = graph_.options.ef_construction;
    walk.spread(start, level, width);
    if (view_.removed() == 0) return;
    const Gate gate(view_);
    const auto keys = walk.beam().keys();
    const auto live = std::count_if(keys.begin(), keys.end(), [&](Key key) { return gate.admits(key.slot()); });
    if (2 * static_cast<std::size_t>(live) < std::min<std::size_t>(keys.size(), view_.size()))
        walk.spread_through(start, level, width, gate);
}

// Nobody links to what is removed: it would have to be swept out again.
std::span<const Key> Linking::candidates(const Beam& beam, std::vector<Key>& live) const {
    if (view_.removed() == 0) return beam.keys();
    live.clear();
    for (const Key key : beam.keys())
        if (!view_.holds(Slot{key.slot()}) || any_live(view_, Slot{key.slot()})) live.push_back(key);
    return live;
}

// The walk has found what is near in the graph as it was; the other nodes of the batch are compared with one by one.
void Linking::meet_mates(Slot node, Level level, const Probe& probe, Beam& beam) const {
    constexpr std::size_t kHandful = 32;
    std::array<std::uint32_t, kHandful> slots{};
    std::array<Distance, kHandful> distances{};
    std::size_t n = 0;
    const auto merge = [&] {
        ground_.measure(probe, slots.data(), n, distances.data());
        beam.merge(slots.data(), distances.data(), n);
        n = 0;
    };
    for (const std::uint32_t mate : batch_) {
        if (Slot{mate} == node || view_.level(Slot{mate}) < level) continue;
        slots[n++] = mate;
        if (n == std::min(kHandful, view_.width)) merge();
    }
    merge();
}

std::vector<Linking::Backlink> Linking::backlinks(Level level) const {
    std::vector<Backlink> backlinks;
    for (const std::uint32_t source : batch_) {
        if (view_.level(Slot{source}) < level) continue;
        view_.links_of(Slot{source}, level).for_each([&](std::uint32_t target) {
            backlinks.emplace_back(target, source);
        });
    }
    std::sort(backlinks.begin(), backlinks.end());
    return backlinks;
}

void Linking::link_back(Team& team, Undo& undo) const {
    for (Level level = 0; level <= view_.top; ++level) link_level_back(level, team, undo);
}

void Linking::link_level_back(Level level, Team& team, Undo& undo) const {
    const std::vector<Backlink> all = backlinks(level);
    std::vector<std::size_t> starts;  // of each target's run, and the end of the last
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i != 0 && all[i].target() == all[i - 1].target()) continue;
        starts.push_back(i);
        undo.keep(Slot{all[i].target()}, level);
    }
    starts.push_back(all.size());
    team.run_whole(starts.size() - 1, 16, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t run = begin; run < end; ++run) {
            const std::span<const Backlink> sources(&all[starts[run]], starts[run + 1] - starts[run]);
            add_links(Slot{sources.front().target()}, level, sources);
        }
    });
}

// When the new links do not all fit, the row is chosen anew from old and new. On level 0 it stays full: what pruning
// leaves is filled with the nearest, since a full row costs a scan of neighborhood codes nothing, and a walk that
// measures each neighbor loses no more by it than it gains in hops. With the slack, of hops 7 to 12 % at recall 0.90 to
// 0.99 and a sixth to a quarter at 0.998, for a fifth more time to build (bench/ABLATIONS.md). On the levels above the
// room that pruning leaves takes the next links without another choice.
void Linking::add_links(Slot target, Level level, std::span<const Backlink> sources) const {
    Links links = view_.links_of(target, level);
    ThreadScratch& scratch = scratch_of_this_thread();
    std::vector<std::uint32_t>& slots = scratch.joint;
    slots.clear();
    links.for_each([&](std::uint32_t slot) { slots.push_back(slot); });
    const std::size_t degree = slots.size();
    for (const Backlink& source : sources) {
        // Two nodes of one batch may have chosen each other.
        const auto linked = slots.begin() + static_cast<std::ptrdiff_t>(degree);
        if (std::find(slots.begin(), linked, source.source()) == linked) slots.push_back(source.source());
    }
    if (slots.size() <= links.width()) {
        for (std::size_t i = degree; i < slots.size(); ++i) links.put(i, slots[i]);
        return;
    }
    scratch.distances.resize(slots.size());
    const Probe probe = ground_.probe_of(target, scratch.probe);
    ground_.measure(probe, slots.data(), slots.size(), scratch.distances.data());
    scratch.candidates.clear();
    for (std::size_t i = 0; i < slots.size(); ++i) scratch.candidates.emplace_back(scratch.distances[i], slots[i]);
    std::sort(scratch.candidates.begin(), scratch.candidates.end());
    const Room room = level == 0 ? Room{links.width(), links.width(), kSlack} : Room{links.width(), 0};
    select_neighbors(ground_, scratch.candidates, room, scratch.select, scratch.chosen);
    links.write(scratch.chosen);
}

}  // namespace vicinal

#include "graph/insert.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "graph/levels.hpp"
#include "graph/scratch.hpp"
#include "graph/select.hpp"

namespace vicinal {
namespace {

// "source has chosen target": packed so that sorting groups the sources of a target, in order.
struct Backlink {
    std::uint64_t word;
    Backlink(std::uint32_t target, std::uint32_t source) : word((std::uint64_t{target} << 32) | source) {}
    std::uint32_t target() const { return static_cast<std::uint32_t>(word >> 32); }
    std::uint32_t source() const { return static_cast<std::uint32_t>(word); }
    friend bool operator<(Backlink a, Backlink b) { return a.word < b.word; }
};

// The nodes of one batch.
struct Batch {
    std::uint32_t first, count;
};

// The walk has found what is near in the graph as it was; the other nodes of the batch are compared with one by one.
void meet_mates(const View& view, const Ruler& ruler, const Probe& probe, Slot node, Level level, Batch batch,
                Scratch& scratch) {
    constexpr std::size_t kHandful = 32;
    std::array<std::uint32_t, kHandful> slots{};
    std::array<Distance, kHandful> distances{};
    std::size_t n = 0;
    const auto merge = [&] {
        ruler.measure(probe, view.vectors(), slots.data(), n, distances.data());
        scratch.beam.merge(slots.data(), distances.data(), n);
        n = 0;
    };
    for (std::uint32_t mate = batch.first; mate < batch.first + batch.count; ++mate) {
        if (Slot{mate} == node || view.level(Slot{mate}) < level) continue;
        slots[n++] = mate;
        if (n == std::min(kHandful, view.upper_width)) merge();
    }
    merge();
}

// Finds and writes the links of one new node. Nobody links to it yet, so its rows are its own.
void choose_links(const Graph& graph, const Ruler& ruler, Slot node, Batch batch) {
    const View& view = graph.view;
    ThreadScratch& scratch = scratch_of_this_thread();
    const Probe probe = graph.space.probe_row(view.vector(node), view.factor(node), scratch.probe);
    const Level level = view.level(node);
    for (Level above = view.top + 1; above <= level; ++above) view.links_of(node, above).write({});

    Walk walk(view, ruler, probe, scratch.walk);
    Key nearest = walk.descend(level + 1);
    for (Level at = std::min(level, view.top); at >= 0; --at) {
        walk.spread(nearest, at, graph.options.ef_construction);
        nearest = walk.beam().closest();
        meet_mates(view, ruler, probe, node, at, batch, scratch.walk);
        const std::span<const Key> found = walk.beam().keys();
        select_neighbors(view, graph.space, ruler, found, graph.options.M, graph.options.M, scratch.select,
                         scratch.chosen);
        view.links_of(node, at).write(scratch.chosen);
    }
}

// Adds `sources` to the links of `target`; when they do not all fit, the row is chosen anew from old and new.
void link_back(const Graph& graph, const Ruler& ruler, Slot target, Level level, std::span<const Backlink> sources) {
    const View& view = graph.view;
    Links links = view.links_of(target, level);
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
        for (std::size_t i = degree; i < slots.size(); ++i) links.append(i, slots[i]);
        return;
    }
    std::vector<Distance>& distances = scratch.distances;
    distances.resize(slots.size());
    const Probe probe = graph.space.probe_row(view.vector(target), view.factor(target), scratch.probe);
    ruler.measure(probe, view.vectors(), slots.data(), slots.size(), distances.data());
    scratch.candidates.clear();
    for (std::size_t i = 0; i < slots.size(); ++i) scratch.candidates.emplace_back(distances[i], slots[i]);
    std::sort(scratch.candidates.begin(), scratch.candidates.end());
    select_neighbors(view, graph.space, ruler, scratch.candidates, links.width(), 0, scratch.select, scratch.chosen);
    links.write(scratch.chosen);
}

std::vector<Backlink> gather_backlinks(const View& view, Batch batch, Level level) {
    std::vector<Backlink> backlinks;
    for (std::uint32_t source = batch.first; source < batch.first + batch.count; ++source) {
        if (view.level(Slot{source}) < level) continue;
        view.links_of(Slot{source}, level).for_each([&](std::uint32_t target) { backlinks.emplace_back(target, source); });
    }
    std::sort(backlinks.begin(), backlinks.end());
    return backlinks;
}

// Where the run of each target begins, and one past the last.
std::vector<std::size_t> runs_of(const std::vector<Backlink>& backlinks) {
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < backlinks.size(); ++i)
        if (i == 0 || backlinks[i].target() != backlinks[i - 1].target()) starts.push_back(i);
    starts.push_back(backlinks.size());
    return starts;
}

void link_all_back(const Graph& graph, const Ruler& ruler, Batch batch, Team& team) {
    for (Level level = 0; level <= graph.view.top; ++level) {
        const std::vector<Backlink> backlinks = gather_backlinks(graph.view, batch, level);
        const std::vector<std::size_t> starts = runs_of(backlinks);
        team.run_whole(starts.size() - 1, 16, [&](std::size_t, std::size_t begin, std::size_t end) {
            for (std::size_t run = begin; run < end; ++run) {
                const std::span<const Backlink> sources(&backlinks[starts[run]], starts[run + 1] - starts[run]);
                link_back(graph, ruler, Slot{sources.front().target()}, level, sources);
            }
        });
    }
}

// The first of the highest new nodes becomes the entry when it stands above the old one.
void raise_entry(View& view, std::uint32_t first, std::uint32_t n) {
    for (std::uint32_t slot = first; slot < first + n; ++slot) {
        if (view.level(Slot{slot}) <= view.top) continue;
        view.top = view.level(Slot{slot});
        view.entry = Slot{slot};
    }
}

}  // namespace

std::size_t batch_size(std::size_t linked, std::size_t waiting) {
    constexpr std::size_t kShare = 8;
    constexpr std::size_t kMost = 128;
    return std::min(waiting, std::clamp<std::size_t>(linked / kShare, 1, kMost));
}

std::size_t upper_rows_needed(const Graph& graph, std::size_t n) {
    std::size_t rows = 0;
    for (std::size_t i = 0; i < n; ++i)
        rows += static_cast<std::size_t>(draw_level(graph.options.seed, graph.insertions + i, graph.options.M));
    return rows;
}

void store_batch(Graph& graph, const std::byte* given, std::span<const Id> ids) {
    View& view = graph.view;
    std::uint32_t upper = view.upper_count;
    for (std::uint32_t i = 0; i < ids.size(); ++i) {
        const std::uint32_t slot = view.count + i;
        graph.space.encode(given + i * graph.space.given_row_bytes(), view.rows.row(slot));
        const Level level = draw_level(graph.options.seed, graph.insertions + i, graph.options.M);
        view.ids.as<Id>()[slot] = ids[i];
        view.levels.as<std::uint8_t>()[slot] = static_cast<std::uint8_t>(level);
        view.upper_first.as<std::uint32_t>()[slot] = upper;
        upper += static_cast<std::uint32_t>(level);
    }
    settle_factors(graph, view.count, static_cast<std::uint32_t>(ids.size()));
}

bool link_batch(Graph& graph, std::uint32_t n, Team& team, Watch& watch, Progress progress) {
    View& view = graph.view;
    const std::uint32_t first = view.count;
    const Ruler ruler = graph.build_ruler();
    if (view.empty()) {
        for (std::uint32_t slot = first; slot < first + n; ++slot)
            for (Level level = 0; level <= view.level(Slot{slot}); ++level) view.links_of(Slot{slot}, level).write({});
    } else {
        const bool whole = team.run(
            n, 4, watch,
            [&](std::size_t, std::size_t begin, std::size_t end) {
                for (std::size_t i = begin; i < end; ++i)
                    choose_links(graph, ruler, Slot{first + static_cast<std::uint32_t>(i)}, {first, n});
            },
            progress.done, progress.total);
        if (!whole) return false;
        link_all_back(graph, ruler, {first, n}, team);
    }
    for (std::uint32_t slot = first; slot < first + n; ++slot) {
        view.set_state(Slot{slot}, State::live);
        view.upper_count += static_cast<std::uint32_t>(view.level(Slot{slot}));
    }
    raise_entry(view, first, n);
    view.count += n;
    graph.insertions += n;
    return true;
}

}  // namespace vicinal

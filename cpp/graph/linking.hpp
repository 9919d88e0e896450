// How the nodes of one batch get their links, and their neighbors the links back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/team.hpp"
#include "base/types.hpp"
#include "graph/graph.hpp"
#include "graph/scratch.hpp"
#include "graph/undo.hpp"
#include "graph/walk.hpp"

namespace vicinal {

class Linking {
public:
    // The batch: slots that are stored, with their levels, and not yet in use.
    Linking(const Graph& graph, std::span<const std::uint32_t> batch)
        : graph_(graph), view_(graph.view), ground_(graph.build_ground()), batch_(batch) {}

    // Finds and writes the links of one new node. Nobody links to it yet, so its rows are its own. Any thread may
    // choose for any node of the batch.
    void choose(Slot node) const;

    // Once all have chosen: adds each new node to the links of those it chose. `undo` learns what they were before.
    void link_back(Team& team, Undo& undo) const;

private:
    // "source has chosen target": packed so that sorting groups the sources of a target, in order.
    struct Backlink {
        Backlink(std::uint32_t target, std::uint32_t source) : word((std::uint64_t{target} << 32) | source) {}
        std::uint32_t target() const { return static_cast<std::uint32_t>(word >> 32); }
        std::uint32_t source() const { return static_cast<std::uint32_t>(word); }
        friend bool operator<(Backlink a, Backlink b) { return a.word < b.word; }
        std::uint64_t word;
    };

    void spread(Walk& walk, Key start, Level level) const;
    std::span<const Key> candidates(const Beam& beam, std::vector<Key>& live) const;
    void meet_mates(Slot node, Level level, const Probe& probe, Beam& beam) const;
    std::vector<Backlink> backlinks(Level level) const;
    void link_level_back(Level level, Team& team, Undo& undo) const;
    void add_links(Slot target, Level level, std::span<const Backlink> sources) const;

    const Graph& graph_;
    const View& view_;
    const Ground ground_;
    const std::span<const std::uint32_t> batch_;
};

}  // namespace vicinal

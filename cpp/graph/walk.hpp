// One vector on its way through the graph: down the levels greedily, then along one level with a beam.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "codecs/space.hpp"
#include "graph/beam.hpp"
#include "graph/gate.hpp"
#include "graph/ground.hpp"
#include "graph/nearest_groups.hpp"
#include "graph/stop_rule.hpp"
#include "graph/view.hpp"
#include "graph/visited.hpp"

namespace vicinal {

// What a walk has cost, in counts that do not depend on the machine.
struct Tally {
    std::size_t distances = 0;
    std::size_t hops = 0;
    std::size_t reranked = 0;

    Tally& operator+=(const Tally& other) {
        distances += other.distances;
        hops += other.hops;
        reranked += other.reranked;
        return *this;
    }
};

// Room that walks need, kept by each thread across calls so that a search allocates nothing.
struct Scratch {
    Visited visited;
    Beam beam;
    Beam frontier;                       // of a walk through nodes that it may not report
    std::vector<std::uint32_t> slots;    // the fresh neighbors of a hop,
    std::vector<Distance> distances;     // and how far they are
    std::vector<std::uint32_t> bridges;  // neighbors of a node that a gate rejects
};

class Walk {
public:
    Walk(const View& view, const Ground& ground, const Probe& probe, Scratch& scratch);

    // The nearest node that greedy steps reach on `level` and the levels above it, from the entry. Requires: the
    // graph is not empty.
    Key descend(Level level);

    // The beam: up to `width` of the nearest nodes of `level` that are reached from `start`, and `reserve` more that
    // are not expanded. They are in beam().
    void spread(Key start, Level level, std::size_t width, std::size_t reserve = 0);

    // The same on level 0, until the rule says that it is enough.
    void spread(Key start, std::size_t width, const StopRule& rule, std::size_t reserve = 0);
    void spread(Key start, std::size_t width, const GroupRule& rule);

    // When only some nodes may be reported (walk_gated.cpp), again with `reserve` more that do not make the walk
    // longer.
    //
    // Through all nodes: those that may be reported are the results, kept apart from the frontier. For removed nodes:
    // where a filter rejects many, this compares as many more.
    void spread_through(Key start, Level level, std::size_t width, const Gate& gate, const StopRule& rule = {},
                        std::size_t reserve = 0);
    // On level 0, among those that may be reported: the others are looked through, for their neighbors, and not
    // compared. Starts from what is near `start`, and from `others`.
    void spread_among(Key start, std::span<const std::uint32_t> others, std::size_t width, const Gate& gate,
                      std::size_t reserve = 0);

    // The share of what lies around `start` that a gate admits; where nothing much does, `otherwise`.
    double share_nearby(Key start, const Gate& gate, double otherwise) const;

    const Beam& beam() const { return scratch_.beam; }
    Tally tally;

private:
    template <class Rule>
    void spread_by(Key start, Level level, std::size_t width, std::size_t reserve, const Rule& rule);
    Key key_of(Slot slot);
    std::size_t gather_fresh(std::uint32_t slot, Level level, std::size_t gathered);
    void measure_gathered(std::size_t n);
    std::size_t gather_admitted(std::uint32_t slot, const Gate& gate, std::size_t gathered);
    std::size_t gather_beyond(std::span<const std::uint32_t> bridges, const Gate& gate, std::size_t gathered,
                              std::size_t most);
    std::size_t keep_admitted(const Gate& gate, std::size_t gathered);
    void make_room(std::size_t slots);

    const View& view_;
    const Ground& ground_;
    const Probe& probe_;
    Scratch& scratch_;
};

}  // namespace vicinal

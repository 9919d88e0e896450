// One query through the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/watch.hpp"
#include "codecs/space.hpp"
#include "graph/admitted.hpp"
#include "graph/copies.hpp"
#include "graph/filter_plan.hpp"
#include "graph/gate.hpp"
#include "graph/ground.hpp"
#include "graph/nearest.hpp"
#include "graph/nearest_groups.hpp"
#include "graph/scratch.hpp"
#include "graph/view.hpp"
#include "graph/walk.hpp"

namespace vicinal {

struct Asked {
    std::size_t k = 10;
    std::size_t width = 64;              // of the beam, at least k
    StopRule rule = {};                  // what ends the walk before the beam does
    Checkpoint checkpoint = {};          // of a scan; where it says stop the answer is of no use
    const Admitted* admitted = nullptr;  // none: all
    bool exact = false;                  // compare with every admitted vector
    std::size_t per_group = 0;           // the most hits of a group; 0: any number
    std::size_t rerank = 0;              // of a tier: how many meet the stored vectors; 0: all that is found
};

// Groups that have a vector within a radius.
struct GroupsAsked {
    std::size_t most = 64;    // of the nearest
    std::size_t anchor = 32;  // nodes that a walk expands at least,
    std::size_t width = 512;  // and at most
    Distance radius = 0;      // itself included
    bool exact = false;       // compare with every vector
    Checkpoint checkpoint = {};
};

// Where one query's answer goes: k entries each.
struct Answer {
    std::int64_t* ids;
    float* distances;
};

// Fills an answer up behind what was written.
void pad(std::size_t written, std::size_t k, const Answer& answer);

// Writes hits into an answer, pads it with kNoId and kFarthest, and returns how many there are.
std::size_t write_answer(std::span<const Hit> hits, std::size_t k, const Answer& answer);

// A thread's searches in one View.
class Search {
public:
    Search(const View& view, const Space& space, ThreadScratch& scratch)
        : view_(view), space_(space), stored_(Ground::stored(view, space, space.search_ruler())), scratch_(scratch) {}

    // Writes the nearest first, by (distance, id), pads, and returns how many there are. `query` is laid out as
    // callers hand it in.
    std::size_t answer(const std::byte* query, const Asked& asked, const Answer& answer);

    // Everything within `radius`, itself included, by (distance, id). What stops a scan leaves hits of no use.
    void find_within(const std::byte* query, Distance radius, bool exact, const Checkpoint& checkpoint,
                     std::vector<Hit>& hits);

    // The groups within a radius, nearest first. What stops a scan leaves hits of no use. Requires: the View has groups
    // or is empty.
    void find_groups(const std::byte* query, const GroupsAsked& asked, std::vector<GroupHit>& hits);

    // Of all answers so far.
    Tally tally;
    std::size_t scanned = 0;              // vectors compared in scans, which no walk has counted
    std::size_t compared_bytes = 0;       // of codes and vectors, in walks and in re-ranking
    Strategy strategy = Strategy::graph;  // of the last answer
    // Of the last: the width of its beam, or the nodes it expanded when a rule ended it sooner.
    std::size_t effort = 0;

private:
    // A query as it is compared with each kind of rows there are.
    struct Probes {
        Probe stored;
        std::optional<Probe> fine, coarse;
        // What walks compare: the coarsest.
        const Probe& walked() const { return coarse ? *coarse : fine ? *fine : stored; }
    };
    Probes prepare(const Probe& stored);
    Ground ground_of(const Probes& probes) const;
    // Of what a walk has found, what may be among the k nearest is measured anew: from coarse to fine to exact, ever
    // fewer.
    void refine(const Probes& probes, const Asked& asked);
    void refine_tier(const Probes& probes, const Asked& asked);
    // How many more than its width a beam keeps, for the k nearest of them.
    std::size_t reserve_of(const Probes& probes, std::size_t k) const;
    void count(const Walk& walk, const Ground& ground);

    // How a walk keeps what may not be reported from what may: by dropping it at the end, or all the way.
    enum class Way : std::uint8_t { straight, apart };
    void walk(const Probe& probe, const Asked& asked, Way way);
    bool spread_straight(Walk& walk, Key start, const Asked& asked, std::size_t reserve);
    std::size_t answer_admitted(const std::byte* query, const Probe& probe, const Asked& asked, const Answer& answer);
    bool walk_admitted(const Probe& probe, const Asked& asked);
    std::span<const std::uint32_t> samples_of(const Admitted& admitted);
    std::span<const Key> admitted_of(const Beam& beam, const Gate& gate);
    Admitted listed_of(const Admitted& admitted) const;
    std::size_t scan_admitted(const std::byte* query, const Asked& asked, const Answer& answer);
    std::size_t count_to_rerank(const CodeTable& codes, const Probe& code, std::size_t k) const;
    std::size_t rerank(const Ground& ground, const Probe& probe, std::size_t count, std::size_t k);
    void ask_for_rows(std::vector<std::uint32_t>& slots) const;
    enum class Kind : std::uint8_t { nodes, slots };  // found by a walk, which stand for their copies; or by a scan
    std::size_t write_found(const Gate& gate, Kind kind, std::size_t k, const Answer& answer);
    template <class Visit>
    void for_each_hit(std::uint32_t node, const Gate& gate, Visit&& visit) const;
    struct Chosen {
        std::size_t hits = 0, met = 0;  // met: the candidates up to the last that was chosen
    };
    std::size_t answer_grouped(const std::byte* query, const Asked& asked, const Answer& answer);
    void take_grouped_candidates(const Gate& gate);
    Chosen choose_grouped(std::span<GroupedHit> hits, const Asked& asked, const Answer& answer);
    void scan_grouped(const std::byte* query, const Asked& asked, std::vector<GroupedHit>& hits);
    void walk_wide(const Probe& probe, std::size_t width);
    void take_within(Distance radius, std::vector<Hit>& hits) const;
    void scan_within(const std::byte* query, Distance radius, const Checkpoint& checkpoint, std::vector<Hit>& hits);
    void walk_groups(const Probe& probe, const GroupsAsked& asked, std::vector<GroupHit>& hits);
    void measure_groups(const Probe& probe, std::span<GroupHit> hits);
    void scan_groups(const std::byte* query, const GroupsAsked& asked, std::vector<GroupHit>& hits);
    std::size_t scan_for(const std::byte* query, const Asked& asked, const Answer& answer);

    const View& view_;
    const Space& space_;
    const Ground stored_;
    ThreadScratch& scratch_;
    std::span<const Key> found_;  // by the walk, nearest first
};

// The slots behind a node that was found, itself and its copies, as far as they may be reported.
template <class Visit>
void Search::for_each_hit(std::uint32_t node, const Gate& gate, Visit&& visit) const {
    if (gate.admits_slot(node)) visit(node);
    if (view_.copies == 0) return;
    for_each_copy(view_, Slot{node}, [&](std::uint32_t copy) {
        if (gate.admits_slot(copy)) visit(copy);
    });
}

}  // namespace vicinal

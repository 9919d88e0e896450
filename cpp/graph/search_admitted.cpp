// The nearest of those that a filter admits.
#include <algorithm>
#include <array>
#include <optional>

#include "graph/filter_plan.hpp"
#include "graph/scan.hpp"
#include "graph/search.hpp"

namespace vicinal {

std::size_t Search::answer_admitted(const std::byte* query, const Probe& probe, const Asked& asked,
                                    const Answer& answer) {
    // Few are compared whatever a walk would cost, and without looking at the graph at all.
    if (asked.exact || asked.admitted->count() <= 2 * asked.width) return scan_admitted(query, asked, answer);
    if (!walk_admitted(probe, asked)) return scan_admitted(query, asked, answer);
    if (write_found(Gate(view_, asked.admitted), Kind::nodes, asked.k, answer) == asked.k) return asked.k;
    const std::size_t written = scan_admitted(query, asked, answer);
    strategy = Strategy::starved;
    return written;
}

// False when a scan is the better choice.
bool Search::walk_admitted(const Probe& probe, const Asked& asked) {
    const Probes probes = prepare(probe);
    const Ground ground = ground_of(probes);
    const Gate gate(view_, asked.admitted);
    Walk walk(view_, ground, probes.walked(), scratch_.walk);

    FilterOutlook outlook;
    outlook.nodes = view_.count;
    outlook.admitted = asked.admitted->count();
    outlook.width = static_cast<double>(asked.width);
    outlook.links = static_cast<double>(view_.width);
    outlook.bytes = static_cast<double>(ground.rows().stride);
    outlook.to_ask = asked.admitted->asks() ? outlook.nodes : 0;
    const Key start = walk.descend(1);
    outlook.nearby = walk.share_nearby(start, gate, outlook.admitted / outlook.nodes);
    const FilterPlan plan = plan_filter(outlook);
    strategy = plan.strategy;
    const std::size_t reserve = reserve_of(probes, asked.k);
    if (plan.strategy == Strategy::through) {
        walk.spread(start, 0, plan.width, reserve * plan.width / asked.width);  // it loses as large a share as the beam
        found_ = admitted_of(walk.beam(), gate);
    }
    // More than half of what was expected can be missing only where the filter follows the shape of the data.
    const bool lost = plan.strategy == Strategy::through && found_.size() < std::max(asked.k, asked.width / 2);
    if (plan.strategy == Strategy::among || lost) {
        walk.spread_among(start, samples_of(*asked.admitted), std::max(plan.width, asked.width), gate, reserve);
        found_ = walk.beam().keys();
        strategy = Strategy::among;
    }
    count(walk, ground);
    if (strategy == Strategy::scan) return false;
    refine(probes, asked);
    return true;
}

std::span<const Key> Search::admitted_of(const Beam& beam, const Gate& gate) {
    std::vector<Key>& admitted = scratch_.admitted;
    admitted.clear();
    for (const Key key : beam.keys())
        if (gate.admits(key.slot())) admitted.push_back(key);
    return admitted;
}

// A scan meets all that is admitted and tells how many that are: so all slots are asked, but for those that are vacant,
// which a writer may be filling.
Admitted Search::listed_of(const Admitted& admitted) const {
    Admitted listed;
    listed.reset(view_.count);
    const std::uint32_t end = std::min(admitted.slots(), view_.count);
    for (std::uint32_t slot = 0; slot < end; ++slot)
        if (view_.is_live(Slot{slot}) && admitted.admits(slot)) admit(view_, Slot{slot}, listed);
    return listed;
}

// Nodes of some of the admitted, spread over the slots: where the query's own neighborhood holds none, the walk starts
// here. A copy is no place to start from: it is reported with its node, and would be a second time by itself.
std::span<const std::uint32_t> Search::samples_of(const Admitted& admitted) {
    constexpr std::uint32_t kSamples = 64;
    std::vector<std::uint32_t>& samples = scratch_.samples;
    samples.clear();
    const std::uint32_t end = std::min(admitted.slots(), view_.count);  // of newer slots the View knows no level
    std::uint32_t at = 0;
    for (std::uint32_t i = 0; i < kSamples; ++i) {
        at = std::max(at, static_cast<std::uint32_t>(std::uint64_t{end} * i / kSamples));
        std::uint32_t slot = 0;
        if (admitted.list(at, end, {&slot, 1}) == 0) break;
        if (view_.is_live(Slot{slot})) samples.push_back(index_of(node_of(view_, Slot{slot})));
    }
    return samples;
}

// By the codes where there are any, which are a quarter of the bytes; what is nearest by them meets the stored vectors,
// as after a walk. Few enough to be re-ranked all are compared as they are stored. Stands on nothing of the thread's
// scratch until it is done, as scan_for.
std::size_t Search::scan_admitted(const std::byte* query, const Asked& asked, const Answer& answer) {
    if (asked.admitted->asks()) {
        const Admitted listed = listed_of(*asked.admitted);
        Asked now = asked;
        now.admitted = &listed;
        return scan_admitted(query, now, answer);
    }
    const Admitted& admitted = *asked.admitted;
    const CodeTable& codes = view_.coarse.code.tiered() ? view_.coarse : view_.fine;
    if (asked.exact || !codes.on() || admitted.count() <= 2 * asked.width) return scan_for(query, asked, answer);
    std::vector<float> prepared;
    std::vector<std::byte> rounded;
    const Probe probe = space_.probe_given(query, prepared);
    const auto code = codes.code.probe(probe, rounded);
    if (!code) return scan_for(query, asked, answer);

    constexpr std::size_t kHandful = 64, kPause = 1024;
    std::array<std::uint32_t, kHandful> slots{};
    std::array<Distance, kHandful> distances{};
    const Ground ground = Ground::coded(view_, codes);
    const Gate gate(view_, asked.admitted);
    ScanRows rows = rows_of(view_);
    rows.admitted = &admitted;
    Beam beam;
    beam.reset(asked.width, kHandful);
    std::uint32_t at = 0;
    for (std::size_t round = 0; at < view_.count; ++round) {
        if (round % kPause == 0 && !asked.checkpoint.go_on()) break;
        const std::size_t n = next_rows(rows, at, view_.count, slots);
        ground.measure(*code, slots.data(), n, distances.data());
        beam.merge(slots.data(), distances.data(), n);
    }
    scanned += admitted.count();
    strategy = Strategy::scan;
    found_ = beam.keys();
    // Of a run of equal distances that k cuts through and the beam too, which are kept depends on where they are
    // stored.
    if (beam.full() && found_[asked.k - 1].distance() == found_.back().distance())
        return scan_for(query, asked, answer);
    refine({probe, code, std::nullopt}, asked);
    const std::size_t written = write_found(gate, Kind::slots, asked.k, answer);
    pad(written, asked.k, answer);
    return written;
}

}  // namespace vicinal

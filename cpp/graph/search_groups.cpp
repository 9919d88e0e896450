// The groups that have a vector within a radius of a query.
#include <algorithm>
#include <array>
#include <optional>

#include "graph/scan.hpp"
#include "graph/search.hpp"

namespace vicinal {

void Search::find_groups(const std::byte* query, const GroupsAsked& asked, std::vector<GroupHit>& hits) {
    hits.clear();
    // A beam as wide as half of the graph would meet all of it.
    if (asked.exact || view_.count <= 2 * asked.width)
        scan_groups(query, asked, hits);
    else
        walk_groups(space_.probe_given(query, scratch_.probe), asked, hits);
    std::sort(hits.begin(), hits.end());
    if (hits.size() > asked.most) hits.resize(asked.most);
}

// By codes that round, the nearest of a group may seem to lie beyond the radius: a tenth more of it is walked. Each
// group is then measured anew, by the vector that was nearest by the codes.
void Search::walk_groups(const Probe& probe, const GroupsAsked& asked, std::vector<GroupHit>& hits) {
    const Probes probes = prepare(probe);
    const Ground ground = ground_of(probes);
    const bool exact = !probes.coarse && (!probes.fine || view_.fine.code.lossless());
    const Gate gate(view_);
    NearestGroups& groups = scratch_.groups;
    groups.reset(std::min<std::size_t>(asked.most, view_.count));
    const Distance slack = exact || asked.radius < 0 ? 0 : asked.radius / 10;
    GroupRule rule(view_, gate, asked.anchor, asked.radius + slack, groups);
    Walk walk(view_, ground, probes.walked(), scratch_.walk);
    walk.spread(walk.descend(1), asked.width, rule);
    count(walk, ground);

    if (!exact) measure_groups(probe, groups.hits());
    for (const GroupHit& hit : groups.hits())
        if (hit.distance <= asked.radius) hits.push_back(hit);
}

void Search::measure_groups(const Probe& probe, std::span<GroupHit> hits) {
    scratch_.joint.resize(hits.size());
    scratch_.distances.resize(hits.size());
    for (std::size_t i = 0; i < hits.size(); ++i) scratch_.joint[i] = hits[i].slot;
    stored_.measure(probe, scratch_.joint.data(), hits.size(), scratch_.distances.data());
    for (std::size_t i = 0; i < hits.size(); ++i) hits[i].distance = comparable(scratch_.distances[i]);
    tally.reranked += hits.size();
    compared_bytes += hits.size() * stored_.row_bytes();
}

// Compares with every row, and keeps of each group the nearest. Stands on nothing of the thread's scratch: the
// checkpoint may run a caller's code, and that may search.
void Search::scan_groups(const std::byte* query, const GroupsAsked& asked, std::vector<GroupHit>& hits) {
    constexpr std::size_t kHandful = 64, kPause = 1024;
    std::vector<float> prepared;
    std::vector<std::byte> rounded;
    const Probe probe = space_.probe_given(query, prepared);
    const auto code = view_.fine.code.lossless() ? view_.fine.code.probe(probe, rounded) : std::nullopt;
    const Ground ground = code ? Ground::coded(view_, view_.fine) : stored_;
    std::array<std::uint32_t, kHandful> slots{};
    std::array<Distance, kHandful> distances{};
    const ScanRows rows = rows_of(view_);
    std::uint32_t at = 0;
    for (std::size_t round = 0; at < view_.count; ++round) {
        if (round % kPause == 0 && !asked.checkpoint.go_on()) return;
        const std::size_t n = next_rows(rows, at, view_.count, slots);
        ground.measure(code ? *code : probe, slots.data(), n, distances.data());
        for (std::size_t i = 0; i < n; ++i) {
            const Distance distance = comparable(distances[i]);
            if (distance > asked.radius) continue;
            const GroupHit hit{distance, view_.group(Slot{slots[i]}), slots[i]};
            if (hits.empty() || hits.back().group != hit.group)
                hits.push_back(hit);  // rows of a group mostly stand together
            else if (hit.distance < hits.back().distance)
                hits.back() = hit;
        }
    }
    scanned += view_.size();
    strategy = Strategy::exact;

    const auto by_group = [](const GroupHit& a, const GroupHit& b) {
        return a.group != b.group ? a.group < b.group : a.distance < b.distance;
    };
    const auto same_group = [](const GroupHit& a, const GroupHit& b) { return a.group == b.group; };
    std::sort(hits.begin(), hits.end(), by_group);
    hits.erase(std::unique(hits.begin(), hits.end(), same_group), hits.end());
}

}  // namespace vicinal

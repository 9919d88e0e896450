#include "graph/select.hpp"

#include <algorithm>
#include <array>

namespace vicinal {
namespace {

enum class Verdict { keep, prune, copy };

// Two copies of one vector are at distance 0 from each other, but for rounding under cosine; and then a copy of the
// target is exactly as far from the target as from its other copies.
bool is_copy(Distance between, Distance to_target) {
    constexpr Distance kRounding = 1e-6F;
    return between <= 0 || (between <= kRounding && between == to_target);
}

// Compares a candidate with the chosen in handfuls: one kernel call each, and often the first handful decides.
Verdict judge(const Ground& ground, Key candidate, std::span<const std::uint32_t> chosen, SelectScratch& scratch) {
    constexpr std::size_t kHandful = 8;
    const Probe probe = ground.probe_of(Slot{candidate.slot()}, scratch.probe);
    const Distance to_target = candidate.distance();
    std::array<Distance, kHandful> between{};
    for (std::size_t first = 0; first < chosen.size(); first += kHandful) {
        const std::size_t n = std::min(kHandful, chosen.size() - first);
        ground.measure(probe, chosen.data() + first, n, between.data());
        for (std::size_t i = 0; i < n; ++i) {
            if (is_copy(between[i], to_target)) return Verdict::copy;
            if (between[i] < to_target) return Verdict::prune;
        }
    }
    return Verdict::keep;
}

}  // namespace

void select_neighbors(const Ground& ground, std::span<const Key> candidates, Room room, SelectScratch& scratch,
                      std::vector<std::uint32_t>& chosen) {
    // Some copies stay, or a small group of copies would hang on one of them and be lost to each other.
    std::size_t copies = room.most / 4;
    chosen.clear();
    scratch.pruned.clear();
    for (const Key candidate : candidates) {
        if (chosen.size() == room.most) break;
        const Verdict verdict = judge(ground, candidate, chosen, scratch);
        const bool copy_stays = verdict == Verdict::copy && copies > 0;
        if (copy_stays) --copies;
        if (verdict == Verdict::keep || copy_stays)
            chosen.push_back(candidate.slot());
        else if (verdict == Verdict::prune)
            scratch.pruned.push_back(candidate.slot());
    }
    for (std::size_t i = 0; i < scratch.pruned.size() && chosen.size() < room.fill; ++i)
        chosen.push_back(scratch.pruned[i]);
}

}  // namespace vicinal

#include "graph/select.hpp"

#include <algorithm>
#include <array>

namespace vicinal {
namespace {

enum class Verdict { keep, prune, copy };

// Compares a candidate with the chosen in handfuls: one kernel call each, and often the first handful decides.
Verdict judge(const Ground& ground, Key candidate, std::span<const std::uint32_t> chosen, float slack,
              SelectScratch& scratch) {
    constexpr std::size_t kHandful = 8;
    const Probe probe = ground.probe_of(Slot{candidate.slot()}, scratch.probe);
    std::array<Distance, kHandful> between{};
    for (std::size_t first = 0; first < chosen.size(); first += kHandful) {
        const std::size_t n = std::min(kHandful, chosen.size() - first);
        ground.measure(probe, chosen.data() + first, n, between.data());
        for (std::size_t i = 0; i < n; ++i) {
            const Key kept = scratch.kept[first + i];
            if (ground.copies(candidate, kept, between[i])) return Verdict::copy;
            if (std::max(between[i], slack * between[i]) < candidate.distance()) return Verdict::prune;
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
    scratch.kept.clear();
    scratch.pruned.clear();
    for (const Key candidate : candidates) {
        if (chosen.size() == room.most) break;
        const Verdict verdict = judge(ground, candidate, chosen, room.slack, scratch);
        const bool copy_stays = verdict == Verdict::copy && copies > 0;
        if (copy_stays) --copies;
        if (verdict == Verdict::keep || copy_stays) {
            scratch.kept.push_back(candidate);
            chosen.push_back(candidate.slot());
        } else if (verdict == Verdict::prune) {
            scratch.pruned.push_back(candidate.slot());
        }
    }
    for (std::size_t i = 0; i < scratch.pruned.size() && chosen.size() < room.fill; ++i)
        chosen.push_back(scratch.pruned[i]);
}

}  // namespace vicinal

// The k best hits of which no group has more than so many.
#include <algorithm>
#include <array>
#include <span>

#include "graph/scan.hpp"
#include "graph/search.hpp"

namespace vicinal {

// How far down the list of neighbors k such hits reach nobody knows: the beam is widened until they stand in its near
// half. Where groups are fewer than k needs, no beam will do and all rows are compared.
std::size_t Search::answer_grouped(const std::byte* query, const Asked& asked, const Answer& answer) {
    constexpr std::size_t kWiden = 4, kPart = 16;
    const std::size_t candidates = asked.admitted == nullptr ? view_.count : asked.admitted->count();
    Asked wider = asked;
    bool walked = false;
    for (; !asked.exact && kPart * wider.width < candidates; wider.width *= kWiden) {
        if (!asked.checkpoint.go_on()) return 0;
        wider.k = wider.width;  // so that all of the beam have their exact distances
        const Probe probe = space_.probe_given(query, scratch_.probe);
        if (asked.admitted == nullptr)
            walk_wide(probe, wider.width);
        else if (!walk_admitted(probe, wider))
            break;
        walked = true;
        take_grouped_candidates(Gate(view_, asked.admitted));
        const Chosen chosen = choose_grouped(scratch_.grouped, asked, answer);
        if (chosen.hits == asked.k && 2 * chosen.met <= scratch_.grouped.size()) return chosen.hits;
    }
    std::vector<GroupedHit> all;  // as long as the index: no thread should keep it
    scan_grouped(query, asked, all);
    const Chosen chosen = choose_grouped(all, asked, answer);
    strategy = walked ? Strategy::starved : asked.admitted == nullptr ? Strategy::exact : Strategy::scan;
    return chosen.hits;
}

void Search::take_grouped_candidates(const Gate& gate) {
    scratch_.grouped.clear();
    for (const Key key : found_)
        for_each_hit(key.slot(), gate, [&](std::uint32_t slot) {
            scratch_.grouped.push_back({{key.distance(), view_.id(Slot{slot})}, view_.group(Slot{slot})});
        });
}

// Goes down the candidates by (distance, id), and sorts no more of them than it meets.
Search::Chosen Search::choose_grouped(std::span<GroupedHit> hits, const Asked& asked, const Answer& answer) {
    GroupTally& tally_of_groups = scratch_.group_tally;
    tally_of_groups.reset(asked.k);
    Chosen chosen;
    for (std::size_t sorted = 0; sorted < hits.size() && chosen.hits < asked.k;) {
        const std::size_t next = std::min(hits.size(), std::max(8 * asked.k, 4 * sorted));
        const auto begin = hits.begin() + static_cast<std::ptrdiff_t>(sorted);
        const auto end = hits.begin() + static_cast<std::ptrdiff_t>(next);
        if (end != hits.end()) std::nth_element(begin, end, hits.end());
        std::sort(begin, end);
        for (; sorted < next && chosen.hits < asked.k; ++sorted) {
            if (!tally_of_groups.take(hits[sorted].group, asked.per_group)) continue;
            answer.ids[chosen.hits] = number_of(hits[sorted].hit.id);
            answer.distances[chosen.hits++] = hits[sorted].hit.distance;
            chosen.met = sorted + 1;
        }
    }
    pad(chosen.hits, asked.k, answer);
    return chosen;
}

// Compares with every row that may be reported.
void Search::scan_grouped(const std::byte* query, const Asked& asked, std::vector<GroupedHit>& hits) {
    constexpr std::size_t kHandful = 64, kPause = 1024;
    std::vector<float> prepared;  // not the thread's scratch: between two rounds the checkpoint may run a search
    const Probe probe = space_.probe_given(query, prepared);
    std::array<std::uint32_t, kHandful> slots{};
    std::array<Distance, kHandful> distances{};
    ScanRows rows = rows_of(view_);
    const bool asks = asked.admitted != nullptr && asked.admitted->asks();
    const Admitted listed = asks ? listed_of(*asked.admitted) : Admitted();
    rows.admitted = asks ? &listed : asked.admitted;
    std::uint32_t at = 0;
    for (std::size_t round = 0; at < view_.count; ++round) {
        if (round % kPause == 0 && !asked.checkpoint.go_on()) break;
        const std::size_t n = next_rows(rows, at, view_.count, slots);
        stored_.measure(probe, slots.data(), n, distances.data());
        for (std::size_t i = 0; i < n; ++i)
            hits.push_back({{comparable(distances[i]), view_.id(Slot{slots[i]})}, view_.group(Slot{slots[i]})});
    }
    scanned += rows.admitted == nullptr ? view_.count : rows.admitted->count();
}

}  // namespace vicinal

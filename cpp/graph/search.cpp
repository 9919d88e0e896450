#include "graph/search.hpp"

#include <algorithm>

#include "graph/scan.hpp"

namespace vicinal {
namespace {

// The first k of the beam. It is sorted by (distance, slot) and the answer by (distance, id), so each run of equal
// distances is brought into the order of ids, the run that k cuts through included.
std::size_t write_beam(const View& view, std::span<const Key> keys, std::size_t k, const Answer& answer,
                       std::vector<std::int64_t>& tied) {
    std::size_t written = 0;
    for (std::size_t begin = 0; begin < keys.size() && written < k;) {
        const Distance distance = keys[begin].distance();
        std::size_t end = begin + 1;
        while (end < keys.size() && keys[end].distance() == distance) ++end;
        const auto id_at = [&](std::size_t i) { return number_of(view.id(Slot{keys[i].slot()})); };
        if (end - begin == 1) {
            answer.ids[written] = id_at(begin);
            answer.distances[written++] = distance;
        } else {
            tied.clear();
            for (std::size_t i = begin; i < end; ++i) tied.push_back(id_at(i));
            std::sort(tied.begin(), tied.end());
            for (std::size_t i = 0; i < tied.size() && written < k; ++i) {
                answer.ids[written] = tied[i];
                answer.distances[written++] = distance;
            }
        }
        begin = end;
    }
    return written;
}

void pad(std::size_t written, std::size_t k, const Answer& answer) {
    std::fill(answer.ids + written, answer.ids + k, number_of(kNoId));
    std::fill(answer.distances + written, answer.distances + k, kFarthest);
}

std::size_t search_by_scan(const View& view, const Ruler& ruler, const Probe& probe, std::size_t k,
                           const Answer& answer, Nearest& nearest, Tally& tally) {
    nearest.reset(k);
    scan(rows_of(view), ruler, {&probe, 1}, {&nearest, 1});
    tally.distances += view.count;
    return write_answer(nearest.sorted(), k, answer);
}

}  // namespace

std::size_t write_answer(std::span<const Hit> hits, std::size_t k, const Answer& answer) {
    for (std::size_t i = 0; i < hits.size(); ++i) {
        answer.ids[i] = number_of(hits[i].id);
        answer.distances[i] = hits[i].distance;
    }
    pad(hits.size(), k, answer);
    return hits.size();
}

std::size_t search(const View& view, const Space& space, const std::byte* query, const Asked& asked,
                   const Answer& answer, ThreadScratch& scratch, Tally& tally) {
    const Ruler ruler = space.search_ruler();
    const Probe probe = space.probe_given(query, scratch.probe);
    // A beam as wide as half of the graph would meet all of it.
    const bool scan_is_less = view.count <= 2 * asked.width;
    if (scan_is_less) return search_by_scan(view, ruler, probe, asked.k, answer, scratch.nearest, tally);

    Walk walk(view, ruler, probe, scratch.walk);
    const Key start = walk.descend(1);
    if (view.removed == 0)
        walk.spread(start, 0, asked.width);
    else
        walk.spread_to_live(start, asked.width);
    tally += walk.tally;

    const std::size_t written = write_beam(view, walk.beam().keys(), asked.k, answer, scratch.tied);
    const std::size_t wanted = std::min<std::size_t>(asked.k, view.count - view.removed);
    if (written < wanted) return search_by_scan(view, ruler, probe, asked.k, answer, scratch.nearest, tally);
    pad(written, asked.k, answer);
    return written;
}

}  // namespace vicinal

#include "graph/search.hpp"

#include <algorithm>
#include <optional>

#include "graph/exact.hpp"
#include "graph/scan.hpp"

namespace vicinal {

void pad(std::size_t written, std::size_t k, const Answer& answer) {
    std::fill(answer.ids + written, answer.ids + k, number_of(kNoId));
    std::fill(answer.distances + written, answer.distances + k, kFarthest);
}

std::size_t write_answer(std::span<const Hit> hits, std::size_t k, const Answer& answer) {
    for (std::size_t i = 0; i < hits.size(); ++i) {
        answer.ids[i] = number_of(hits[i].id);
        answer.distances[i] = hits[i].distance;
    }
    pad(hits.size(), k, answer);
    return hits.size();
}

std::size_t Search::answer(const std::byte* query, const Asked& asked, const Answer& answer) {
    if (asked.per_group != 0) return answer_grouped(query, asked, answer);
    const Probe probe = space_.probe_given(query, scratch_.probe);
    if (asked.admitted != nullptr) return answer_admitted(query, probe, asked, answer);
    // A beam as wide as half of the graph would meet all of it.
    if (view_.count <= 2 * asked.width) return scan_for(query, asked, answer);

    walk(probe, asked);
    const std::size_t written = write_found(asked.k, answer);
    const std::size_t wanted = std::min<std::size_t>(asked.k, view_.count - view_.removed);
    if (written < wanted) return scan_for(query, asked, answer);
    pad(written, asked.k, answer);
    return written;
}

void Search::walk(const Probe& probe, const Asked& asked) {
    // A query that has no code (fractions where the vectors are whole numbers) walks on the stored vectors.
    const auto code = view_.code.on() ? view_.code.probe(probe, scratch_.code) : std::nullopt;
    coded = code.has_value();
    const Ground ground = coded ? Ground::coded(view_) : stored_;
    Walk walk(view_, ground, coded ? *code : probe, scratch_.walk);
    const Key start = walk.descend(1);
    if (view_.removed == 0)
        walk.spread(start, 0, asked.width);
    else
        walk.spread_through(start, asked.width, Gate(view_));
    tally += walk.tally;
    found_ = walk.beam().keys();
    if (coded && !view_.code.lossless()) rerank(probe, count_to_rerank(*code, asked.k), asked.k);
}

// Those that may be among the k nearest by the stored vectors, as far as their codes tell.
std::size_t Search::count_to_rerank(const Probe& code, std::size_t k) const {
    if (found_.size() <= k) return found_.size();
    const Key last = found_[k - 1];
    // Under ip the codes cannot tell: with k = 10, re-ranking 16 of a beam and all of it had the same recall on text.
    if (space_.metric() == Metric::ip) return std::min(found_.size(), std::max<std::size_t>(2 * k, 16));
    const Distance blur = view_.code.blur(code, view_.code_factors_of(Slot{last.slot()}), last.distance());
    std::size_t count = k;
    while (count < found_.size() && found_[count].distance() <= last.distance() + blur) ++count;
    return count;
}

// The nearest `count` by their codes meet the stored vectors. A run of equal distances that k cuts through must be met
// whole, or which of them are reported would depend on where they are stored: so more are met while the last is as far
// as the k-th.
void Search::rerank(const Probe& probe, std::size_t count, std::size_t k) {
    std::vector<Key>& candidates = scratch_.candidates;
    candidates.clear();
    for (;; count *= 2) {
        const auto fresh = found_.first(std::min(count, found_.size())).subspan(candidates.size());
        scratch_.joint.resize(fresh.size());
        scratch_.distances.resize(fresh.size());
        for (std::size_t i = 0; i < fresh.size(); ++i) scratch_.joint[i] = fresh[i].slot();
        stored_.measure(probe, scratch_.joint.data(), fresh.size(), scratch_.distances.data());
        for (std::size_t i = 0; i < fresh.size(); ++i) candidates.emplace_back(scratch_.distances[i], fresh[i].slot());
        std::sort(candidates.begin(), candidates.end());
        if (candidates.size() == found_.size() || candidates.size() <= k) break;
        if (candidates[k - 1].distance() != candidates.back().distance()) break;
    }
    found_ = candidates;
    tally.reranked += candidates.size();
}

// The first k of what was found. That is sorted by (distance, slot) and the answer by (distance, id), so each run of
// equal distances is brought into the order of ids, the run that k cuts through included. Slots that came into use
// after this View may have been met through fresh links, before their codes were known to it: they are left out.
std::size_t Search::write_found(std::size_t k, const Answer& answer) {
    std::size_t written = 0;
    std::vector<std::int64_t>& tied = scratch_.tied;
    for (std::size_t begin = 0; begin < found_.size() && written < k;) {
        const Distance distance = found_[begin].distance();
        tied.clear();
        std::size_t end = begin;
        for (; end < found_.size() && found_[end].distance() == distance; ++end)
            if (found_[end].slot() < view_.count) tied.push_back(number_of(view_.id(Slot{found_[end].slot()})));
        if (tied.size() > 1) std::sort(tied.begin(), tied.end());
        for (std::size_t i = 0; i < tied.size() && written < k; ++i) {
            answer.ids[written] = tied[i];
            answer.distances[written++] = distance;
        }
        begin = end;
    }
    return written;
}

// Stands on nothing of the thread's scratch: the checkpoint may run a caller's code, and that may search.
std::size_t Search::scan_for(const std::byte* query, const Asked& asked, const Answer& answer) {
    std::int64_t count = 0;
    const ExactQuery alone{query, answer, &count};
    ScanRows rows = rows_of(view_);
    rows.admitted = asked.admitted;
    answer_exactly(rows, space_, {&alone, 1}, asked.k, asked.checkpoint);
    scanned += asked.admitted == nullptr ? view_.count : asked.admitted->count();
    strategy = asked.admitted != nullptr ? Strategy::scan : tally.hops == 0 ? Strategy::exact : Strategy::graph;
    return static_cast<std::size_t>(count);
}

}  // namespace vicinal

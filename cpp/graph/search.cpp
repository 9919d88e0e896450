#include "graph/search.hpp"

#include <algorithm>
#include <optional>

#include "graph/copies.hpp"
#include "graph/exact.hpp"
#include "graph/scan.hpp"

namespace vicinal {
namespace {

// By coarse codes the k-th nearest may come out some places further down, and must not fall off a narrow beam. With
// k = 10 and a beam of 10 this many places give MNIST a recall of 0.957 for 0.919, at 2 % more distances, and MiniLM
// 0.916 for 0.887: what 8-bit codes have.
std::size_t reserve_for(std::size_t k) { return 6 + k / 4; }

void pad(std::size_t written, std::size_t k, const Answer& answer) {
    std::fill(answer.ids + written, answer.ids + k, number_of(kNoId));
    std::fill(answer.distances + written, answer.distances + k, kFarthest);
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

std::size_t Search::answer(const std::byte* query, const Asked& asked, const Answer& answer) {
    const Probe probe = space_.probe_given(query, scratch_.probe);
    effort = asked.width;
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
    const CodeTable &fine = view_.fine, &coarse = view_.coarse;
    // A query that has no code (fractions where the vectors are whole numbers) is compared with the stored vectors.
    std::optional<Probe> by_fine, by_coarse;
    if (fine.on()) by_fine = fine.code.probe(probe, scratch_.code);
    if (coarse.on()) by_coarse = fine.code.lossless() ? coarse.code.probe(probe, scratch_.coarse_code) : by_fine;

    const Probe& walked = by_coarse ? *by_coarse : by_fine ? *by_fine : probe;
    const Ground ground = by_coarse ? Ground::coded(view_, coarse) : by_fine ? Ground::coded(view_, fine) : stored_;
    Walk walk(view_, ground, walked, scratch_.walk);
    const std::size_t reserve = by_coarse ? reserve_for(asked.k) : 0;
    const Key start = walk.descend(1);
    const std::size_t before = walk.tally.hops;
    if (view_.removed == 0)
        asked.rule.on() ? walk.spread(start, asked.width, asked.rule, reserve)
                        : walk.spread(start, 0, asked.width, reserve);
    else
        walk.spread_to_live(start, asked.width, asked.rule);
    effort = asked.rule.on() ? std::min(asked.width, walk.tally.hops - before) : asked.width;
    tally += walk.tally;
    compared_bytes += walk.tally.distances * ground.row_bytes();
    found_ = walk.beam().keys();

    // From coarse to fine to exact, ever fewer.
    if (by_coarse && by_fine)
        tally.distances +=
            rerank(Ground::coded(view_, fine), *by_fine, count_to_rerank(coarse, walked, asked.k), asked.k);
    if (by_fine && !fine.code.lossless())
        tally.reranked += rerank(stored_, probe, count_to_rerank(fine, *by_fine, asked.k), asked.k);
    else if (by_coarse && !by_fine)
        tally.reranked += rerank(stored_, probe, count_to_rerank(coarse, walked, asked.k), asked.k);
}

// Those that may be among the k nearest, as far as the codes they were found by tell.
std::size_t Search::count_to_rerank(const CodeTable& codes, const Probe& code, std::size_t k) const {
    if (found_.size() <= k) return found_.size();
    const Key last = found_[k - 1];
    // Under ip the codes cannot tell: with k = 10, re-ranking 16 of a beam and all of it had the same recall on text.
    if (space_.metric() == Metric::ip)
        return codes.code.traversal() == Traversal::sq4 ? found_.size()
                                                        : std::min(found_.size(), std::max<std::size_t>(2 * k, 16));
    const Distance blur = codes.code.blur(code, codes.factors_of(Slot{last.slot()}), last.distance());
    std::size_t count = k;
    while (count < found_.size() && found_[count].distance() <= last.distance() + blur) ++count;
    return count;
}

// The nearest `count` are measured on a better ground; returns how many were. A run of equal distances that k cuts
// through must be met whole, or which of them are reported would depend on where they are stored: so more are met while
// the last is as far as the k-th.
std::size_t Search::rerank(const Ground& ground, const Probe& probe, std::size_t count, std::size_t k) {
    std::vector<Key>& better = scratch_.better;
    better.clear();
    for (;; count *= 2) {
        const auto fresh = found_.first(std::min(count, found_.size())).subspan(better.size());
        scratch_.joint.resize(fresh.size());
        scratch_.distances.resize(fresh.size());
        for (std::size_t i = 0; i < fresh.size(); ++i) scratch_.joint[i] = fresh[i].slot();
        ground.measure(probe, scratch_.joint.data(), fresh.size(), scratch_.distances.data());
        for (std::size_t i = 0; i < fresh.size(); ++i) better.emplace_back(scratch_.distances[i], fresh[i].slot());
        std::sort(better.begin(), better.end());
        if (better.size() == found_.size() || better.size() <= k) break;
        if (better[k - 1].distance() != better.back().distance()) break;
    }
    compared_bytes += better.size() * ground.row_bytes();
    scratch_.candidates.swap(better);
    found_ = scratch_.candidates;
    return found_.size();
}

// The first k of what was found. That is sorted by (distance, slot) and the answer by (distance, id), so each run of
// equal distances is brought into the order of ids, the run that k cuts through included, each node with its copies.
// Slots that came into use after this View may have been met through fresh links, before their codes were known to it:
// they are left out.
std::size_t Search::write_found(std::size_t k, const Answer& answer) {
    std::size_t written = 0;
    std::vector<std::int64_t>& tied = scratch_.tied;
    for (std::size_t begin = 0; begin < found_.size() && written < k;) {
        const Distance distance = found_[begin].distance();
        tied.clear();
        std::size_t end = begin;
        for (; end < found_.size() && found_[end].distance() == distance; ++end) collect_ids(found_[end].slot());
        const std::size_t wanted = std::min(tied.size(), k - written);
        if (tied.size() > 1)
            std::partial_sort(tied.begin(), tied.begin() + static_cast<std::ptrdiff_t>(wanted), tied.end());
        for (std::size_t i = 0; i < wanted; ++i) {
            answer.ids[written] = tied[i];
            answer.distances[written++] = distance;
        }
        begin = end;
    }
    return written;
}

void Search::collect_ids(std::uint32_t node) {
    const auto collect = [&](std::uint32_t slot) {
        if (slot < view_.count && (view_.removed == 0 || view_.state(Slot{slot}) == State::live))
            scratch_.tied.push_back(number_of(view_.id(Slot{slot})));
    };
    collect(node);
    if (view_.copies != 0) for_each_copy(view_, Slot{node}, collect);
}

// Stands on nothing of the thread's scratch: the checkpoint may run a caller's code, and that may search.
std::size_t Search::scan_for(const std::byte* query, const Asked& asked, const Answer& answer) {
    std::int64_t count = 0;
    const ExactQuery alone{query, answer, &count};
    answer_exactly(rows_of(view_), space_, {&alone, 1}, asked.k, asked.checkpoint);
    scanned += view_.count;
    return static_cast<std::size_t>(count);
}

}  // namespace vicinal

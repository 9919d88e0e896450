#include "graph/search.hpp"

#include <algorithm>
#include <optional>

#include "base/prefetch.hpp"
#include "base/spill.hpp"
#include "graph/exact.hpp"
#include "graph/scan.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kTogether = 4096;  // bytes between two rows that are asked for in one call: a page

}  // namespace

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
    effort = asked.width;
    if (asked.per_group != 0) return answer_grouped(query, asked, answer);
    const Probe probe = space_.probe_given(query, scratch_.probe);
    if (asked.admitted != nullptr) return answer_admitted(query, probe, asked, answer);
    // A beam as wide as half of the graph would meet all of it.
    if (view_.count <= 2 * asked.width) return scan_for(query, asked, answer);

    const std::size_t wanted = std::min<std::size_t>(asked.k, view_.size());
    for (const Way way : {Way::straight, Way::apart}) {
        walk(probe, asked, way);
        const std::size_t written = write_found(Gate(view_), Kind::nodes, asked.k, answer);
        if (written < wanted) continue;
        pad(written, asked.k, answer);
        return written;
    }
    return scan_for(query, asked, answer);
}

// A query that has no code (fractions where the vectors are whole numbers) is compared with the stored vectors.
Search::Probes Search::prepare(const Probe& stored) {
    Probes probes{stored, std::nullopt, std::nullopt};
    const WalkCode &fine = view_.fine.code, &coarse = view_.coarse.code;
    if (fine.on()) probes.fine = fine.probe(stored, scratch_.code);
    if (coarse.on())
        probes.coarse = fine.lossless() || coarse.tiered() ? coarse.probe(stored, scratch_.coarse_code) : probes.fine;
    return probes;
}

Ground Search::ground_of(const Probes& probes) const {
    if (probes.coarse) return Ground::coded(view_, view_.coarse);
    return probes.fine ? Ground::coded(view_, view_.fine) : stored_;
}

// By coarse codes the k-th nearest may come out some places further down, and must not fall off a narrow beam. With
// k = 10 and a beam of 10 this many places give MNIST a recall of 0.957 for 0.919, at 2 % more distances, and MiniLM
// 0.916 for 0.887: what 8-bit codes have. In a tier the caller says how many meet the rows, and so how wide a beam is.
std::size_t Search::reserve_of(const Probes& probes, std::size_t k) const {
    return probes.coarse && !view_.coarse.code.tiered() ? 6 + k / 4 : 0;
}

void Search::refine(const Probes& probes, const Asked& asked) {
    const CodeTable &fine = view_.fine, &coarse = view_.coarse;
    const std::size_t k = asked.k;
    // Most of those will be reported, and their ids are on their way meanwhile.
    for (const Key key : found_.first(std::min(k, found_.size()))) prefetch(view_.ids.row(key.slot()));
    if (coarse.code.tiered() || fine.code.tiered()) return refine_tier(probes, asked);
    if (probes.coarse) {
        const std::size_t n = count_to_rerank(coarse, *probes.coarse, k);
        if (probes.fine)
            tally.distances += rerank(Ground::coded(view_, fine), *probes.fine, n, k);
        else
            tally.reranked += rerank(stored_, probes.stored, n, k);
    }
    if (probes.fine && !fine.code.lossless())
        tally.reranked += rerank(stored_, probes.stored, count_to_rerank(fine, *probes.fine, k), k);
}

// How much codes of few bits blur nobody asks: what is found by them meets the stored vectors, as much as was asked
// for.
void Search::refine_tier(const Probes& probes, const Asked& asked) {
    const std::size_t wanted = asked.rerank == 0 ? found_.size() : std::max(asked.rerank, asked.k);
    tally.reranked += rerank(stored_, probes.stored, std::min(wanted, found_.size()), asked.k);
}

void Search::count(const Walk& walk, const Ground& ground) {
    tally += walk.tally;
    compared_bytes += walk.tally.distances * ground.row_bytes();
}

void Search::walk(const Probe& probe, const Asked& asked, Way way) {
    const Probes probes = prepare(probe);
    const Ground ground = ground_of(probes);
    Walk walk(view_, ground, probes.walked(), scratch_.walk);
    const std::size_t reserve = reserve_of(probes, asked.k);
    const Key start = walk.descend(1);
    const std::size_t before = walk.tally.hops;
    if (way == Way::apart || !spread_straight(walk, start, asked, reserve)) {
        walk.spread_through(start, 0, asked.width, Gate(view_), asked.rule, reserve);
        found_ = walk.beam().keys();
    }
    effort = asked.rule.on() ? std::min(asked.width, walk.tally.hops - before) : asked.width;
    count(walk, ground);
    refine(probes, asked);
}

// A beam with some places more for removed nodes, which then are dropped, is quicker than keeping them apart all the
// way, as long as they are few. False when they were more than there were places for, and might have cost recall.
// No more places than there are such nodes: nothing leads to vacant slots, and one that is removed may stay for a live
// copy as long as that lives. With ef = 64 five places are 7 % more distances.
bool Search::spread_straight(Walk& walk, Key start, const Asked& asked, std::size_t reserve) {
    const std::size_t spare = std::min<std::size_t>(view_.removed(), 1 + asked.width / 16);
    if (16 * std::size_t{view_.removed()} > view_.size()) return false;
    if (asked.rule.on())
        walk.spread(start, asked.width + spare, asked.rule, reserve);
    else
        walk.spread(start, 0, asked.width + spare, reserve);
    found_ = walk.beam().keys();
    if (view_.gone.empty()) return true;
    const std::size_t met = found_.size();
    found_ = admitted_of(walk.beam(), Gate(view_));
    return met - found_.size() <= spare;
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

// Rows that lie in a file are read in the order in which they lie there, and all of them are asked for before the first
// is waited for: a disk that answers a hundred questions at once is no slower than with one.
void Search::ask_for_rows(std::vector<std::uint32_t>& slots) const {
    std::sort(slots.begin(), slots.end());
    const std::size_t bytes = space_.row_bytes();
    for (std::size_t i = 0; i < slots.size();) {
        const std::byte* const first = view_.rows.row(slots[i]);
        const std::byte* end = first + bytes;
        for (++i; i < slots.size() && view_.rows.row(slots[i]) < end + kTogether; ++i)
            end = view_.rows.row(slots[i]) + bytes;
        read_ahead(first, static_cast<std::size_t>(end - first));
    }
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
        if (view_.rows.in_file()) ask_for_rows(scratch_.joint);
        ground.measure(probe, scratch_.joint.data(), fresh.size(), scratch_.distances.data());
        for (std::size_t i = 0; i < fresh.size(); ++i) better.emplace_back(scratch_.distances[i], scratch_.joint[i]);
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
// no gate lets them through.
std::size_t Search::write_found(const Gate& gate, Kind kind, std::size_t k, const Answer& answer) {
    std::size_t written = 0;
    std::vector<std::int64_t>& tied = scratch_.tied;
    const auto collect = [&](std::uint32_t slot) { tied.push_back(number_of(view_.id(Slot{slot}))); };
    for (std::size_t begin = 0; begin < found_.size() && written < k;) {
        const Distance distance = found_[begin].distance();
        tied.clear();
        std::size_t end = begin;
        for (; end < found_.size() && found_[end].distance() == distance; ++end) {
            if (kind == Kind::nodes)
                for_each_hit(found_[end].slot(), gate, collect);
            else if (gate.admits_slot(found_[end].slot()))
                collect(found_[end].slot());
        }
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

#include "hash/lsh_query.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/prefetch.hpp"
#include "hash/compare.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kBlock = 32;     // buckets whose memory is on its way at once
constexpr std::size_t kFetched = 512;  // bytes of each; the processor sees by itself that it goes on

bool nearer(const LshScratch::Hit& one, const LshScratch::Hit& other) {
    return std::tie(one.distance, one.id) < std::tie(other.distance, other.id);
}

// A number no slot has been stamped with.
std::uint32_t next_stamp(LshScratch& scratch, std::size_t slots) {
    if (scratch.stamps.size() < slots) scratch.stamps.resize(slots, 0);
    if (++scratch.stamp == 0) {
        std::fill(scratch.stamps.begin(), scratch.stamps.end(), 0);
        scratch.stamp = 1;
    }
    return scratch.stamp;
}

}  // namespace

LshScratch& lsh_scratch_of_this_thread() {
    static thread_local LshScratch scratch;
    return scratch;
}

void hash_queries(const Family& family, const Items& queries, std::size_t first, std::size_t n, bool probes,
                  LshScratch& scratch) {
    if (const std::size_t room = kHashedAtOnce * family.hashes(); scratch.values.size() < room) {
        scratch.values.resize(room);
        scratch.slack.resize(room);
    }
    family.hash_several(queries, first, n, scratch.values.data(), probes ? scratch.slack.data() : nullptr,
                        scratch.family);
}

// Buckets are taken a block at a time, and each block in three steps, so that memory is on its way before it is read:
// their cells, their slots, their items. While one block is at a step, the next is at the step before. False when there
// are as many candidates as were asked for.
bool LshQuery::look_into(std::span<const Probing::Bucket> buckets, std::size_t most) {
    const std::size_t parts = view_.parts.size(), blocks = (buckets.size() + kBlock - 1) / kBlock;
    scratch_.slots.resize(2 * kBlock * parts);
    const auto block_at = [&](std::size_t block) {
        return buckets.subspan(block * kBlock, std::min(kBlock, buckets.size() - block * kBlock));
    };
    const auto slots_of = [&](std::size_t block) { return scratch_.slots.data() + block % 2 * kBlock * parts; };
    const auto fetch_cells = [&](std::size_t block) {
        for (const Probing::Bucket& bucket : block_at(block))
            for (const auto& part : view_.parts) part->bands()[bucket.band].fetch(bucket.key);
    };
    const auto find_slots = [&](std::size_t block) {
        auto* out = slots_of(block);
        for (const Probing::Bucket& bucket : block_at(block))
            for (const auto& part : view_.parts) {
                *out = part->bands()[bucket.band].find(bucket.key);
                prefetch_bytes(out->data(), std::min(out->size_bytes(), kFetched));
                ++out;
            }
    };
    const auto take_items = [&](std::size_t block) {
        const auto* slots = slots_of(block);
        for (std::size_t at = 0; at < block_at(block).size(); ++at, slots += parts) {
            ++work.buckets;
            if (!take({slots, parts}, most)) return false;
        }
        return checkpoint_.go_on();
    };
    for (std::size_t step = 0; step < blocks + 2; ++step) {
        if (step < blocks) fetch_cells(step);
        if (step >= 1 && step - 1 < blocks) find_slots(step - 1);
        if (step >= 2 && !take_items(step - 2)) return false;
    }
    return true;
}

// The items of one bucket. False when there are as many candidates as were asked for.
bool LshQuery::take(std::span<const std::span<const std::uint32_t>> bucket, std::size_t most) {
    std::size_t size = 0;
    for (const auto& slots : bucket) size += slots.size();
    std::uint32_t* const stamps = scratch_.stamps.data();
    std::uint32_t* const met = scratch_.met.data();
    const std::uint32_t stamp = scratch_.stamp;
    std::size_t n = met_;
    if (view_.gone.empty() && (settings_.cap == 0 || size <= settings_.cap) && n + size < most) {
        for (const auto& slots : bucket)
            for (const std::uint32_t slot : slots) {
                met[n] = slot;
                n += stamps[slot] != stamp ? 1u : 0u;  // no branch: whether it was met before is hard to foretell
                stamps[slot] = stamp;
            }
        met_ = n;
        return true;
    }
    std::size_t left = settings_.cap == 0 ? size : settings_.cap;
    for (const auto& slots : bucket)
        for (const std::uint32_t slot : slots) {
            if (view_.gone.contains(slot)) continue;
            if (left-- == 0) return true;
            if (stamps[slot] == stamp) continue;
            stamps[slot] = stamp;
            met[met_++] = slot;
            if (met_ == most) return false;
        }
    return true;
}

void LshQuery::collect(const Items& queries, std::size_t i, const LshAsked& asked) {
    met_ = 0;
    // Room for one more than there are, which take() may write over. It never shrinks: to grow again is to be zeroed.
    const std::size_t room = std::size_t{view_.count} + 1;
    if (scratch_.met.size() < room) scratch_.met.resize(room);
    if (!view_.parts.empty() && !queries.is_empty(i)) probe(asked);
    work.candidates = static_cast<std::int64_t>(met_);
}

void LshQuery::probe(const LshAsked& asked) {
    next_stamp(scratch_, view_.count);
    const Bands& bands = settings_.bands;
    const std::size_t most = asked.most == 0 ? std::numeric_limits<std::size_t>::max() : asked.most;
    scratch_.own.clear();
    for (std::size_t band = 0; band < bands.bands; ++band)
        scratch_.own.push_back({0, static_cast<std::uint32_t>(band), key_of(values_ + band * bands.rows, bands.rows)});
    if (!look_into(scratch_.own, most) || asked.probes == 1) return;
    const auto sequence = asked.most == 0 ? Probing::Sequence::any : Probing::Sequence::likeliest_first;
    look_into(scratch_.probing.likeliest(settings_.family.name, bands, values_, slack_,
                                         (asked.probes - 1) * bands.bands, sequence),
              most);
}

// Whoever is as near as the last of those asked for comes along, so that nothing depends on the order in which
// candidates were met.
std::span<const std::uint32_t> LshQuery::nearest_by_sketch(std::size_t rerank) {
    const std::span<const std::uint32_t> candidates = this->candidates();
    if (rerank == 0 || candidates.size() <= rerank) return candidates;
    const std::size_t bytes = sketch_bytes(settings_);
    scratch_.sketch.resize(bytes);
    sketch_of({values_, sketch_bits(settings_)}, scratch_.sketch.data());
    scratch_.scores.resize(candidates.size());
    const kernels::Rows rows{view_.sketches.data(), view_.sketches.stride(), bytes * 8, nullptr};
    kernels::active().hamming_b1(scratch_.sketch.data(), rows, candidates.data(), candidates.size(),
                                 scratch_.scores.data());
    work.estimates = static_cast<std::int64_t>(candidates.size());

    scratch_.histogram.assign(bytes * 8 + 1, 0);
    for (const float score : scratch_.scores) ++scratch_.histogram[static_cast<std::size_t>(score)];
    std::size_t within = 0, radius = 0;
    while ((within += scratch_.histogram[radius]) < rerank) ++radius;
    scratch_.nearest.clear();
    for (std::size_t at = 0; at < candidates.size(); ++at)
        if (scratch_.scores[at] <= static_cast<float>(radius)) scratch_.nearest.push_back(candidates[at]);
    return scratch_.nearest;
}

void LshQuery::measure(const Items& queries, std::size_t i, std::span<const std::uint32_t> slots) {
    std::vector<float>& distances = scratch_.scores;
    distances.resize(slots.size());
    if (holds_rows(settings_)) {
        const Probe probe = space_.probe_given(queries.rows + i * queries.stride, scratch_.prepared);
        const kernels::Rows rows{view_.rows.data(), view_.rows.stride(), space_.dim(), view_.factors.as<float>()};
        space_.search_ruler().measure(probe, rows, slots.data(), slots.size(), distances.data());
        return;
    }
    for (std::size_t at = 0; at < slots.size(); ++at) {
        double near = 0;
        if (holds_signatures(settings_)) {
            const auto* signature = reinterpret_cast<const std::uint32_t*>(view_.signatures.row(slots[at]));
            std::size_t equal = 0;
            for (std::size_t h = 0; h < hashes_; ++h) equal += values_[h] == signature[h] ? 1u : 0u;
            near = static_cast<double>(equal) / static_cast<double>(hashes_);
        } else {
            const std::uint32_t slot = slots[at];
            const auto begin = static_cast<std::int64_t>(view_.begin_of(slot));
            const std::int64_t ends[2] = {begin, static_cast<std::int64_t>(view_.end_of(slot))};
            const TokenSets sets{ends, view_.tokens.as<Token>(), view_.weights.as<float>()};
            near = settings_.family.weighted ? weighted_jaccard(queries.sets, i, sets, 0)
                                             : jaccard(queries.sets, i, sets, 0);
        }
        distances[at] = static_cast<float>(1 - near);
    }
}

std::size_t LshQuery::answer(const Items& queries, std::size_t i, const LshAsked& asked, std::int64_t* ids,
                             float* distances) {
    const std::span<const std::uint32_t> slots = nearest_by_sketch(asked.rerank);
    measure(queries, i, slots);
    work.distances = static_cast<std::int64_t>(slots.size());
    std::vector<LshScratch::Hit>& hits = scratch_.hits;
    hits.clear();
    for (std::size_t at = 0; at < slots.size(); ++at)
        hits.push_back({comparable(scratch_.scores[at]), view_.id(slots[at])});
    const std::size_t found = std::min(asked.k, hits.size());
    std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(found), hits.end(), nearer);
    for (std::size_t at = 0; at < asked.k; ++at) {
        ids[at] = at < found ? hits[at].id : number_of(kNoId);
        distances[at] = at < found ? hits[at].distance : kFarthest;
    }
    return found;
}

}  // namespace vicinal

#include "hash/lsh_query.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "hash/compare.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kAhead = 16;  // buckets whose directory is on its way while another is read

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

// False when there are as many candidates as were asked for.
bool LshQuery::look_into(const Probing::Bucket& bucket, std::size_t most) {
    ++work.buckets;
    std::size_t left = settings_.cap == 0 ? std::numeric_limits<std::size_t>::max() : settings_.cap;
    const bool all_live = view_.gone.empty();
    for (const auto& part : view_.parts) {
        for (const std::uint32_t slot : part->bands()[bucket.band].find(bucket.key)) {
            if (!all_live && view_.gone.contains(slot)) continue;
            if (left-- == 0) return true;
            if (scratch_.stamps[slot] == scratch_.stamp) continue;
            scratch_.stamps[slot] = scratch_.stamp;
            scratch_.candidates.push_back(slot);
            if (scratch_.candidates.size() == most) return false;
        }
    }
    return true;
}

void LshQuery::collect(const Items& queries, std::size_t i, const LshAsked& asked) {
    scratch_.candidates.clear();
    if (view_.parts.empty() || queries.is_empty(i)) return;
    next_stamp(scratch_, view_.count);
    const bool probes = asked.probes > 1;
    scratch_.values.resize(family_.hashes());
    scratch_.slack.resize(family_.hashes());
    family_.hash(queries, i, scratch_.values.data(), probes ? scratch_.slack.data() : nullptr, scratch_.family);

    const Bands& bands = settings_.bands;
    std::vector<Probing::Bucket>& buckets = scratch_.buckets;
    buckets.clear();
    for (std::size_t band = 0; band < bands.bands; ++band)
        buckets.push_back({band, key_of(scratch_.values.data() + band * bands.rows, bands.rows, band)});
    if (probes) scratch_.probing.start(family_.settings().name, bands, scratch_.values.data(), scratch_.slack.data());
    std::size_t listed = asked.probes - 1 > std::numeric_limits<std::size_t>::max() / bands.bands
                             ? std::numeric_limits<std::size_t>::max()
                             : (asked.probes - 1) * bands.bands;
    // Listed a few ahead of what is read.
    for (std::size_t at = 0; at < buckets.size(); ++at) {
        while (buckets.size() < at + kAhead && listed != 0) {
            Probing::Bucket bucket{};
            --listed;
            if (!scratch_.probing.next(bucket)) {
                listed = 0;
                break;
            }
            buckets.push_back(bucket);
            for (const auto& part : view_.parts) part->bands()[bucket.band].fetch(bucket.key);
        }
        if (!look_into(buckets[at], asked.most)) break;
    }
    work.candidates = static_cast<std::int64_t>(scratch_.candidates.size());
}

// Whoever is as near as the last of those asked for comes along, so that nothing depends on the order in which
// candidates were met.
std::span<const std::uint32_t> LshQuery::nearest_by_sketch(std::size_t rerank) {
    const std::span<const std::uint32_t> candidates(scratch_.candidates);
    if (rerank == 0 || candidates.size() <= rerank) return candidates;
    const std::size_t bytes = sketch_bytes(settings_);
    scratch_.sketch.resize(bytes);
    sketch_of(scratch_.values, scratch_.sketch.data());
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
            for (std::size_t h = 0; h < family_.hashes(); ++h) equal += scratch_.values[h] == signature[h] ? 1u : 0u;
            near = static_cast<double>(equal) / static_cast<double>(family_.hashes());
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

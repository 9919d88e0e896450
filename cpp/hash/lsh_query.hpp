// A query of an LshIndex: buckets, candidates, those of them that have a near sketch, their distances.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/watch.hpp"
#include "hash/lsh_tables.hpp"
#include "hash/probing.hpp"

namespace vicinal {

struct LshAsked {
    std::size_t k = 10;
    std::size_t probes = 1;  // buckets for each band, on average; above 1: requires can_probe()
    std::size_t most = 0;    // candidates at most; 0: any number
    std::size_t rerank = 0;  // that many candidates, those with the nearest sketches, meet the distance; 0: all
};

struct LshWork {
    std::int64_t buckets = 0;     // looked into, whether or not there was anything
    std::int64_t candidates = 0;  // distinct live items met there
    std::int64_t estimates = 0;   // sketches compared
    std::int64_t distances = 0;   // vectors, sets or signatures compared
};

// What one query works with. It belongs to a thread and is used again by its next query, of whatever index, so that a
// query allocates nothing in the steady state.
struct LshScratch {
    std::vector<std::uint32_t> values;  // of the queries hashed last, one after the other
    std::vector<float> slack, prepared, scores;
    Family::Scratch family;
    Probing probing;
    std::vector<Probing::Bucket> own;                   // each band's own bucket
    std::vector<std::span<const std::uint32_t>> slots;  // of the buckets of two blocks, part by part
    std::vector<std::uint32_t> met;                     // slots; as many as were met, and then what was there before
    std::vector<std::uint32_t> nearest;                 // of these by sketch
    std::vector<std::uint32_t> stamps;                  // by slot: the last query that has met it
    std::uint32_t stamp = 0;
    std::vector<std::byte> sketch;
    std::vector<std::uint32_t> histogram;
    struct Hit {
        float distance;
        std::int64_t id;
    };
    std::vector<Hit> hits;
};

// Queries that are hashed together: the random numbers of a family are more than a cache holds.
constexpr std::size_t kHashedAtOnce = 8;

// Hashes n queries into the scratch. Requires: 1 <= n <= kHashedAtOnce; the items have been checked.
void hash_queries(const Family& family, const Items& queries, std::size_t first, std::size_t n, bool probes,
                  LshScratch& scratch);

class LshQuery {
public:
    // A query that is `place` after the first of those that were hashed last.
    LshQuery(const LshView& view, const LshSettings& settings, const Family& family, const Space& space,
             LshScratch& scratch, std::size_t place, const Checkpoint& checkpoint)
        : view_(view),
          settings_(settings),
          space_(space),
          scratch_(scratch),
          hashes_(family.hashes()),
          values_(scratch.values.data() + place * hashes_),
          slack_(scratch.slack.data() + place * hashes_),
          checkpoint_(checkpoint) {}

    // Where the checkpoint says stop, what is found is of no use.
    void collect(const Items& queries, std::size_t i, const LshAsked& asked);

    // What was met: slots, each once, in the order in which they were met, until the scratch is used again.
    std::span<const std::uint32_t> candidates() const { return std::span(scratch_.met).first(met_); }

    // The k nearest of them, by (distance, id), padded with id -1 and distance +inf; returns how many there are.
    // Requires: collect() of the same query.
    std::size_t answer(const Items& queries, std::size_t i, const LshAsked& asked, std::int64_t* ids, float* distances);

    LshWork work;

private:
    void probe(const LshAsked& asked);
    bool look_into(std::span<const Probing::Bucket> buckets, std::size_t most);
    bool take(std::span<const std::span<const std::uint32_t>> bucket, std::size_t most);
    std::span<const std::uint32_t> nearest_by_sketch(std::size_t rerank);
    void measure(const Items& queries, std::size_t i, std::span<const std::uint32_t> slots);

    const LshView& view_;
    const LshSettings& settings_;
    const Space& space_;
    LshScratch& scratch_;
    const std::size_t hashes_;
    const std::uint32_t* const values_;
    const float* const slack_;
    const Checkpoint checkpoint_;
    std::size_t met_ = 0;  // candidates
};

LshScratch& lsh_scratch_of_this_thread();

}  // namespace vicinal

// Small indexes of every kind, and ways to look at one from outside.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "index/index.hpp"

namespace vicinal::testing {

using Bytes = std::vector<std::byte>;

// `n` vectors as callers hand them in; of small whole numbers where they are integers, so that ties occur.
inline Bytes random_vectors(const Options& options, std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    if (!is_floating(options.dtype)) {
        Bytes bytes(n * given_bytes(options.dtype, options.dim));
        for (std::byte& byte : bytes)
            byte = static_cast<std::byte>(options.dtype == Dtype::b1 ? random() : 1 + random() % 9);
        return bytes;
    }
    std::normal_distribution<float> normal;
    std::vector<float> floats(n * options.dim);
    // A walk on u8 takes whole numbers only.
    const bool whole = options.traversal == Traversal::u8;
    for (float& value : floats) value = whole ? static_cast<float>(random() % 256) : normal(random);
    Bytes bytes(floats.size() * sizeof(float));
    if (!bytes.empty()) std::memcpy(bytes.data(), floats.data(), bytes.size());
    return bytes;
}

inline void add(Index& index, std::size_t n, unsigned seed) {
    Watch watch;
    const Bytes vectors = random_vectors(index.options(), n, seed);
    index.add(vectors.data(), n, {}, 1, watch);
}

// n vectors, of which every `removed_step`th is removed again (0: none): the first is not, unless all are.
inline std::unique_ptr<Index> make_index(const Options& options, std::size_t n, std::size_t removed_step = 0,
                                         unsigned seed = 7) {
    auto index = std::make_unique<Index>(options);
    add(*index, n, seed);
    std::vector<std::int64_t> gone;
    for (std::size_t id = removed_step - 1; removed_step != 0 && id < n; id += removed_step)
        gone.push_back(static_cast<std::int64_t>(id));
    index->remove(gone);
    return index;
}

// Every metric with every dtype it goes with and every traversal that serves them.
inline std::vector<Options> all_kinds(std::size_t M = 4) {
    std::vector<Options> kinds;
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine, Metric::hamming, Metric::jaccard})
        for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8, Dtype::b1})
            if (go_together(metric, dtype)) {
                Options options;
                options.dim = dtype == Dtype::b1 ? 40 : 19;
                options.metric = metric;
                options.dtype = dtype;
                options.M = M;
                options.ef_construction = 20;
                options.seed = 5;
                for (const Traversal traversal : {Traversal::automatic, Traversal::u8, Traversal::sq8, Traversal::sq4,
                                                  Traversal::code2, Traversal::code8}) {
                    options.traversal = traversal;
                    options.vectors = traversal == Traversal::code2 ? Tier::disk : Tier::memory;
                    const Space space(metric, dtype, options.dim);
                    if (traversal == Traversal::automatic || WalkCode::serves(space, traversal))
                        kinds.push_back(options);
                }
            }
    return kinds;
}

inline std::string kind_of(const Options& options) {
    return std::string(name_of(options.metric)) + " " + std::string(name_of(options.dtype)) + " " +
           std::string(name_of(options.traversal));
}

inline std::unique_ptr<Index> from_bytes(std::span<const std::byte> bytes) {
    Watch watch;
    return Index::from_bytes(bytes, watch);
}

struct Answers {
    std::vector<std::int64_t> ids;
    std::vector<float> distances;
    std::vector<std::int64_t> counts;
    friend bool operator==(const Answers&, const Answers&) = default;
};

// A narrow beam, so that a small index is walked and not scanned.
inline Answers search(const Index& index, std::size_t n, unsigned seed, SearchOptions options = {.k = 3, .ef = 4}) {
    const Bytes queries = random_vectors(index.options(), n, seed);
    Answers answers{std::vector<std::int64_t>(n * options.k), std::vector<float>(n * options.k),
                    std::vector<std::int64_t>(n)};
    Watch watch;
    index.search(queries.data(), n, options, {answers.ids, answers.distances, answers.counts, {}}, watch);
    return answers;
}

}  // namespace vicinal::testing

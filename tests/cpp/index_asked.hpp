// An index as a test holds it: vectors in, answers out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "index/index.hpp"
#include "vectors_drawn.hpp"

namespace vicinal::trial {

struct Found {
    std::size_t k = 0;
    std::vector<std::int64_t> ids;
    std::vector<float> distances;
    std::vector<std::int64_t> counts;
    std::vector<Work> work;

    // Of one query: (distance, id), nearest first, without padding.
    std::vector<std::pair<float, std::int64_t>> of(std::size_t query) const {
        std::vector<std::pair<float, std::int64_t>> found;
        for (std::size_t i = query * k; i < query * k + static_cast<std::size_t>(counts[query]); ++i)
            found.emplace_back(distances[i], ids[i]);
        return found;
    }
    friend bool operator==(const Found& a, const Found& b) {
        return std::tie(a.ids, a.distances, a.counts) == std::tie(b.ids, b.distances, b.counts);
    }
};

// first, first + step, first + 2 step ...
inline std::vector<std::int64_t> counting(std::int64_t first, std::size_t n, std::int64_t step = 1) {
    std::vector<std::int64_t> ids(n);
    for (std::size_t i = 0; i < n; ++i) ids[i] = first + step * static_cast<std::int64_t>(i);
    return ids;
}

inline Options options_with(std::size_t dim, Metric metric = Metric::l2, Dtype dtype = Dtype::f32) {
    Options options;
    options.dim = dim;
    options.metric = metric;
    options.dtype = dtype;
    options.M = 8;
    options.ef_construction = 50;
    return options;
}

template <class T>
std::size_t rows_in(const Options& options, const std::vector<T>& vectors) {
    return vectors.size() * sizeof(T) / given_bytes(options.dtype, options.dim);
}

template <class T>
Added add(Index& index, const std::vector<T>& vectors, const std::vector<std::int64_t>& ids = {},
          std::size_t threads = 1) {
    Watch nobody;
    return index.add(bytes_of(vectors), rows_in(index.options(), vectors), ids, threads, nobody);
}

template <class T>
std::unique_ptr<Index> index_of_vectors(const Options& options, const std::vector<T>& vectors,
                                        const std::vector<std::int64_t>& ids = {}) {
    auto index = std::make_unique<Index>(options);
    add(*index, vectors, ids);
    return index;
}

template <class T>
Found ask(const Index& index, const std::vector<T>& queries, const SearchOptions& options = {}) {
    const std::size_t n = rows_in(index.options(), queries);
    Found found{options.k, std::vector<std::int64_t>(n * options.k, 77), std::vector<float>(n * options.k, 77),
                std::vector<std::int64_t>(n, 77), std::vector<Work>(n)};
    Watch nobody;
    index.search(bytes_of(queries), n, options, {found.ids, found.distances, found.counts, found.work}, nobody);
    return found;
}

template <class T>
std::vector<T> get(const Index& index, const std::vector<std::int64_t>& ids) {
    std::vector<T> vectors(ids.size() * given_bytes(index.options().dtype, index.options().dim) / sizeof(T));
    index.get(ids, reinterpret_cast<std::byte*>(vectors.data()));
    return vectors;
}

// All that a caller can see: the file holds every table.
inline std::vector<std::byte> digest(const Index& index) { return index.to_bytes(); }

}  // namespace vicinal::trial

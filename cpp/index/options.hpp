// The settings of an index, and what each may be.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/types.hpp"
#include "graph/graph.hpp"

namespace vicinal {

using Lift = GraphOptions::Lift;  // for ip: build the graph on lifted vectors

struct Options {
    std::size_t dim = 0;
    Metric metric = Metric::l2;
    Dtype dtype = Dtype::f32;
    std::size_t M = 16;                          // links a node keeps above level 0; level 0 holds 2M
    std::size_t ef_construction = 200;           // width of the beam that finds a new node's neighbors
    Traversal traversal = Traversal::automatic;  // what a search walks on, the codes of a tier included
    Lift lift = Lift::automatic;
    std::uint64_t seed = 0;
    Tier vectors = Tier::memory;  // on disk only beside codes of a tier
};

constexpr std::size_t kMaxDim = 65'536;
constexpr std::size_t kMinM = 2;  // with 1, levels never end
constexpr std::size_t kMaxM = 4'096;
constexpr std::size_t kMaxEf = 1'000'000;
constexpr std::size_t kMaxThreads = 1'024;
constexpr std::size_t kMinAllowedK = 10'000;  // k may reach max(size, this)

// Throws InvalidArgumentError naming the setting, its value and its range.
void check(const Options& options);

}  // namespace vicinal

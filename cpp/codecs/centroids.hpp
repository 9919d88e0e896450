// Vectors in pieces, each named by the nearest of 256 or fewer centroids (product quantization: Jégou, Douze, Schmid,
// TPAMI 2011).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/team.hpp"

namespace vicinal {

// `places` books of `count` centroids, each of `width` floats.
struct Centroids {
    const float* values;
    std::size_t places, count, width;
};

// codes[i * places + p] is the centroid of book p nearest to piece p of row i (the first of equals), and lost[i] the
// sum of the squared distances, where `lost` is given. Rows have places * width floats. Requires: count <= 256. The
// same bits on any number of threads and every machine. False when the watch said stop.
bool nearest_centroids(const Centroids& books, const float* rows, std::size_t n, std::uint8_t* codes, float* lost,
                       const Crew& crew);

}  // namespace vicinal

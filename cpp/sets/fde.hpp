// Fixed-dimensional encodings: one vector for a set of vectors, whose inner products go as MaxSim does (Dhulipala et
// al., MUVERA, NeurIPS 2024, arXiv 2405.19504).
//
// In each of so many repetitions the space is parted into 2^bits cells, by hyperplanes or by which of so many centers
// is nearest, and a sketch takes vectors to few dimensions. A query's block of a cell is the sum of its vectors there,
// a document's the mean of its. Blocks stand one after the other: repetitions * 2^bits * sketched floats.
#pragma once

#include <cstdint>
#include <span>

#include "base/team.hpp"
#include "sets/sets.hpp"

namespace vicinal {

struct FdeSettings {
    std::size_t repetitions, bits, sketched;
    std::span<const float> planes;         // repetitions * bits rows of `dim`; or centers, repetitions * 2^bits rows
    std::span<const float> origin;         // of the planes, `dim` floats; of centers half of each one's square
    std::span<const std::uint8_t> places;  // repetitions rows of `dim`: where in the sketch an element is added
    std::span<const float> signs;          // and with which sign

    std::size_t cells() const { return std::size_t{1} << bits; }
    bool by_centers(std::size_t dim) const { return planes.size() == repetitions * cells() * dim; }
    std::size_t length() const { return repetitions * cells() * sketched; }
};

enum class FdeSide : std::uint8_t {
    query,            // sums
    document,         // means
    filled_document,  // means; a cell with nothing in it takes the vector whose cell differs in the fewest bits, or
                      // whose product with its center is largest
};

// `encodings` has settings.length() floats for each set, and is written whole. The same on any number of threads.
// Throws InvalidArgumentError where settings do not fit together. False when the watch said stop.
bool encode_sets(const VectorSets& sets, const FdeSettings& settings, FdeSide side, float* encodings, const Crew& crew);

}  // namespace vicinal

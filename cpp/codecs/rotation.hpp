// Turns vectors so that what they hold is spread evenly over all dimensions.
#pragma once

#include <cstddef>
#include <vector>

namespace vicinal {

// The same orthogonal map for all vectors of a dimension: lengths, distances and inner products stay as they were, to
// rounding. Few bits a dimension need it: rounded as they are, the vectors of SIFT, which are long in some directions
// and zero in half of their elements, lose nine of ten neighbors at 2 bits; turned, none of a hundred.
//
// Signs are drawn, and the first 2^m elements, as many as there are, go through a Walsh-Hadamard transform; then other
// signs, and the last 2^m; and all of it twice. Elements the two have in common mix what the others hold. That costs
// dim * log2(dim) additions, no table, and nothing to store. (Ailon & Chazelle 2006 name the transform with drawn
// signs; two overlapping ones in place of padding are how the RaBitQ library turns vectors of any dimension.)
class Rotation {
public:
    explicit Rotation(std::size_t dim);

    // In place, `dim` values. The same bits on every machine: additions in a fixed order, no fused products.
    void turn(float* values) const;
    void turn_back(float* values) const;

private:
    static constexpr std::size_t kRounds = 2;

    std::size_t dim_, block_;
    std::vector<float> signs_;  // of each half of a round, with the scale of its transform in those it reaches
};

}  // namespace vicinal

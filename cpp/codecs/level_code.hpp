// Vectors in 1, 2, 4 or 8 bits an element, and beside each row what distances need of it.
//
// An element y of a row becomes the number c of one of 2^bits levels, which lie evenly, half of them below zero:
// scale * (2c - t) with t = 2^bits - 1. With r = bits - 1 this is what recurrent binarization comes to that refines a
// sign by r halved signs of what is left (BEBR, Gan et al., KDD 2023, arXiv 2302.08714), with nothing learned.
//
// So the product of two rows is that of their scales times a whole number,
//     4 * sum c_x c_y - 2t * (sum c_x + sum c_y) + dim * t^2,
// of which the kernels find the first sum (kernels.hpp, PackedDots) and the others stand in the rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vicinal {

enum class CodeScale {
    // What is decoded is as long as the vector was.
    length,
    // <decoded, q> is <x, q> on average, for a q near x (RaBitQ: Gao & Long 2024, arXiv 2405.12497).
    unbiased
};

class LevelCode {
public:
    // Stands behind the code of each row, little-endian.
    struct Factors {
        float scale;
        float squared_norm;  // of the vector that was encoded
        std::uint32_t sum;   // of the numbers of its levels
    };

    // Requires: bits is 1, 2, 4 or 8; dim is 1 to 65 536.
    LevelCode(std::size_t dim, unsigned bits, CodeScale scale);

    std::size_t dim() const { return dim_; }
    unsigned bits() const { return bits_; }
    std::uint32_t most() const { return (1U << bits_) - 1; }  // t
    std::size_t code_bytes() const { return (dim_ * bits_ + 7) / 8; }
    std::size_t row_bytes() const { return code_bytes() + sizeof(Factors); }

    void encode(const float* values, std::uint8_t* row) const;
    void decode(const std::uint8_t* row, float* values) const;
    Factors factors_of(const std::uint8_t* row) const;

private:
    std::uint32_t level(const std::uint8_t* row, std::size_t i) const;

    std::size_t dim_;
    unsigned bits_;
    CodeScale scale_;
};

}  // namespace vicinal

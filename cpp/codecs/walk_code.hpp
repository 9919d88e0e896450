// What a walk compares in place of the stored vectors: a byte a dimension, half of one, or a quarter.
//
// A walk is bound by the lines it fetches, and a quarter of the bytes is a quarter of the lines. Whatever the codes
// say chooses what is looked at; what is reported is measured on the stored vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "codecs/rotation.hpp"
#include "codecs/space.hpp"

namespace vicinal {

enum class Traversal : std::uint8_t {
    automatic = 0,  // whichever of the others suits the vectors
    exact = 1,      // the stored vectors
    u8 = 2,         // whole numbers from 0 to 255, a byte each: nothing is lost
    sq8 = 3,        // rounded to 255 steps of the row's own size
    sq4 = 4,        // rounded to 15 steps; what they find is compared by u8 or sq8 next
    // The codes of a tier: all that is in memory of a vector whose row may lie on a disk. They stand alone, and all
    // that a walk finds by them meets the rows.
    code2 = 5,  // rounded to -3, -1, 1 and 3, after a rotation
    code4 = 6,  // as sq4, after a rotation
    code8 = 7   // as sq8
};

constexpr bool is_tier(Traversal traversal) { return traversal >= Traversal::code2; }

std::string_view name_of(Traversal traversal);
std::optional<Traversal> traversal_named(std::string_view name);  // not those of a tier:
std::optional<Traversal> codes_named(std::string_view name);      // "2bit", "4bit" and "8bit"

// Beside a row of rounded codes: distance = add + add of the probe + mul * mul of the probe * (integer dot product).
struct CodeFactors {
    float add, mul;
};

class WalkCode {
public:
    // `traversal` is settled: exact, u8 (l2 and ip only), or one that rounds. Vectors that are stored as integers or
    // bits are walked as they are: exact.
    WalkCode(const Space& space, Traversal traversal);

    Metric metric() const { return space_.metric(); }
    Traversal traversal() const { return traversal_; }
    bool on() const { return traversal_ != Traversal::exact; }
    bool lossless() const { return traversal_ == Traversal::u8; }
    bool tiered() const { return is_tier(traversal_); }
    std::size_t stride() const { return stride_; }  // bytes from one code to the next; 0 when off
    std::size_t length() const { return length_; }  // elements of a code, as kernels count them
    std::size_t factor_bytes() const { return rounds() ? sizeof(CodeFactors) : 0; }

    // Vectors stored as floats can be walked as rounded codes, and as u8 unless cosine makes fractions of whole
    // numbers. The stored vectors themselves serve always.
    static bool serves(const Space& space, Traversal traversal);

    // Whole numbers from 0 to 255 throughout.
    static bool integral(const float* values, std::size_t n);

    // `values` is the vector as a probe holds it: as it was given, or of length one under cosine.
    // Requires, for u8: integral.
    void encode(const float* values, std::byte* code, CodeFactors* factors) const;

    // Nothing when the vector has no such code: then it walks on the stored vectors. Whatever rows are rounded to, the
    // vector is rounded to 8 bits, and those for sq8 and sq4 are the same: what the rows lose is enough.
    std::optional<Probe> probe(const Probe& prepared, std::vector<std::byte>& scratch) const;

    // A row's own code as a probe. Requires: a byte a dimension.
    Probe probe_code(const std::byte* code, CodeFactors factors) const;

    Ruler ruler() const;

    // When two rows are this far from a probe by their codes, or farther, which of them is nearer by the vectors may
    // come out the other way round if the codes differ by no more than this (four standard deviations). Not for ip,
    // where codes do not tell how long the vectors are.
    float blur(const Probe& probe, CodeFactors row, float distance) const;

    // How much the distances between codes stray, as a share of a distance `distance` between two such vectors.
    float noise(const float* values, float distance) const;

private:
    bool rounds() const { return traversal_ >= Traversal::sq8; }
    std::size_t bits() const;  // a dimension
    const float* turned(const float* values) const;
    CodeFactors factors_of(float squared_norm, float step) const;
    CodeFactors round(const float* values, std::int8_t* steps) const;
    double lost(const float* values) const;

    Space space_;
    Traversal traversal_;
    std::size_t length_, stride_;
    std::shared_ptr<const Rotation> rotation_;  // none: codes are of vectors as they are
};

}  // namespace vicinal

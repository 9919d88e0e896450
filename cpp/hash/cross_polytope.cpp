// Cross-polytope LSH: which of the 2d unit vectors +e, -e is nearest to the vector after a random rotation (Andoni,
// Indyk, Laarhoven, Razenshteyn, Schmidt 2015). The rotation is three rounds of random signs and a Hadamard transform,
// d ln d steps in place of d^2, on the vector padded with zeros to a power of two. No normalization: the largest
// coordinate is the same at any scale.
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/random.hpp"
#include "hash/family.hpp"

namespace vicinal::families {
namespace {

void hadamard(float* values, std::size_t n) {
    for (std::size_t half = 1; half < n; half *= 2)
        for (std::size_t block = 0; block < n; block += 2 * half)
            for (std::size_t at = block; at < block + half; ++at) {
                const float one = values[at], other = values[at + half];
                values[at] = one + other;
                values[at + half] = one - other;
            }
}

class CrossPolytope final : public Family {
public:
    static constexpr int kRounds = 3;

    explicit CrossPolytope(const FamilySettings& settings)
        : Family(settings), padded_(std::bit_ceil(settings.dim)), signs_(settings.hashes * kRounds * padded_) {
        for (std::size_t at = 0; at < signs_.size(); ++at)
            signs_[at] = (draw(settings.seed, at / 64) >> (at % 64) & 1) != 0 ? 1.0F : -1.0F;
    }

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* /*slack*/,
              Scratch& scratch) const override {
        const float* vector = items.vector(i);
        std::vector<float>& turned = scratch.floats;
        for (std::size_t h = 0; h < hashes(); ++h) {
            turned.assign(padded_, 0);
            std::copy(vector, vector + settings().dim, turned.begin());
            for (std::size_t round = 0; round < kRounds; ++round) {
                const float* signs = signs_.data() + (h * kRounds + round) * padded_;
                for (std::size_t d = 0; d < padded_; ++d) turned[d] *= signs[d];
                hadamard(turned.data(), padded_);
                // Sums grow by the root of the length: brought back, so that no vector overflows.
                const float shrink = 1 / std::sqrt(static_cast<float>(padded_));
                for (std::size_t d = 0; d < padded_; ++d) turned[d] *= shrink;
            }
            values[h] = nearest_vertex(turned);
        }
    }

private:
    static std::uint32_t nearest_vertex(const std::vector<float>& turned) {
        std::size_t best = 0;
        for (std::size_t d = 1; d < turned.size(); ++d)
            if (std::fabs(turned[d]) > std::fabs(turned[best])) best = d;
        return static_cast<std::uint32_t>(2 * best + (turned[best] < 0 ? 1 : 0));
    }

    std::size_t padded_;
    std::vector<float> signs_;
};

}  // namespace

std::unique_ptr<Family> cross_polytope(const FamilySettings& settings) {
    return std::make_unique<CrossPolytope>(settings);
}

}  // namespace vicinal::families

// SimHash: on which side of a random plane through the center a vector lies (Charikar 2002).
#include <cmath>
#include <cstdint>

#include "hash/family.hpp"
#include "hash/projections.hpp"

namespace vicinal::families {
namespace {

class SimHash final : public Family {
public:
    explicit SimHash(const FamilySettings& settings)
        : Family(settings), planes_(settings.hashes, settings.dim, settings.seed), offsets_(settings.hashes, 0) {
        if (!settings.center.empty()) planes_.project(settings.center.data(), offsets_.data());
    }

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* slack, Scratch& scratch) const override {
        std::vector<float>& projected = scratch.floats;
        projected.resize(hashes());
        planes_.project(items.vector(i), projected.data());
        for (std::size_t h = 0; h < hashes(); ++h) {
            const float side = projected[h] - offsets_[h];
            values[h] = side >= 0 ? 1 : 0;
            if (slack != nullptr) slack[h] = std::fabs(side);
        }
    }

private:
    Projections planes_;
    std::vector<float> offsets_;  // of the planes, which go through the center
};

}  // namespace

std::unique_ptr<Family> simhash(const FamilySettings& settings) { return std::make_unique<SimHash>(settings); }

}  // namespace vicinal::families

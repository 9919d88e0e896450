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
        : Family(settings), planes_(settings), offsets_(settings.hashes, 0) {
        std::vector<float> along;
        if (!settings.center.empty()) planes_.project(settings.center.data(), settings.dim, 1, offsets_.data(), along);
    }

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* slack, Scratch& scratch) const override {
        hash_several(items, i, 1, values, slack, scratch);
    }

    void hash_several(const Items& items, std::size_t first, std::size_t n, std::uint32_t* values, float* slack,
                      Scratch& scratch) const override {
        std::vector<float>& projected = scratch.floats;
        projected.resize(n * hashes());
        planes_.project(items.vector(first), items.stride / sizeof(float), n, projected.data(), scratch.along);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t h = 0; h < hashes(); ++h) {
                const std::size_t at = i * hashes() + h;
                const float side = projected[at] - offsets_[h];
                values[at] = side >= 0 ? 1 : 0;
                if (slack != nullptr) slack[at] = std::fabs(side);
            }
    }

private:
    Projections planes_;
    std::vector<float> offsets_;  // of the planes, which go through the center
};

}  // namespace

std::unique_ptr<Family> simhash(const FamilySettings& settings) { return std::make_unique<SimHash>(settings); }

}  // namespace vicinal::families

// E2LSH: in which interval of a random line a vector falls, floor((a.x + b) / w) (Datar, Immorlica, Indyk, Mirrokni
// 2004).
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/random.hpp"
#include "hash/family.hpp"
#include "hash/projections.hpp"

namespace vicinal::families {
namespace {

class PStable final : public Family {
public:
    explicit PStable(const FamilySettings& settings)
        : Family(settings), lines_(settings.hashes, settings.dim, settings.seed), starts_(settings.hashes) {
        for (std::size_t h = 0; h < starts_.size(); ++h) starts_[h] = unit_draw(mix(~settings.seed), h);
    }

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* slack, Scratch& scratch) const override {
        std::vector<float>& projected = scratch.floats;
        projected.resize(hashes());
        lines_.project(items.vector(i), projected.data());
        for (std::size_t h = 0; h < hashes(); ++h) {
            // Beyond 2^31 intervals from zero a width is no width: what lies there shares the last one.
            const double place = std::clamp(projected[h] / settings().width + starts_[h], -0x1p31, 0x1p31 - 1);
            const double interval = std::floor(place);
            values[h] = static_cast<std::uint32_t>(static_cast<std::int32_t>(interval));
            if (slack != nullptr) slack[h] = static_cast<float>(place - interval);
        }
    }

private:
    Projections lines_;
    std::vector<double> starts_;  // b / w
};

}  // namespace

std::unique_ptr<Family> pstable(const FamilySettings& settings) { return std::make_unique<PStable>(settings); }

}  // namespace vicinal::families

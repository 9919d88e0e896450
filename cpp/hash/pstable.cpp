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
    explicit PStable(const FamilySettings& settings) : Family(settings), lines_(settings), starts_(settings.hashes) {
        for (std::size_t h = 0; h < starts_.size(); ++h) starts_[h] = unit_draw(mix(~settings.seed), h);
    }

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* slack, Scratch& scratch) const override {
        hash_several(items, i, 1, values, slack, scratch);
    }

    void hash_several(const Items& items, std::size_t first, std::size_t n, std::uint32_t* values, float* slack,
                      Scratch& scratch) const override {
        std::vector<float>& projected = scratch.floats;
        projected.resize(n * hashes());
        lines_.project(items.vector(first), items.stride / sizeof(float), n, projected.data(), scratch.along);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t h = 0; h < hashes(); ++h) {
                const std::size_t at = i * hashes() + h;
                // Beyond 2^31 intervals from zero a width is no width: what lies there shares the last one.
                const double place = std::clamp(projected[at] / settings().width + starts_[h], -0x1p31, 0x1p31 - 1);
                const double interval = std::floor(place);
                values[at] = static_cast<std::uint32_t>(static_cast<std::int32_t>(interval));
                if (slack != nullptr) slack[at] = static_cast<float>(place - interval);
            }
    }

private:
    Projections lines_;
    std::vector<double> starts_;  // b / w
};

}  // namespace

std::unique_ptr<Family> pstable(const FamilySettings& settings) { return std::make_unique<PStable>(settings); }

}  // namespace vicinal::families

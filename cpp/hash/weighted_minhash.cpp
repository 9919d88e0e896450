// MinHash of sets whose tokens have weights: consistent weighted sampling (Ioffe 2010). Each function takes a token
// with a probability in proportion to its weight, and the same one from another set as often as the two sets share
// weight: P = sum of min(weight) / sum of max(weight). All in logarithms, so that nothing overflows.
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/random.hpp"
#include "hash/family.hpp"
#include "hash/gauss.hpp"

namespace vicinal::families {
namespace {

class ConsistentSampling final : public Family {
public:
    using Family::Family;

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* /*slack*/,
              Scratch& scratch) const override {
        const auto tokens = items.sets.set(i);
        const auto weights = items.sets.weight(i);
        scratch.doubles.assign(hashes(), std::numeric_limits<double>::infinity());
        std::fill(values, values + hashes(), 0u);
        for (std::size_t t = 0; t < tokens.size(); ++t) {
            const double log_weight = natural_log(weights[t]);
            const std::uint64_t own = draw(settings().seed, tokens[t]);
            for (std::size_t h = 0; h < hashes(); ++h) {
                const std::uint64_t place = draw(own, h);
                // r and c of the gamma distribution with shape 2; ln c - r (floor - beta) - r decides.
                const double r = -natural_log(unit_draw(place, 0) * unit_draw(place, 1));
                const double log_c = natural_log(-natural_log(unit_draw(place, 2) * unit_draw(place, 3)));
                const double beta = unit_draw(place, 4);
                const double step = std::floor(log_weight / r + beta);
                const double rank = log_c - r * (step - beta) - r;
                if (rank >= scratch.doubles[h]) continue;
                scratch.doubles[h] = rank;
                const auto steps = static_cast<std::uint64_t>(static_cast<std::int64_t>(step));
                values[h] = static_cast<std::uint32_t>(draw(tokens[t], steps) >> 32);
            }
        }
    }
};

}  // namespace

std::unique_ptr<Family> weighted_minhash(const FamilySettings& settings) {
    return std::make_unique<ConsistentSampling>(settings);
}

}  // namespace vicinal::families

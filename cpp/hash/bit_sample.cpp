// Bit sampling: one bit of the vector, drawn with replacement (Indyk, Motwani 1998).
#include <cstdint>

#include "base/random.hpp"
#include "hash/family.hpp"

namespace vicinal::families {
namespace {

class BitSample final : public Family {
public:
    explicit BitSample(const FamilySettings& settings) : Family(settings), places_(settings.hashes) {
        for (std::size_t h = 0; h < places_.size(); ++h) {
            const std::uint64_t high = draw(settings.seed, h) >> 32;
            places_[h] = static_cast<std::uint32_t>(high * settings.dim >> 32);
        }
    }

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* /*slack*/,
              Scratch& /*scratch*/) const override {
        const std::uint8_t* bits = items.bits(i);
        // As numpy.packbits packs them: the first of eight is the highest.
        for (std::size_t h = 0; h < hashes(); ++h)
            values[h] = std::uint32_t{bits[places_[h] / 8]} >> (7 - places_[h] % 8) & 1u;
    }

private:
    std::vector<std::uint32_t> places_;
};

}  // namespace

std::unique_ptr<Family> bit_sample(const FamilySettings& settings) { return std::make_unique<BitSample>(settings); }

}  // namespace vicinal::families

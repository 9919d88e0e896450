#include "hash/family.hpp"

#include <cmath>
#include <string>

#include "base/errors.hpp"

namespace vicinal {
namespace {

void check_range(const char* name, std::size_t found, std::size_t least, std::size_t most) {
    if (found >= least && found <= most) return;
    throw InvalidArgumentError(std::string(name) + " is " + std::to_string(found) + ", expected a whole number from " +
                               std::to_string(least) + " to " + std::to_string(most));
}

}  // namespace

void check(const FamilySettings& settings) {
    check_range("hashes", settings.hashes, 1, kMaxHashes);
    if (settings.name != FamilyName::minhash) check_range("dim", settings.dim, 1, kMaxHashedDim);
    if (settings.name == FamilyName::bit_sample && settings.dim % 8 != 0)
        throw InvalidArgumentError("dim is " + std::to_string(settings.dim) + ", expected a multiple of 8: bits");
    if (settings.name == FamilyName::pstable && !(std::isfinite(settings.width) && settings.width > 0))
        throw InvalidArgumentError("width is " + std::to_string(settings.width) + ", expected a number above 0");
    if (!settings.center.empty() && settings.center.size() != settings.dim)
        throw InvalidArgumentError("center has " + std::to_string(settings.center.size()) + " elements, expected " +
                                   std::to_string(settings.dim));
    if (settings.axes.empty()) return;
    if (settings.name != FamilyName::simhash && settings.name != FamilyName::pstable)
        throw InvalidArgumentError("axes are given, expected none: only simhash and pstable draw functions along them");
    if (settings.axes.size() % settings.dim != 0 || settings.axes.size() / settings.dim > settings.dim)
        throw InvalidArgumentError("axes have " + std::to_string(settings.axes.size()) +
                                   " elements, expected 1 to dim times dim, " + std::to_string(settings.dim));
}

ItemKind Family::takes() const {
    switch (settings_.name) {
        case FamilyName::minhash: return settings_.weighted ? ItemKind::weighted_sets : ItemKind::sets;
        case FamilyName::bit_sample: return ItemKind::bits;
        default: return ItemKind::vectors;
    }
}

void Family::hash_several(const Items& items, std::size_t first, std::size_t n, std::uint32_t* values, float* slack,
                          Scratch& scratch) const {
    for (std::size_t i = 0; i < n; ++i)
        hash(items, first + i, values + i * hashes(), slack == nullptr ? nullptr : slack + i * hashes(), scratch);
}

std::unique_ptr<Family> make_family(const FamilySettings& settings) {
    switch (settings.name) {
        case FamilyName::simhash: return families::simhash(settings);
        case FamilyName::pstable: return families::pstable(settings);
        case FamilyName::cross_polytope: return families::cross_polytope(settings);
        case FamilyName::bit_sample: return families::bit_sample(settings);
        default: return settings.weighted ? families::weighted_minhash(settings) : families::minhash(settings);
    }
}

}  // namespace vicinal

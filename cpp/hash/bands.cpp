#include "hash/bands.hpp"

#include <string>

#include "base/checked.hpp"
#include "base/errors.hpp"

namespace vicinal {

void check(const Bands& bands, std::size_t hashes) {
    if (bands.bands == 0 || bands.rows == 0)
        throw InvalidArgumentError("bands is " + std::to_string(bands.bands) + " and rows is " +
                                   std::to_string(bands.rows) + ", expected whole numbers from 1 on");
    if (checked_multiply(bands.bands, bands.rows) > hashes)
        throw InvalidArgumentError("bands * rows is " + std::to_string(bands.bands) + " * " +
                                   std::to_string(bands.rows) + " = " + std::to_string(bands.values()) +
                                   ", expected at most the " + std::to_string(hashes) + " hashes of the family");
}

void keys_of(const Family& family, const Bands& bands, const Items& items, std::size_t i, BandKey* keys,
             std::vector<std::uint32_t>& values, Family::Scratch& scratch) {
    values.resize(family.hashes());
    family.hash(items, i, values.data(), nullptr, scratch);
    for (std::size_t band = 0; band < bands.bands; ++band)
        keys[band] = key_of(values.data() + band * bands.rows, bands.rows);
}

}  // namespace vicinal

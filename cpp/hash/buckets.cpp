#include "hash/buckets.hpp"

#include <algorithm>
#include <bit>

#include "base/errors.hpp"
#include "base/prefetch.hpp"

namespace vicinal {
namespace {

std::uint32_t upper(std::uint64_t entry) { return static_cast<std::uint32_t>(entry >> 32); }
std::uint32_t lower(std::uint64_t entry) { return static_cast<std::uint32_t>(entry); }

// A directory of 2^bits cells, and one more that ends the last.
int bits_of(const std::vector<std::uint32_t>& directory) {
    return static_cast<int>(std::bit_width(directory.size() - 1)) - 1;
}

std::uint32_t cell_of(BandKey key, int bits) { return static_cast<std::uint32_t>(std::uint64_t{key} >> (32 - bits)); }

}  // namespace

Buckets::Band Buckets::band_of(const std::vector<Entry>& sorted) {
    Band band;
    std::size_t distinct = 0;
    for (std::size_t at = 0; at < sorted.size(); ++at)
        distinct += at == 0 || upper(sorted[at]) != upper(sorted[at - 1]) ? 1u : 0u;
    band.keys.reserve(distinct);
    band.starts.reserve(distinct + 1);
    band.slots.reserve(sorted.size());
    const auto bits = static_cast<int>(std::bit_width(distinct));
    band.directory.assign((std::size_t{1} << bits) + 1, 0);
    for (const Entry entry : sorted) {
        if (band.keys.empty() || band.keys.back() != upper(entry)) {
            band.keys.push_back(upper(entry));
            band.starts.push_back(static_cast<std::uint32_t>(band.slots.size()));
            ++band.directory[cell_of(upper(entry), bits) + 1];
        }
        band.slots.push_back(lower(entry));
    }
    band.starts.push_back(static_cast<std::uint32_t>(band.slots.size()));
    for (std::size_t cell = 1; cell < band.directory.size(); ++cell) band.directory[cell] += band.directory[cell - 1];
    return band;
}

std::span<const std::uint32_t> Buckets::Band::find(BandKey key) const {
    const std::uint32_t cell = cell_of(key, bits_of(directory));
    for (std::uint32_t at = directory[cell]; at < directory[cell + 1]; ++at)
        if (keys[at] == key) return bucket(at);
    return {};
}

void Buckets::Band::fetch(BandKey key) const { prefetch(&directory[cell_of(key, bits_of(directory))]); }

std::shared_ptr<const Buckets> Buckets::made(std::size_t bands, std::span<const std::uint32_t> slots,
                                             const BandKey* keys, const Crew& crew) {
    auto buckets = std::make_shared<Buckets>();
    buckets->bands_.resize(bands);
    const bool whole = crew.aside(bands, 1, [&](std::size_t, std::size_t first, std::size_t last) {
        std::vector<Entry> entries(slots.size());
        for (std::size_t band = first; band < last; ++band) {
            for (std::size_t i = 0; i < slots.size(); ++i) entries[i] = Entry{keys[i * bands + band]} << 32 | slots[i];
            std::sort(entries.begin(), entries.end());
            buckets->bands_[band] = band_of(entries);
        }
    });
    if (!whole) throw Stopped();
    return buckets;
}

std::shared_ptr<const Buckets> Buckets::merged(std::span<const std::shared_ptr<const Buckets>> parts,
                                               std::span<const std::uint32_t> renumbered, const Crew& crew) {
    auto buckets = std::make_shared<Buckets>();
    buckets->bands_.resize(parts.front()->bands_.size());
    const bool whole = crew.aside(buckets->bands_.size(), 1, [&](std::size_t, std::size_t first, std::size_t last) {
        std::vector<Entry> entries;
        for (std::size_t which = first; which < last; ++which) {
            entries.clear();
            for (const auto& part : parts) {
                const auto before = static_cast<std::ptrdiff_t>(entries.size());
                const Band& band = part->bands_[which];
                for (std::size_t at = 0; at < band.keys.size(); ++at)
                    for (const std::uint32_t slot : band.bucket(at)) {
                        const std::uint32_t number = renumbered.empty() ? slot : renumbered[slot];
                        if (number != kNobody) entries.push_back(Entry{band.keys[at]} << 32 | number);
                    }
                std::inplace_merge(entries.begin(), entries.begin() + before, entries.end());
            }
            buckets->bands_[which] = band_of(entries);
        }
    });
    if (!whole) throw Stopped();
    return buckets;
}

std::size_t Buckets::bytes() const {
    std::size_t bytes = 0;
    for (const Band& band : bands_)
        bytes += (band.keys.size() + band.starts.size() + band.slots.size() + band.directory.size()) * 4;
    return bytes;
}

}  // namespace vicinal

#include "hash/buckets.hpp"

#include <algorithm>
#include <utility>

#include "base/errors.hpp"

namespace vicinal {
namespace {

std::uint32_t upper(std::uint64_t entry) { return static_cast<std::uint32_t>(entry >> 32); }
std::uint32_t lower(std::uint64_t entry) { return static_cast<std::uint32_t>(entry); }

constexpr BandKey kEmpty = UINT32_MAX;

}  // namespace

Buckets::Draft Buckets::draft_of(const std::vector<Entry>& sorted) {
    Draft band;
    std::size_t distinct = 0;
    for (std::size_t at = 0; at < sorted.size(); ++at)
        distinct += at == 0 || upper(sorted[at]) != upper(sorted[at - 1]) ? 1u : 0u;
    band.homes = distinct + distinct / 2;
    band.cells.reserve(band.homes + 2);
    band.slots.reserve(sorted.size());
    const auto next_start = [&] { return static_cast<std::uint32_t>(band.slots.size()); };
    for (std::size_t at = 0; at < sorted.size(); ++at) {
        const BandKey key = upper(sorted[at]);
        if (at == 0 || key != upper(sorted[at - 1])) {
            while (band.cells.size() < home_of(key, band.homes)) band.cells.push_back({kEmpty, next_start()});
            band.cells.push_back({key, next_start()});
        }
        band.slots.push_back(lower(sorted[at]));
    }
    band.cells.resize(std::max(band.cells.size(), band.homes) + 2, {kEmpty, next_start()});
    return band;
}

std::shared_ptr<const Buckets> Buckets::of(std::vector<Draft> drafts) {
    std::size_t cells = 0, slots = 0;
    for (const Draft& draft : drafts) {
        cells += draft.cells.size();
        slots += draft.slots.size();
    }
    auto buckets = std::make_shared<Buckets>();
    auto cell_block = std::make_unique<Arena>(cells * sizeof(Band::Cell));
    auto slot_block = std::make_unique<Arena>(slots * sizeof(std::uint32_t));
    auto* next_cell = reinterpret_cast<Band::Cell*>(cell_block->data());
    auto* next_slot = reinterpret_cast<std::uint32_t*>(slot_block->data());
    for (Draft& draft : drafts) {
        const Draft band = std::move(draft);  // gives its memory back before the next one takes up more
        buckets->bands_.push_back({{next_cell, band.cells.size()}, {next_slot, band.slots.size()}, band.homes});
        next_cell = std::copy(band.cells.begin(), band.cells.end(), next_cell);
        next_slot = std::copy(band.slots.begin(), band.slots.end(), next_slot);
    }
    buckets->cells_ = std::move(cell_block);
    buckets->slots_ = std::move(slot_block);
    return buckets;
}

std::shared_ptr<const Buckets> Buckets::made(std::size_t bands, std::span<const std::uint32_t> slots,
                                             const BandKey* keys, const Crew& crew) {
    std::vector<Draft> drafts(bands);
    const bool whole = crew.aside(bands, 1, [&](std::size_t, std::size_t first, std::size_t last) {
        std::vector<Entry> entries(slots.size());
        for (std::size_t band = first; band < last; ++band) {
            for (std::size_t i = 0; i < slots.size(); ++i) entries[i] = Entry{keys[i * bands + band]} << 32 | slots[i];
            std::sort(entries.begin(), entries.end());
            drafts[band] = draft_of(entries);
        }
    });
    if (!whole) throw Stopped();
    return of(std::move(drafts));
}

std::shared_ptr<const Buckets> Buckets::merged(std::span<const std::shared_ptr<const Buckets>> parts,
                                               std::span<const std::uint32_t> renumbered, const Crew& crew) {
    std::vector<Draft> drafts(parts.front()->bands_.size());
    const bool whole = crew.aside(drafts.size(), 1, [&](std::size_t, std::size_t first, std::size_t last) {
        std::vector<Entry> entries;
        for (std::size_t which = first; which < last; ++which) {
            entries.clear();
            for (const auto& part : parts) {
                const auto before = static_cast<std::ptrdiff_t>(entries.size());
                const Band& band = part->bands_[which];
                band.visit([&](BandKey key, std::span<const std::uint32_t> held) {
                    for (const std::uint32_t slot : held) {
                        const std::uint32_t number = renumbered.empty() ? slot : renumbered[slot];
                        if (number != kNobody) entries.push_back(Entry{key} << 32 | number);
                    }
                });
                std::inplace_merge(entries.begin(), entries.begin() + before, entries.end());
            }
            drafts[which] = draft_of(entries);
        }
    });
    if (!whole) throw Stopped();
    return of(std::move(drafts));
}

std::size_t Buckets::bytes() const {
    std::size_t bytes = 0;
    for (const Band& band : bands_)
        bytes += band.cells.size() * sizeof(Band::Cell) + band.slots.size() * sizeof(std::uint32_t);
    return bytes;
}

}  // namespace vicinal

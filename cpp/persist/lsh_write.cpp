#include "persist/lsh_write.hpp"

#include <array>
#include <bit>
#include <span>

#include "file/container_write.hpp"
#include "file/little_endian.hpp"
#include "persist/lsh_format.hpp"
#include "persist/write.hpp"

namespace vicinal {
namespace {

using namespace lsh_format;

std::vector<std::byte> encode(const LshSettings& settings, std::int64_t next_id, std::size_t count) {
    std::vector<std::byte> bytes(kSettingsBytes);
    const FamilySettings& family = settings.family;
    store_number(bytes, kFamilyAt, static_cast<std::uint8_t>(family.name));
    store_number(bytes, kWeightedAt, static_cast<std::uint8_t>(family.weighted));
    store_number(bytes, kKeepAt, static_cast<std::uint8_t>(settings.keep));
    store_number(bytes, kCenterAt, static_cast<std::uint8_t>(!family.center.empty()));
    store_number(bytes, kDimAt, static_cast<std::uint32_t>(family.dim));
    store_number(bytes, kHashesAt, static_cast<std::uint32_t>(family.hashes));
    store_number(bytes, kBandsAt, static_cast<std::uint32_t>(settings.bands.bands));
    store_number(bytes, kBandRowsAt, static_cast<std::uint32_t>(settings.bands.rows));
    store_number(bytes, kShingleAt, settings.shingle);
    store_number(bytes, kSeedAt, family.seed);
    store_number(bytes, kWidthAt, std::bit_cast<std::uint64_t>(family.width));
    store_number(bytes, kCapAt, static_cast<std::uint64_t>(settings.cap));
    store_number(bytes, kNextIdAt, static_cast<std::uint64_t>(next_id));
    store_number(bytes, kCountAt, static_cast<std::uint32_t>(count));
    const std::size_t axes = family.axes.empty() ? 0 : family.axes.size() / family.dim;
    store_number(bytes, kAxesAt, static_cast<std::uint32_t>(axes));
    return bytes;
}

// Calls visit(first, count) for each stretch of live slots.
template <class Visit>
void for_each_stretch(const LshView& view, Visit&& visit) {
    std::uint32_t begin = 0;
    const auto before = [&](std::uint32_t slot) {
        if (begin != slot) visit(begin, slot - begin);
        begin = slot + 1;
    };
    view.gone.for_each(before);
    before(view.count);
}

std::vector<Strip> rows_of(const Table& table, const LshView& view) {
    std::vector<Strip> strips;
    for_each_stretch(view, [&](std::uint32_t first, std::uint32_t n) {
        strips.emplace_back(table.row(first), table.stride(), n, table.stride());
    });
    return strips;
}

// Of sets: what belongs to the tokens of live items.
std::vector<Strip> by_token(const Table& table, const LshView& view) {
    std::vector<Strip> strips;
    for_each_stretch(view, [&](std::uint32_t first, std::uint32_t n) {
        const std::uint64_t begin = view.begin_of(first), end = view.end_of(first + n - 1);
        if (begin != end) strips.emplace_back(table.row(begin), table.stride(), end - begin, table.stride());
    });
    return strips;
}

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
    return std::as_bytes(std::span(values));
}

// What is made for the file, and not borrowed from the view.
struct Made {
    Made(const LshView& view, const LshSettings& settings, std::int64_t next_id)
        : bytes(encode(settings, next_id, view.size())), keys(view.size() * settings.bands.bands) {
        std::vector<std::uint32_t> places(view.count, Buckets::kNobody);
        std::uint32_t place = 0;
        std::uint64_t end = 0;
        for (std::uint32_t slot = 0; slot < view.count; ++slot) {
            if (!view.is_live(slot)) continue;
            places[slot] = place++;
            if (holds_sets(settings)) ends.push_back(end += view.set(slot).size());
        }
        for (const auto& part : view.parts)
            for (std::size_t band = 0; band < part->bands().size(); ++band) {
                part->bands()[band].visit([&](BandKey key, std::span<const std::uint32_t> bucket) {
                    for (const std::uint32_t slot : bucket)
                        if (places[slot] != Buckets::kNobody) keys[places[slot] * settings.bands.bands + band] = key;
                });
            }
    }
    std::vector<std::byte> bytes;
    std::vector<BandKey> keys;
    std::vector<std::uint64_t> ends;
};

std::vector<SectionToWrite> sections_of(const LshView& view, const LshSettings& settings, const Made& made) {
    std::vector<SectionToWrite> sections{{kSettings, {Strip(std::span(made.bytes))}}};
    if (!settings.family.center.empty()) sections.push_back({kCenter, {Strip(bytes_of(settings.family.center))}});
    if (!settings.family.axes.empty()) sections.push_back({kAxes, {Strip(bytes_of(settings.family.axes))}});
    sections.push_back({kIds, rows_of(view.ids, view)});
    sections.push_back({kKeys, {Strip(bytes_of(made.keys))}});
    sections.push_back({kSketches, rows_of(view.sketches, view)});
    if (holds_rows(settings)) sections.push_back({kRows, rows_of(view.rows, view)});
    if (holds_sets(settings)) {
        sections.push_back({kEnds, {Strip(bytes_of(made.ends))}});
        sections.push_back({kTokens, by_token(view.tokens, view)});
        if (settings.family.weighted) sections.push_back({kWeights, by_token(view.weights, view)});
    }
    if (holds_signatures(settings)) sections.push_back({kSignatures, rows_of(view.signatures, view)});
    return sections;
}

}  // namespace

std::vector<std::byte> lsh_as_bytes(const LshView& view, const LshSettings& settings, std::int64_t next_id,
                                    Watch& watch) {
    const Made made(view, settings, next_id);
    return sections_as_bytes(sections_of(view, settings, made), kVersion, watch);
}

void write_lsh(Disk& disk, const std::string& path, const LshView& view, const LshSettings& settings,
               std::int64_t next_id, Watch& watch) {
    const Made made(view, settings, next_id);
    write_sections(disk, path, sections_of(view, settings, made), kVersion, watch);
}

}  // namespace vicinal

#include "persist/lsh_read.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/checked.hpp"
#include "base/errors.hpp"
#include "base/team.hpp"
#include "file/container_read.hpp"
#include "file/little_endian.hpp"
#include "persist/effort.hpp"
#include "persist/format.hpp"
#include "persist/lsh_format.hpp"
#include "persist/refuse.hpp"

namespace vicinal {
namespace {

using namespace lsh_format;

// An index with a graph is told from an index that is damaged.
constexpr SectionKind kBoth[] = {kSettings,       kCenter,
                                 kAxes,           kIds,
                                 kKeys,           kSketches,
                                 kRows,           kEnds,
                                 kTokens,         kWeights,
                                 kSignatures,     format::kSettings,
                                 format::kRows,   format::kIds,
                                 format::kLevels, format::kStates,
                                 format::kLinks,  format::kUpperLinks,
                                 format::kGroups};
constexpr ReaderKnowledge kKnown{kVersion, kBoth};

// What the settings' section says, before anything else of the file is believed.
struct Head {
    LshSettings settings;
    std::int64_t next_id = 0;
    std::uint32_t count = 0;
    bool centered = false;
    std::size_t axes = 0;
};

template <class Unsigned>
Unsigned number_in(std::span<const std::byte> bytes, std::size_t at, const char* what, std::uint64_t most,
                   const std::string& name) {
    const auto found = load_number<Unsigned>(bytes, at);
    if (found > most) refuse(name, what, found, "at most " + std::to_string(most));
    return found;
}

Head decode(std::span<const std::byte> bytes, const std::string& name) {
    constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
    Head head;
    LshSettings& settings = head.settings;
    FamilySettings& family = settings.family;
    family.name = FamilyName{number_in<std::uint8_t>(bytes, kFamilyAt, "the family", 4, name)};
    family.weighted = number_in<std::uint8_t>(bytes, kWeightedAt, "whether sets are weighted", 1, name) != 0;
    settings.keep = number_in<std::uint8_t>(bytes, kKeepAt, "whether sets are kept", 1, name) != 0;
    head.centered = number_in<std::uint8_t>(bytes, kCenterAt, "whether there is a center", 1, name) != 0;
    family.dim = number_in<std::uint32_t>(bytes, kDimAt, "dim", kMaxHashedDim, name);
    family.hashes = number_in<std::uint32_t>(bytes, kHashesAt, "hashes", kMaxHashes, name);
    settings.bands.bands = number_in<std::uint32_t>(bytes, kBandsAt, "bands", kMaxHashes, name);
    settings.bands.rows = number_in<std::uint32_t>(bytes, kBandRowsAt, "rows of a band", kMaxHashes, name);
    settings.shingle = number_in<std::uint32_t>(bytes, kShingleAt, "shingle", kMaxShingle, name);
    family.seed = load_number<std::uint64_t>(bytes, kSeedAt);
    family.width = std::bit_cast<double>(load_number<std::uint64_t>(bytes, kWidthAt));
    settings.cap = static_cast<std::size_t>(number_in<std::uint64_t>(bytes, kCapAt, "the cap", kAny >> 1, name));
    head.next_id =
        static_cast<std::int64_t>(number_in<std::uint64_t>(bytes, kNextIdAt, "the next id", kAny >> 1, name));
    head.count = number_in<std::uint32_t>(bytes, kCountAt, "the number of items", kMaxSlots - 1, name);
    head.axes = number_in<std::uint32_t>(bytes, kAxesAt, "the number of axes", family.dim, name);
    for (std::size_t i = 0; i < kZeros; ++i) number_in<std::uint8_t>(bytes, kZerosAt + i, "a reserved byte", 0, name);

    const bool of_sets = family.name == FamilyName::minhash;
    if (of_sets && family.dim != 0) refuse(name, "dim of sets", family.dim, "0");
    if (!of_sets && family.weighted) refuse(name, "weights stand with vectors, expected them with sets only");
    if (family.name != FamilyName::pstable && load_number<std::uint64_t>(bytes, kWidthAt) != 0)
        refuse(name, "a width stands with a family that has none");
    if (head.centered && family.name != FamilyName::simhash)
        refuse(name, "a center stands with a family that has none");
    if (head.axes != 0 && family.name != FamilyName::simhash && family.name != FamilyName::pstable)
        refuse(name, "axes stand with a family that has none");
    try {
        check(settings);
    } catch (const InvalidArgumentError& error) {
        refuse(name, error.what());
    }
    return head;
}

// Reads one section after the other into the tables of a view, and looks at each.
class Reader {
public:
    Reader(const ByteSource& source, Watch& watch)
        : effort_(watch, source.size()),
          source_(source, effort_),
          watch_(watch),
          name_(source.name()),
          container_(Container::parse(source_, kKnown)) {}

    StoredLsh read() {
        const Head head = read_head();
        StoredLsh stored{head.settings, LshView(head.settings), head.next_id};
        const LshSettings& settings = stored.settings;
        LshView& view = stored.view;
        check_sections(head, view);
        FamilySettings& family = stored.settings.family;
        if (head.centered) read_floats(kCenter, "center", family.dim, family.center);
        if (head.axes != 0) read_floats(kAxes, "axes", family.dim * head.axes, family.axes);
        read_table(kIds, view.ids, head.count);
        read_table(kSketches, view.sketches, head.count);
        read_table(kRows, view.rows, head.count);
        read_table(kEnds, view.ends, head.count);
        read_table(kSignatures, view.signatures, head.count);
        view.count = head.count;
        if (holds_sets(settings)) read_tokens(view);
        std::vector<BandKey> keys(checked_multiply(head.count, settings.bands.bands));
        container_.read(kKeys, std::as_writable_bytes(std::span(keys)));
        container_.check_unread();

        check_ids(view, head.next_id);
        check_padding("sketch", view.sketches, sketch_bytes(settings), head.count);
        check_rows(view, settings);
        make_buckets(view, settings, keys);
        effort_.finish();
        return stored;
    }

private:
    Head read_head() {
        if (container_.has(format::kSettings) && !container_.has(kSettings))
            throw NotAnIndexError(name_ + " holds an index with a graph, expected one with buckets");
        for (const Section& section : container_.sections())
            if ((section.kind & kOptionalSection) == 0 && std::ranges::find(kKinds, section.kind) == std::end(kKinds))
                refuse(name_, "it has a section of kind " + std::to_string(section.kind) + ", which belongs elsewhere");
        const std::uint64_t length = container_.section(kSettings).length;
        if (length != kSettingsBytes)
            refuse(name_, "the length of the settings", length, std::to_string(kSettingsBytes));
        std::array<std::byte, kSettingsBytes> bytes{};
        container_.read(kSettings, bytes);
        return decode(bytes, name_);
    }

    void check_length(SectionKind kind, const char* what, std::uint64_t rows, std::uint64_t width, bool expected) {
        if (container_.has(kind) != expected)
            refuse(name_, std::string(what) + (expected ? " are missing" : " stand where the settings know none"));
        if (!expected) return;
        const std::uint64_t bytes = checked_multiply(rows, width);
        if (container_.section(kind).length != bytes)
            refuse(name_, std::string("the length of ") + what, container_.section(kind).length,
                   std::to_string(bytes) + ", " + std::to_string(rows) + " times " + std::to_string(width));
    }

    // All that can be compared before anything is allocated.
    void check_sections(const Head& head, const LshView& view) {
        const LshSettings& settings = head.settings;
        const std::uint64_t n = head.count;
        check_length(kCenter, "the center's numbers", settings.family.dim, sizeof(float), head.centered);
        check_length(kAxes, "the axes' numbers", settings.family.dim * head.axes, sizeof(float), head.axes != 0);
        check_length(kIds, "ids", n, sizeof(std::int64_t), true);
        check_length(kKeys, "keys", n, settings.bands.bands * sizeof(BandKey), true);
        check_length(kSketches, "sketches", n, view.sketches.stride(), true);
        check_length(kRows, "rows", n, view.rows.stride(), holds_rows(settings));
        check_length(kEnds, "ends", n, sizeof(std::uint64_t), holds_sets(settings));
        check_length(kSignatures, "signatures", n, view.signatures.stride(), holds_signatures(settings));
        const bool kept = holds_sets(settings);
        const std::uint64_t tokens = kept && container_.has(kTokens) ? container_.section(kTokens).length / 8 : 0;
        check_length(kTokens, "tokens", tokens, sizeof(Token), kept);
        check_length(kWeights, "weights", tokens, sizeof(float), kept && settings.family.weighted);
    }

    void read_table(SectionKind kind, Table& table, std::size_t rows) {
        if (!container_.has(kind)) return;
        table.reserve(rows, 0, watch_);
        container_.read(kind, std::span(table.data(), rows * table.stride()));
    }

    void read_floats(SectionKind kind, const char* what, std::size_t count, std::vector<float>& numbers) {
        numbers.resize(count);
        container_.read(kind, std::as_writable_bytes(std::span(numbers)));
        for (const float number : numbers)
            if (!std::isfinite(number))
                refuse(name_, "the " + std::string(what) + " hold" + (kind == kCenter ? "s" : "") +
                                  " a number that is not finite");
    }

    void read_tokens(LshView& view) {
        const auto tokens = static_cast<std::size_t>(container_.section(kTokens).length / sizeof(Token));
        std::uint64_t end = 0;
        for (std::uint32_t slot = 0; slot < view.count; ++slot) {
            if (view.end_of(slot) < end || view.end_of(slot) > tokens)
                refuse(name_, "the end of item " + std::to_string(slot), view.end_of(slot),
                       std::to_string(end) + " to " + std::to_string(tokens));
            end = view.end_of(slot);
        }
        if (end != tokens) refuse(name_, "the last end", end, "the number of tokens, " + std::to_string(tokens));
        read_table(kTokens, view.tokens, tokens);
        read_table(kWeights, view.weights, tokens);
        for (std::uint32_t slot = 0; slot < view.count; ++slot) {
            const std::span<const Token> set = view.set(slot);
            if (std::adjacent_find(set.begin(), set.end(), std::greater_equal<>()) != set.end())
                refuse(name_, "the tokens of item " + std::to_string(slot) + " do not ascend");
        }
        for (std::size_t at = 0; view.weights.stride() != 0 && at < tokens; ++at) {
            const float weight = view.weights.as<float>()[at];
            if (!(std::isfinite(weight) && weight > 0)) refuse(name_, "a weight", weight, "a finite number above 0");
        }
    }

    void check_ids(LshView& view, std::int64_t next_id) {
        constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
        view.names.reserve(view.count, view.ids.as<Id>());
        std::vector<std::int64_t> sorted(view.ids.as<std::int64_t>(), view.ids.as<std::int64_t>() + view.count);
        std::sort(sorted.begin(), sorted.end());
        if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) refuse(name_, "an id stands twice");
        if (!sorted.empty() && sorted.front() < 0) refuse(name_, "an id", sorted.front(), "0 or more");
        if (!sorted.empty() && sorted.back() >= next_id && sorted.back() != kLargest)
            refuse(name_, "the next id", next_id, "more than the largest id, " + std::to_string(sorted.back()));
        for (std::uint32_t slot = 0; slot < view.count; ++slot) view.names.insert(Slot{slot}, view.ids.as<Id>());
    }

    void check_padding(const char* what, const Table& table, std::size_t width, std::uint32_t count) {
        for (std::uint32_t slot = 0; slot < count; ++slot) {
            const std::byte* row = table.row(slot);
            if (std::any_of(row + width, row + table.stride(), [](std::byte byte) { return byte != std::byte{0}; }))
                refuse(name_,
                       std::string(what) + " " + std::to_string(slot) + " is followed by bytes that are not zero");
        }
    }

    void check_rows(LshView& view, const LshSettings& settings) {
        if (!holds_rows(settings)) return;
        const Space space = space_of(settings.family);
        check_padding("row", view.rows, space.row_bytes(), view.count);
        if (space.has_factors()) view.factors.reserve(view.count, 0, watch_);
        for (std::uint32_t slot = 0; slot < view.count; ++slot) {
            const std::byte* row = view.rows.row(slot);  // as it was given: of floats and bits, not of half types
            const std::string fault = space.fault(row, Space::Source::file);
            if (!fault.empty()) refuse(name_, "row " + std::to_string(slot) + " " + fault);
            if (space.has_factors()) view.factors.as<float>()[slot] = space.inverse_norm(row);
            effort_.add(view.rows.stride());
        }
    }

    void make_buckets(LshView& view, const LshSettings& settings, std::vector<BandKey>& keys) {
        const std::size_t bands = settings.bands.bands;
        std::vector<std::uint32_t> slots;
        for (std::uint32_t slot = 0; slot < view.count; ++slot) {
            const auto from = keys.begin() + static_cast<std::ptrdiff_t>(slot * bands);
            if (is_empty(view, settings, slot)) {
                if (std::any_of(from, from + static_cast<std::ptrdiff_t>(bands), [](BandKey key) { return key != 0; }))
                    refuse(name_, "item " + std::to_string(slot) + " is empty and has keys");
                continue;
            }
            std::copy_n(from, bands, keys.begin() + static_cast<std::ptrdiff_t>(slots.size() * bands));
            slots.push_back(slot);
        }
        Team alone(1);
        if (!slots.empty()) view.parts.push_back(Buckets::made(bands, slots, keys.data(), {alone, watch_}));
    }

    // Of a set that is not kept nothing says that it was empty, but a signature of zeros, which no other set has but
    // by a chance of 2^-32 for each function.
    static bool is_empty(const LshView& view, const LshSettings& settings, std::uint32_t slot) {
        if (!holds_signatures(settings)) return view.is_empty(slot);
        const std::byte* signature = view.signatures.row(slot);
        return std::all_of(signature, signature + view.signatures.stride(),
                           [](std::byte byte) { return byte == std::byte{0}; });
    }

    Effort effort_;
    WatchedSource source_;
    Watch& watch_;
    const std::string& name_;
    Container container_;
};

}  // namespace

StoredLsh read_lsh(const ByteSource& source, Watch& watch) { return Reader(source, watch).read(); }

}  // namespace vicinal

#include "persist/settings.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "file/little_endian.hpp"
#include "graph/code_choice.hpp"
#include "persist/refuse.hpp"

namespace vicinal {
namespace {

// Reads one number after the other and knows whom to blame.
class Fields {
public:
    Fields(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

    template <class Unsigned>
    Unsigned number(const char* what, std::size_t at, std::uint64_t least, std::uint64_t most) const {
        const auto found = load_number<Unsigned>(bytes_, at);
        if (found < least || found > most)
            refuse(name_, what, found, std::to_string(least) + " to " + std::to_string(most));
        return found;
    }

    double norm(const char* what, std::size_t at) const {
        const auto found = std::bit_cast<double>(load_number<std::uint64_t>(bytes_, at));
        // Written so that NaN fails; -0 would come back as another file than was read.
        if (!(std::isfinite(found) && found >= 0 && !std::signbit(found)))
            refuse(name_, what, found, "a finite number not below 0");
        return found;
    }

private:
    std::span<const std::byte> bytes_;
    const std::string& name_;
};

void check_norms(const Settings& settings, const std::string& name) {
    const Norms& norms = settings.norms;
    if (settings.metric != Metric::ip && (norms.longest != 0 || norms.shortest != 0 || norms.ceiling != 0))
        refuse(name, "norms are stored for metric " + std::string(name_of(settings.metric)) + ", expected for ip only");
    if (norms.shortest > norms.longest)
        refuse(name, "the norm of the shortest vector", norms.shortest,
               "at most that of the longest, " + std::to_string(norms.longest));
    if (!std::isfinite(norms.longest * norms.longest))
        refuse(name, "the norm of the longest vector", norms.longest, "one whose square is finite");
    if (norms.ceiling > norms.longest * norms.longest)
        refuse(name, "the ceiling", norms.ceiling,
               "at most the square of the longest norm, " + std::to_string(norms.longest));
}

void check_traversal(const Settings& settings, const std::string& name) {
    const Space space(settings.metric, settings.dtype, settings.dim);
    for (const Traversal traversal : {settings.graph.traversal, settings.codes.fine, settings.codes.walked()})
        if (traversal != Traversal::automatic && !WalkCode::serves(space, traversal))
            refuse(name, "traversal " + std::string(name_of(traversal)) + " stands with metric " +
                             std::string(name_of(settings.metric)) + " and dtype " +
                             std::string(name_of(settings.dtype)) + ", expected one that serves them");
    const bool tiered = is_tier(settings.graph.traversal);
    if (settings.graph.vectors != Tier::memory && !tiered)
        refuse(name, "vectors are to lie on disk without codes, expected both or none");
    if (settings.codes.coarse != Traversal::exact && settings.codes.fine == Traversal::exact && !tiered)
        refuse(name, "coarse codes stand without finer ones, expected both or none");
    const bool chosen_by_caller = settings.graph.traversal != Traversal::automatic && settings.count != 0;
    const Traversal expected = likely_choice(space, settings.graph.traversal).walked();
    if (chosen_by_caller && settings.codes.walked() != expected)
        refuse(name, "the traversal in use is " + std::string(name_of(settings.codes.walked())) + ", expected " +
                         std::string(name_of(expected)) + ", which was asked for");
}

// They are chosen when the first rows come, and for good.
CodeChoice codes_of_tier(const Settings& settings, const std::string& name) {
    if (settings.codes != CodeChoice{})
        refuse(name, "codes of its own choice stand beside codes " + std::string(name_of(settings.graph.traversal)));
    if (settings.judge_at == 0) return {};
    return likely_choice(Space(settings.metric, settings.dtype, settings.dim), settings.graph.traversal);
}

void check_counts(const Settings& settings, const std::string& name) {
    if (settings.count == 0 && settings.entry != 0) refuse(name, "the entry of an empty index", settings.entry, "0");
    if (settings.count != 0 && settings.entry >= settings.count)
        refuse(name, "the entry", settings.entry, "a slot below " + std::to_string(settings.count));
}

}  // namespace

Settings settings_of(const Graph& graph, std::int64_t next_id) {
    Settings settings;
    settings.metric = graph.space.metric();
    settings.dtype = graph.space.dtype();
    settings.dim = graph.space.dim();
    settings.graph = graph.options;
    settings.count = graph.view.count;
    settings.gone = graph.view.gone.size();
    settings.cursor = graph.sweep.cursor;
    settings.insertions = graph.insertions;
    settings.next_id = next_id;
    settings.entry = index_of(graph.view.entry);
    settings.norms = graph.norms;
    settings.codes = choice_of(graph.view);
    settings.judge_at = graph.judge_at;
    return settings;
}

SettingsBytes encode(const Settings& settings) {
    using namespace format;
    SettingsBytes bytes{};
    store_number(bytes, kDimAt, static_cast<std::uint32_t>(settings.dim));
    store_number(bytes, kMetricAt, static_cast<std::uint8_t>(settings.metric));
    store_number(bytes, kDtypeAt, static_cast<std::uint8_t>(settings.dtype));
    store_number(bytes, kLiftAt, static_cast<std::uint8_t>(settings.graph.lift));
    store_number(bytes, kTraversalAt, static_cast<std::uint8_t>(settings.graph.traversal));
    store_number(bytes, kMAt, static_cast<std::uint32_t>(settings.graph.M));
    store_number(bytes, kEfConstructionAt, static_cast<std::uint32_t>(settings.graph.ef_construction));
    store_number(bytes, kSeedAt, settings.graph.seed);
    store_number(bytes, kCountAt, settings.count);
    store_number(bytes, kGoneAt, settings.gone);
    store_number(bytes, kInsertionsAt, settings.insertions);
    store_number(bytes, kNextIdAt, static_cast<std::uint64_t>(settings.next_id));
    store_number(bytes, kEntryAt, settings.entry);
    store_number(bytes, kJudgeAtAt, settings.judge_at);
    const CodeChoice made = is_tier(settings.graph.traversal) ? CodeChoice{} : settings.codes;
    store_number(bytes, kFineAt, static_cast<std::uint8_t>(made.fine));
    store_number(bytes, kTierAt, static_cast<std::uint8_t>(settings.graph.vectors));
    store_number(bytes, kCursorAt, settings.cursor);
    store_number(bytes, kCoarseAt, static_cast<std::uint8_t>(made.coarse != Traversal::exact));
    store_number(bytes, kShortestAt, std::bit_cast<std::uint64_t>(settings.norms.shortest));
    store_number(bytes, kLongestAt, std::bit_cast<std::uint64_t>(settings.norms.longest));
    store_number(bytes, kCeilingAt, std::bit_cast<std::uint64_t>(settings.norms.ceiling));
    return bytes;
}

Settings decode_settings(std::span<const std::byte> bytes, const std::string& name) {
    using namespace format;
    if (bytes.size() != kSettingsBytes)
        refuse(name, "the length of the settings", bytes.size(), std::to_string(kSettingsBytes));
    constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
    const Fields fields(bytes, name);

    Settings settings;
    settings.dim = fields.number<std::uint32_t>("dim", kDimAt, 1, kMaxDim);
    settings.metric = Metric{fields.number<std::uint8_t>("the metric", kMetricAt, 0, 4)};
    settings.dtype = Dtype{fields.number<std::uint8_t>("the dtype", kDtypeAt, 0, 5)};
    settings.graph.lift = GraphOptions::Lift{fields.number<std::uint8_t>("lift", kLiftAt, 0, 2)};
    settings.graph.traversal = Traversal{fields.number<std::uint8_t>("traversal", kTraversalAt, 0, 7)};
    settings.graph.M = fields.number<std::uint32_t>("M", kMAt, kMinM, kMaxM);
    settings.graph.ef_construction =
        fields.number<std::uint32_t>("ef_construction", kEfConstructionAt, 1, kMaxEfConstruction);
    settings.graph.seed = fields.number<std::uint64_t>("the seed", kSeedAt, 0, kAny);
    settings.count = fields.number<std::uint32_t>("the number of rows", kCountAt, 0, kMaxSlots - 1);
    settings.gone = fields.number<std::uint32_t>("the number of rows that are not live", kGoneAt, 0, settings.count);
    settings.cursor = fields.number<std::uint32_t>("the cursor", kCursorAt, 0, settings.count);
    settings.insertions = fields.number<std::uint64_t>("the number of insertions", kInsertionsAt, 0, kAny);
    settings.next_id = static_cast<std::int64_t>(fields.number<std::uint64_t>(
        "the next id", kNextIdAt, 0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
    settings.entry = fields.number<std::uint32_t>("the entry", kEntryAt, 0, kMaxSlots - 1);
    settings.judge_at = fields.number<std::uint32_t>("the next choice of traversal", kJudgeAtAt, 0, kMaxJudgeAt);
    settings.codes.fine = Traversal{fields.number<std::uint8_t>("the kind of codes", kFineAt, 1, 3)};
    const bool coarse = fields.number<std::uint8_t>("whether there are coarse codes", kCoarseAt, 0, 1) != 0;
    settings.codes.coarse = coarse ? Traversal::sq4 : Traversal::exact;
    settings.graph.vectors = Tier{fields.number<std::uint8_t>("where rows are to lie", kTierAt, 0, 1)};
    if (is_tier(settings.graph.traversal)) settings.codes = codes_of_tier(settings, name);
    for (std::size_t i = 0; i < kZeros; ++i) fields.number<std::uint8_t>("a reserved byte", kZerosAt + i, 0, 0);
    settings.norms.shortest = fields.norm("the norm of the shortest vector", kShortestAt);
    settings.norms.longest = fields.norm("the norm of the longest vector", kLongestAt);
    settings.norms.ceiling = fields.norm("the ceiling", kCeilingAt);

    if (!go_together(settings.metric, settings.dtype))
        refuse(name, "metric " + std::string(name_of(settings.metric)) + " stands with dtype " +
                         std::string(name_of(settings.dtype)) + ", expected one that goes with it");
    if (settings.dtype == Dtype::b1 && settings.dim % 8 != 0)
        refuse(name, "dim", settings.dim, "a multiple of 8 for packed bits");
    check_counts(settings, name);
    check_norms(settings, name);
    check_traversal(settings, name);
    return settings;
}

}  // namespace vicinal

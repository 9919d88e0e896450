#include "persist/read.hpp"

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "file/container_read.hpp"
#include "graph/code_choice.hpp"
#include "persist/calibration.hpp"
#include "persist/check.hpp"
#include "persist/codes.hpp"
#include "persist/complete.hpp"
#include "persist/effort.hpp"
#include "persist/format.hpp"
#include "persist/lengths.hpp"
#include "persist/refuse.hpp"

namespace vicinal {
namespace {

using namespace format;

void read_table(Container& container, SectionKind kind, const Table& table, std::size_t rows) {
    container.read(kind, std::span(table.data(), rows * table.stride()));
}

// Requires: rows, count and norms are right.
void derive_factors(Graph& graph) {
    const Metric metric = graph.space.metric();
    if (metric != Metric::cosine && metric != Metric::ip) return;
    float* factors = graph.view.factors.as<float>();
    for (std::uint32_t slot = 0; slot < graph.view.count; ++slot) {
        const std::byte* row = graph.view.vector(Slot{slot});
        if (!graph.view.holds(Slot{slot})) continue;
        factors[slot] =
            metric == Metric::cosine ? graph.space.inverse_norm(row) : graph.space.height(row, graph.norms.ceiling);
    }
}

// What is stored for those who map the file must be what the rows say.
void compare_factors(Container& container, const View& view, const std::string& name) {
    const float* factors = view.factors.as<float>();
    container.read_blocks(kFactors, [&](std::uint64_t offset, std::span<const std::byte> block) {
        const std::size_t first = static_cast<std::size_t>(offset) / sizeof(float);
        for (std::size_t i = 0; i < block.size() / sizeof(float); ++i)
            if (std::memcmp(block.data() + i * sizeof(float), factors + first + i, sizeof(float)) != 0)
                refuse(name, "the inverse norm of row " + std::to_string(first + i) + " is not that of its vector");
    });
}

// Requires: rows and factors are right.
void derive_codes(Graph& graph, const Settings& settings, const std::string& name, Watch& watch) {
    Team alone(1);
    const Crew crew{alone, watch};
    const bool have_code = rows_have_code(graph, settings.codes.fine, crew);
    if (watch.stopped()) throw Stopped();
    if (!have_code)
        refuse(name, "codes of " + std::string(name_of(settings.codes.fine)) +
                         " are in use with rows that are not whole numbers from 0 to 255");
    if (!encode_all(graph, settings.codes, crew)) throw Stopped();
}

}  // namespace

StoredIndex read_index(const ByteSource& given, Watch& watch) {
    Effort effort(watch, given.size());
    const WatchedSource source(given, effort);
    const std::string& name = source.name();
    Container container = Container::parse(source, kKnowledge);
    const Settings settings = read_settings(container, name);
    StoredIndex stored{Graph(Space(settings.metric, settings.dtype, settings.dim), settings.graph), settings.next_id};
    Graph& graph = stored.graph;
    View& view = graph.view;
    check_lengths(container, graph.layout, settings, name);
    set_codes(graph, settings);
    check_code_lengths(container, graph, settings, name);

    // The length of the upper links follows from the levels, so the levels come first, and what they are of.
    std::vector<std::uint8_t> states(settings.count);
    container.read(kStates, std::as_writable_bytes(std::span(states)));
    view.count = settings.count;
    check_states(graph, states, settings, name);
    view.levels.reserve(settings.count, 0);
    read_table(container, kLevels, view.levels, settings.count);
    const std::uint64_t upper_rows = check_levels(view, settings, name);
    check_length(container, kUpperLinks, "upper links", upper_rows, graph.layout.upper_link_stride, name);

    if (container.has(kGroups)) view.groups = Table(sizeof(std::int64_t));
    view.reserve(settings.count, upper_rows, watch);
    read_table(container, kIds, view.ids, settings.count);
    if (view.has_groups()) read_table(container, kGroups, view.groups, settings.count);
    read_table(container, kRows, view.rows, settings.count);
    read_table(container, kLinks, view.links, settings.count);
    read_table(container, kUpperLinks, view.upper_links, upper_rows);
    if (const CodeTable* const codes = stored_codes(view)) {
        read_table(container, kCodes, codes->codes, settings.count);
        read_table(container, kCodeFactors, codes->factors, settings.count);
        check_codes(view, name);
    }
    view.calibration = read_calibration(container, name);
    container.check_unread();

    view.upper_count = static_cast<std::uint32_t>(upper_rows);
    view.entry = Slot{settings.entry};
    view.top = view.vacant.size() == settings.count ? -1 : view.level(view.entry);
    graph.insertions = settings.insertions;
    graph.norms = settings.norms;
    complete(graph, settings, name, effort);
    derive_factors(graph);
    if (container.has(kFactors)) compare_factors(container, view, name);
    if (stored_codes(view) == nullptr) derive_codes(graph, settings, name, watch);
    effort.finish();
    return stored;
}

StoredFacts read_facts(const ByteSource& source) {
    Container container = Container::parse(source, kKnowledge);
    const Settings settings = read_settings(container, source.name());
    return {settings, container.file_bytes(), container.version()};
}

}  // namespace vicinal

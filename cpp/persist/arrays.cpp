#include "persist/arrays.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "codecs/walk_code.hpp"
#include "graph/code_choice.hpp"
#include "persist/check.hpp"
#include "persist/complete.hpp"
#include "persist/effort.hpp"
#include "persist/lengths.hpp"
#include "persist/refuse.hpp"

namespace vicinal {
namespace {

void check_size(const std::string& name, const char* what, std::size_t found, std::size_t expected) {
    if (found != expected) refuse(name, std::string("the number of ") + what, found, std::to_string(expected));
}

// What the settings of a file would say.
Settings settings_of(const Space& space, const GraphOptions& options, const GraphArrays& arrays) {
    Settings settings;
    settings.metric = space.metric();
    settings.dtype = space.dtype();
    settings.dim = space.dim();
    settings.graph = options;
    settings.count = static_cast<std::uint32_t>(arrays.ids.size());
    settings.gone = static_cast<std::uint32_t>(
        std::count_if(arrays.gone.begin(), arrays.gone.end(), [](std::uint8_t gone) { return gone != 0; }));
    settings.insertions = settings.count;
    settings.entry = arrays.entry;
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    for (const std::int64_t id : arrays.ids)
        settings.next_id = std::max(settings.next_id, id == kLargest ? kLargest : id + 1);
    return settings;
}

std::vector<std::uint8_t> states_of(std::span<const std::uint8_t> gone) {
    std::vector<std::uint8_t> states;
    for (const std::uint8_t one : gone) states.push_back(static_cast<std::uint8_t>(one ? State::removed : State::live));
    return states;
}

void fill_rows(const Table& table, std::span<const std::uint32_t> lanes, std::size_t width) {
    for (std::size_t row = 0; row * width < lanes.size(); ++row)
        std::memcpy(table.row(row), lanes.data() + row * width, width * sizeof(std::uint32_t));
}

void append_row(std::vector<std::uint32_t>& lanes, const Links& links, std::uint32_t slot) {
    const std::size_t end = lanes.size() + links.width();
    links.for_each([&](std::uint32_t to) { lanes.push_back(to); });
    lanes.resize(end, slot);
}

// Vectors that are sound may still be none that the caller has asked to be walked on in bytes.
void check_bytes(const Graph& graph, const std::byte* given, std::uint32_t slot, const std::string& name) {
    if (graph.options.traversal == Traversal::u8 &&
        !WalkCode::integral(reinterpret_cast<const float*>(given), graph.space.dim()))
        throw InvalidVectorError("row " + std::to_string(slot) + " of " + name +
                                 " holds other than whole numbers from 0 to 255, which traversal u8 walks on");
}

// In the order in which they would have been added. A vector that could not have been is found by check_rows().
bool store_vectors(Graph& graph, const GraphArrays& arrays, const std::string& name, const Crew& crew) {
    constexpr std::uint32_t kRowsAtOnce = 256;
    const std::size_t bytes = graph.space.given_row_bytes();
    std::vector<std::uint32_t> slots(arrays.ids.size());
    std::iota(slots.begin(), slots.end(), 0U);
    for (const std::uint32_t slot : slots) {
        if (slot % kRowsAtOnce == 0 && !crew.watch.again()) return false;
        const std::byte* given = arrays.vectors.data() + slot * bytes;
        const std::string fault = graph.space.fault(given, Space::Source::file);
        if (!fault.empty()) refuse(name, "row " + std::to_string(slot) + " " + fault);
        check_bytes(graph, given, slot, name);
        graph.space.encode(given, graph.view.rows.row(slot));
    }
    return slots.empty() || settle_factors(graph, slots, crew);
}

}  // namespace

StoredIndex adopt(const Space& space, const GraphOptions& options, const GraphArrays& arrays, const std::string& name,
                  Watch& watch) {
    const std::size_t n = arrays.ids.size();
    if (n >= kMaxSlots) refuse(name, "the number of rows", n, "less than 2^31");
    const Settings settings = settings_of(space, options, arrays);
    StoredIndex stored{Graph(space, options), settings.next_id};
    Graph& graph = stored.graph;
    View& view = graph.view;
    check_size(name, "bytes of vectors", arrays.vectors.size(), n * space.given_row_bytes());
    check_size(name, "marks of removal", arrays.gone.size(), n);
    check_size(name, "levels", arrays.levels.size(), n);
    check_size(name, "lanes of links on level 0", arrays.links.size(), n * view.width);
    if (n == 0) return stored;

    Effort effort(watch, n * (space.stride() + graph.layout.link_stride));
    Team alone(1);
    const Crew crew{alone, watch};
    view.levels.reserve(n, 0);
    std::memcpy(view.levels.data(), arrays.levels.data(), n);
    view.count = settings.count;
    check_states(graph, states_of(arrays.gone), settings, name);
    const std::uint64_t upper_rows = check_levels(view, settings, name);
    check_size(name, "lanes of upper links", arrays.upper_links.size(), upper_rows * view.upper_width);

    view.count = 0;  // nothing to keep
    const Table levels = view.levels;
    view.reserve(n, upper_rows, watch);
    std::memcpy(view.levels.data(), levels.data(), n);
    std::memcpy(view.ids.data(), arrays.ids.data(), n * sizeof(std::int64_t));
    fill_rows(view.links, arrays.links, view.width);
    fill_rows(view.upper_links, arrays.upper_links, view.upper_width);
    if (!store_vectors(graph, arrays, name, crew)) throw Stopped();
    view.count = settings.count;
    view.upper_count = static_cast<std::uint32_t>(upper_rows);
    view.entry = Slot{settings.entry};
    view.top = view.level(view.entry);
    graph.insertions = settings.insertions;
    complete(graph, settings, name, effort);
    if (!settle_code(graph, crew)) throw Stopped();
    effort.finish();
    return stored;
}

OwnedArrays arrays_of(const Graph& graph) {
    const View& view = graph.view;
    OwnedArrays arrays;
    const std::size_t bytes = graph.space.given_row_bytes();
    arrays.vectors.resize(view.count * bytes);
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        graph.space.decode(view.vector(Slot{slot}), arrays.vectors.data() + slot * bytes);
        arrays.ids.push_back(number_of(view.id(Slot{slot})));
        arrays.gone.push_back(view.gone.contains(slot) ? 1 : 0);
        arrays.levels.push_back(static_cast<std::int8_t>(view.level(Slot{slot})));
        append_row(arrays.links, view.links_of(Slot{slot}, 0), slot);
        for (Level level = 1; level <= view.level(Slot{slot}); ++level)
            append_row(arrays.upper_links, view.links_of(Slot{slot}, level), slot);
    }
    arrays.entry = index_of(view.entry);
    return arrays;
}

}  // namespace vicinal

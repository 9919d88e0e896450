#include "graph/insert.hpp"

#include <algorithm>

#include "graph/code_choice.hpp"
#include "graph/copies.hpp"
#include "graph/levels.hpp"
#include "graph/linking.hpp"

namespace vicinal {
namespace {

Level level_of_insertion(const Graph& graph, std::size_t ahead) {
    return draw_level(graph.options.seed, graph.insertions + ahead, graph.options.M);
}

// The first of the highest new nodes becomes the entry when it stands above the old one.
void raise_entry(View& view, std::span<const std::uint32_t> slots) {
    for (const std::uint32_t slot : slots) {
        if (view.level(Slot{slot}) <= view.top) continue;
        view.top = view.level(Slot{slot});
        view.entry = Slot{slot};
    }
}

std::uint32_t place_upper_rows(Graph& graph, Level level) {
    if (level <= 0) return graph.view.upper_count;
    if (const auto spare = graph.spare_rows.take(level)) return *spare;
    const std::uint32_t first = graph.view.upper_count;
    graph.view.upper_count += upper_rows_of(level);
    return first;
}

}  // namespace

std::size_t batch_size(std::size_t linked, std::size_t waiting) {
    constexpr std::size_t kShare = 8;
    constexpr std::size_t kMost = 128;
    return std::min(waiting, std::clamp<std::size_t>(linked / kShare, 1, kMost));
}

std::size_t upper_rows_needed(const Graph& graph, std::size_t n) {
    std::size_t rows = 0;
    SpareRows::Left spare = graph.spare_rows.left();
    for (std::size_t i = 0; i < n; ++i) {
        const Level level = level_of_insertion(graph, i);
        auto& left = spare[static_cast<std::size_t>(level)];
        if (left != 0)
            --left;
        else
            rows += upper_rows_of(level);
    }
    return rows;
}

std::vector<std::uint32_t> next_slots(const View& view, std::size_t n) {
    std::vector<std::uint32_t> slots;
    slots.reserve(n);
    view.vacant.for_each_while([&](std::uint32_t slot) {
        if (slots.size() < n) slots.push_back(slot);
        return slots.size() < n;
    });
    for (std::uint32_t slot = view.count; slots.size() < n; ++slot) slots.push_back(slot);
    return slots;
}

bool store_batch(Graph& graph, const Arrivals& given, std::span<const Id> ids, std::span<const std::uint32_t> slots,
                 const Crew& crew) {
    View& view = graph.view;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const std::uint32_t slot = slots[i];
        graph.space.encode(given.row(i), view.rows.row(slot));
        view.ids.as<Id>()[slot] = ids[i];
        const Level level = find_node_of(graph, Slot{slot}, slots) ? kCopyLevel : level_of_insertion(graph, i);
        view.levels.as<std::int8_t>()[slot] = static_cast<std::int8_t>(level);
        view.upper_first.as<std::uint32_t>()[slot] = place_upper_rows(graph, level);
    }
    return settle_factors(graph, slots, crew) && settle_code(graph, crew) && store_codes(graph, slots, crew);
}

bool link_batch(Graph& graph, std::span<const std::uint32_t> slots, Undo& undo, const Crew& crew, Progress progress) {
    View& view = graph.view;
    const Linking linking(graph, slots);
    const auto choose = [&](std::size_t, std::size_t begin, std::size_t end) {
        for (const std::uint32_t slot : slots.subspan(begin, end - begin))
            if (!view.is_copy(Slot{slot})) linking.choose(Slot{slot});
    };
    if (view.empty()) {
        const Slot first{slots.front()};
        for (Level level = 0; level <= view.level(first); ++level) view.links_of(first, level).write({});
    } else {
        if (!crew.team.run(slots.size(), 4, crew.watch, choose, progress.done, progress.total)) return false;
        linking.link_back(crew.team, undo);
    }
    view.gone = view.gone.without(slots);
    view.vacant = view.vacant.without(slots);
    hang_copies(view, slots, undo);
    raise_entry(view, slots);
    view.count = std::max(view.count, slots.back() + 1);
    graph.insertions += slots.size();
    return true;
}

}  // namespace vicinal

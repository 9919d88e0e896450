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
void raise_entry(View& view, std::uint32_t first, std::uint32_t n) {
    for (std::uint32_t slot = first; slot < first + n; ++slot) {
        if (view.level(Slot{slot}) <= view.top) continue;
        view.top = view.level(Slot{slot});
        view.entry = Slot{slot};
    }
}

}  // namespace

std::size_t batch_size(std::size_t linked, std::size_t waiting) {
    constexpr std::size_t kShare = 8;
    constexpr std::size_t kMost = 128;
    return std::min(waiting, std::clamp<std::size_t>(linked / kShare, 1, kMost));
}

std::size_t upper_rows_needed(const Graph& graph, std::size_t n) {
    std::size_t rows = 0;
    for (std::size_t i = 0; i < n; ++i) rows += static_cast<std::size_t>(level_of_insertion(graph, i));
    return rows;
}

bool store_batch(Graph& graph, const Arrivals& given, std::span<const Id> ids, const Crew& crew) {
    View& view = graph.view;
    std::uint32_t upper = view.upper_count;
    for (std::uint32_t i = 0; i < ids.size(); ++i) {
        const std::uint32_t slot = view.count + i;
        graph.space.encode(given.row(i), view.rows.row(slot));
        view.ids.as<Id>()[slot] = ids[i];
        const Level level = find_node_of(graph, Slot{slot}) ? kCopyLevel : level_of_insertion(graph, i);
        view.levels.as<std::int8_t>()[slot] = static_cast<std::int8_t>(level);
        view.upper_first.as<std::uint32_t>()[slot] = upper;
        upper += upper_rows_of(level);
    }
    const auto n = static_cast<std::uint32_t>(ids.size());
    return settle_factors(graph, view.count, n, crew) && settle_code(graph, crew) &&
           store_codes(graph, view.count, n, crew);
}

bool link_batch(Graph& graph, std::uint32_t n, Undo& undo, const Crew& crew, Progress progress) {
    View& view = graph.view;
    const std::uint32_t first = view.count;
    const Linking linking(graph, n);
    const auto choose = [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            const Slot node{first + static_cast<std::uint32_t>(i)};
            if (view.is_node(node)) linking.choose(node);
        }
    };
    if (view.empty()) {
        for (Level level = 0; level <= view.level(Slot{first}); ++level) view.links_of(Slot{first}, level).write({});
    } else {
        if (!crew.team.run(n, 4, crew.watch, choose, progress.done, progress.total)) return false;
        linking.link_back(crew.team, undo);
    }
    hang_copies(view, first, n, undo);
    for (std::uint32_t slot = first; slot < first + n; ++slot) {
        view.set_state(Slot{slot}, State::live);
        view.upper_count += upper_rows_of(view.level(Slot{slot}));
    }
    raise_entry(view, first, n);
    view.count += n;
    graph.insertions += n;
    return true;
}

}  // namespace vicinal

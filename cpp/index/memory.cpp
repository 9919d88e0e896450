#include "graph/code_choice.hpp"
#include "graph/view.hpp"
#include "index/parts.hpp"

namespace vicinal {
namespace {

// One sum for what is and for what will be: the forecast cannot drift from the layout.
Memory count(const Layout& layout, std::size_t code_bytes, std::size_t slots, std::size_t upper_rows,
             std::size_t names_bytes, std::size_t lookup_bytes) {
    Memory memory;
    memory.vectors = slots * layout.row_stride;
    memory.codes = slots * code_bytes;
    memory.factors = layout.has_factors ? slots * sizeof(float) : 0;
    memory.links = slots * layout.link_stride;
    memory.upper_links = upper_rows * layout.upper_link_stride + slots * (sizeof(std::uint32_t) + 1);
    memory.ids = slots * sizeof(Id) + names_bytes;
    memory.copies = slots * sizeof(std::uint32_t) + lookup_bytes;
    return memory;
}

}  // namespace

Memory Index::memory() const {
    const Reading reading(*parts_);
    const View& view = reading.view();
    const std::size_t code_bytes = view.fine.row_bytes() + view.coarse.row_bytes();
    Memory memory =
        count(parts_->graph.layout, code_bytes, view.count, view.upper_count, view.names.bytes(), view.lookup_bytes);
    memory.ids += view.count * view.groups.stride();
    if (view.rows.in_file()) memory.mapped = memory.vectors;
    if (view.factors.in_file() && is_tier(parts_->options.traversal)) memory.mapped += memory.factors;
    return memory;
}

Memory plan_memory(const Options& options, std::size_t n) {
    check(options);
    const Space space(options.metric, options.dtype, options.dim);
    const Layout layout(space, options.M, Graph::place_of(options.vectors));
    // Levels above 0 of all nodes: n / M of level 1, n / M^2 of level 2, ...
    const std::size_t upper_rows = n / (options.M - 1);
    const CodeChoice likely = likely_choice(space, options.traversal);
    const std::size_t code_bytes =
        CodeTable(WalkCode(space, likely.fine)).row_bytes() + CodeTable(WalkCode(space, likely.coarse)).row_bytes();
    Memory memory = count(layout, code_bytes, n, upper_rows, IdMap::bytes_for(n), RowMap::bytes_for(n));
    if (options.vectors == Tier::disk) memory.mapped = memory.vectors + memory.factors;
    return memory;
}

GraphShape Index::graph_shape() const {
    const Reading reading(*parts_);
    const View& view = reading.view();
    GraphShape shape;
    shape.size = view.size();
    shape.removed = view.removed();
    shape.vacant = view.vacant.size();
    shape.copies = view.copies;
    shape.top_level = view.top;
    shape.level_counts.resize(static_cast<std::size_t>(view.top) + 1);
    shape.walked = choice_of(view).walked();
    std::size_t links = 0;
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.is_node(Slot{slot})) continue;
        links += view.links_of(Slot{slot}, 0).degree();
        for (Level level = 0; level <= view.level(Slot{slot}); ++level)
            ++shape.level_counts[static_cast<std::size_t>(level)];
    }
    if (view.nodes() != 0) shape.mean_degree = static_cast<double>(links) / static_cast<double>(view.nodes());
    return shape;
}

std::string kernels_in_use() { return kernels::active().name; }

}  // namespace vicinal

#include "graph/code_choice.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

namespace vicinal {
namespace {

constexpr std::uint32_t kFirstJudgement = 1024;  // below, a walk is short whatever it compares
constexpr std::size_t kFewDimensions = 32;       // there the links, not the vectors, are what a walk fetches
constexpr std::size_t kManyDimensions = 192;     // from here on half a code is a line less, at least
constexpr float kMostNoise = 0.02F;
constexpr float kMostCoarseNoise = 0.03F;
constexpr std::uint32_t kSample = 64;
constexpr std::size_t kRowsAPiece = 1024;  // for a thread to look at or encode

const float* values_of(const Graph& graph, Slot slot, std::vector<float>& scratch) {
    return static_cast<const float*>(
        graph.space.probe_row(graph.view.vector(slot), graph.view.factor(slot), scratch).data);
}

bool integral(const Graph& graph, Slot slot, std::vector<float>& scratch) {
    return WalkCode::integral(values_of(graph, slot, scratch), graph.space.dim());
}

bool all_integral(const Graph& graph, std::size_t first, std::size_t last) {
    std::vector<float> scratch;
    for (std::size_t slot = first; slot < last; ++slot)
        if (graph.view.holds(Slot{static_cast<std::uint32_t>(slot)}) &&
            !integral(graph, Slot{static_cast<std::uint32_t>(slot)}, scratch))
            return false;
    return true;
}

bool all_integral(const Graph& graph, std::span<const std::uint32_t> slots) {
    std::vector<float> scratch;
    return std::all_of(slots.begin(), slots.end(),
                       [&](std::uint32_t slot) { return integral(graph, Slot{slot}, scratch); });
}

// The median over a sample of nodes of how much codes of a kind blur the distance to the first neighbor.
float noise_of(const Graph& graph, Traversal traversal) {
    const View& view = graph.view;
    const WalkCode code(graph.space, traversal);
    const Ruler ruler = graph.space.build_ruler(graph.lifted(), graph.norms.ceiling);
    std::vector<float> scratch;
    std::vector<float> noises;
    for (std::uint32_t i = 0; i < kSample; ++i) {
        const Slot slot{static_cast<std::uint32_t>(std::uint64_t{view.count} * i / kSample)};
        if (!view.holds(slot)) continue;
        const Probe probe = graph.space.probe_row(view.vector(slot), view.factor(slot), scratch);
        Distance nearest = kFarthest;
        view.links_of(slot, 0).for_each([&](std::uint32_t neighbor) {
            Distance distance = 0;
            ruler.measure(probe, view.vectors(), &neighbor, 1, &distance);
            if (distance > 0) nearest = std::min(nearest, distance);
        });
        if (nearest < kFarthest) noises.push_back(code.noise(static_cast<const float*>(probe.data), nearest));
    }
    if (noises.empty()) return 0;
    const auto middle = noises.begin() + static_cast<std::ptrdiff_t>(noises.size() / 2);
    std::nth_element(noises.begin(), middle, noises.end());
    return *middle;
}

}  // namespace

CodeChoice likely_choice(const Space& space, Traversal asked) {
    if (!is_floating(space.dtype()) || asked == Traversal::exact) return {};
    if (asked == Traversal::sq4) return {Traversal::sq8, Traversal::sq4};
    if (asked == Traversal::code2 || asked == Traversal::code4) return {Traversal::exact, asked};
    if (asked != Traversal::automatic) return {asked, Traversal::exact};
    if (space.dim() <= kFewDimensions) return {};
    return {Traversal::sq8, space.dim() >= kManyDimensions ? Traversal::sq4 : Traversal::exact};
}

bool rows_have_code(const Graph& graph, Traversal traversal, const Crew& crew) {
    if (traversal != Traversal::u8) return true;
    std::atomic<bool> all{true};
    crew.aside(graph.view.count, kRowsAPiece, [&](std::size_t, std::size_t begin, std::size_t end) {
        if (all.load(std::memory_order_relaxed) && !all_integral(graph, begin, end)) all = false;
    });
    return all;
}

namespace {

bool left_to_us(const Graph& graph) { return graph.options.traversal == Traversal::automatic; }

// Fine codes of this kind, with coarse ones where they were asked for, or are likely to pay and blur little.
CodeChoice with_coarse(const Graph& graph, Traversal fine) {
    const Traversal likely = likely_choice(graph.space, graph.options.traversal).coarse;
    const bool pays =
        likely != Traversal::exact && (!left_to_us(graph) || noise_of(graph, Traversal::sq4) <= kMostCoarseNoise);
    return {fine, pays ? likely : Traversal::exact};
}

// Vectors that are not whole numbers.
CodeChoice judge_rounded(const Graph& graph) {
    if (left_to_us(graph) && noise_of(graph, Traversal::sq8) > kMostNoise) return {};
    return with_coarse(graph, Traversal::sq8);
}

CodeChoice judge(const Graph& graph, const Crew& crew) {
    const Traversal asked = graph.options.traversal;
    const CodeChoice likely = likely_choice(graph.space, asked);
    if (likely == CodeChoice{} || asked == Traversal::u8 || asked == Traversal::sq8 || is_tier(asked)) return likely;
    if (left_to_us(graph) && graph.view.count < kFirstJudgement) return {};
    const bool whole = WalkCode::serves(graph.space, Traversal::u8) && rows_have_code(graph, Traversal::u8, crew);
    return whole ? with_coarse(graph, Traversal::u8) : judge_rounded(graph);
}

void encode(const Graph& graph, CodeTable& fine, CodeTable& coarse, Slot slot, std::vector<float>& scratch) {
    const float* values = values_of(graph, slot, scratch);
    if (fine.on()) fine.encode(slot, values);
    if (coarse.on()) coarse.encode(slot, values);
}

CodeTable table_of(const Graph& graph, Traversal traversal) {
    CodeTable table{WalkCode(graph.space, traversal)};
    for (Table* part : {&table.codes, &table.factors})
        if (part->stride() != 0) part->reserve(graph.view.rows.capacity(), 0);
    return table;
}

}  // namespace

bool encode_all(Graph& graph, CodeChoice choice, const Crew& crew) {
    View& view = graph.view;
    CodeTable fine = table_of(graph, choice.fine);
    CodeTable coarse = table_of(graph, choice.coarse);
    const auto encode_some = [&](std::size_t, std::size_t begin, std::size_t end) {
        std::vector<float> scratch;
        for (std::size_t row = begin; row < end; ++row)
            encode(graph, fine, coarse, Slot{static_cast<std::uint32_t>(row)}, scratch);
    };
    if (!crew.aside(fine.on() || coarse.on() ? view.count : 0, kRowsAPiece, encode_some)) return false;
    view.fine = fine;
    view.coarse = coarse;
    return true;
}

bool settle_code(Graph& graph, const Crew& crew) {
    const bool settled = graph.view.count < graph.judge_at || graph.options.traversal != Traversal::automatic;
    if (settled && graph.judge_at != 0) return true;
    const CodeChoice choice = judge(graph, crew);
    if (crew.watch.stopped()) return false;
    if (choice != choice_of(graph.view) && !encode_all(graph, choice, crew)) return false;
    graph.judge_at = std::max(kFirstJudgement, 2 * graph.view.count);
    return true;
}

bool store_codes(Graph& graph, std::span<const std::uint32_t> slots, const Crew& crew) {
    View& view = graph.view;
    if (!view.fine.on() && !view.coarse.on()) return true;
    const bool choose_anew = view.fine.code.lossless() && !all_integral(graph, slots);
    if (choose_anew && !encode_all(graph, judge_rounded(graph), crew)) return false;
    std::vector<float> scratch;
    if (view.fine.on() || view.coarse.on())
        for (const std::uint32_t slot : slots) encode(graph, view.fine, view.coarse, Slot{slot}, scratch);
    return true;
}

}  // namespace vicinal

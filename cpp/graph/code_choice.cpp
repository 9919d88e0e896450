#include "graph/code_choice.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

namespace vicinal {
namespace {

constexpr std::uint32_t kFirstJudgement = 1024;  // below, a walk is short whatever it compares
constexpr std::size_t kFewDimensions = 32;       // there the links, not the vectors, are what a walk fetches
constexpr float kMostNoise = 0.02F;
constexpr std::uint32_t kSample = 64;
constexpr std::size_t kRowsAPiece = 1024;  // for a thread to look at or encode

const float* values_of(const Graph& graph, Slot slot, std::vector<float>& scratch) {
    return static_cast<const float*>(
        graph.space.probe_row(graph.view.vector(slot), graph.view.factor(slot), scratch).data);
}

bool all_integral(const Graph& graph, std::size_t first, std::size_t last) {
    std::vector<float> scratch;
    for (std::size_t slot = first; slot < last; ++slot)
        if (!WalkCode::integral(values_of(graph, Slot{static_cast<std::uint32_t>(slot)}, scratch), graph.space.dim()))
            return false;
    return true;
}

// The median over a sample of nodes of how much rounding blurs the distance to the first neighbor.
float noise_of_rounding(const Graph& graph) {
    const View& view = graph.view;
    const WalkCode code(graph.space, Traversal::sq8);
    const Ruler ruler = graph.space.build_ruler(graph.lifted(), graph.norms.ceiling);
    std::vector<float> scratch;
    std::vector<float> noises;
    for (std::uint32_t i = 0; i < kSample; ++i) {
        const Slot slot{static_cast<std::uint32_t>(std::uint64_t{view.count} * i / kSample)};
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

Traversal likely_traversal(const Space& space, Traversal asked) {
    if (!is_floating(space.dtype())) return Traversal::exact;
    if (asked != Traversal::automatic) return asked;
    return space.dim() <= kFewDimensions ? Traversal::exact : Traversal::sq8;
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

Traversal judge(const Graph& graph, const Crew& crew) {
    const Space& space = graph.space;
    const Traversal likely = likely_traversal(space, graph.options.traversal);
    if (graph.options.traversal != Traversal::automatic || likely == Traversal::exact) return likely;
    if (graph.view.count < kFirstJudgement) return Traversal::exact;
    if (WalkCode::serves(space, Traversal::u8) && rows_have_code(graph, Traversal::u8, crew)) return Traversal::u8;
    return noise_of_rounding(graph) <= kMostNoise ? Traversal::sq8 : Traversal::exact;
}

struct Codes {
    WalkCode code;
    Table codes, factors;
};

void encode(const Graph& graph, const Codes& into, std::size_t first, std::size_t last) {
    std::vector<float> scratch;
    for (std::size_t slot = first; slot < last; ++slot)
        into.code.encode(values_of(graph, Slot{static_cast<std::uint32_t>(slot)}, scratch), into.codes.row(slot),
                         into.factors.stride() == 0 ? nullptr : into.factors.as<CodeFactors>() + slot);
}

}  // namespace

bool encode_all(Graph& graph, Traversal traversal, const Crew& crew) {
    View& view = graph.view;
    const WalkCode code(graph.space, traversal);
    Codes made{code, Table(code.stride()), Table(code.factor_bytes())};
    if (code.on()) made.codes.reserve(view.rows.capacity(), 0);
    if (code.factor_bytes() != 0) made.factors.reserve(view.rows.capacity(), 0);
    const std::size_t rows = code.on() ? view.count : 0;
    const auto encode_some = [&](std::size_t, std::size_t begin, std::size_t end) { encode(graph, made, begin, end); };
    if (!crew.aside(rows, kRowsAPiece, encode_some)) return false;
    view.code = code;
    view.codes = made.codes;
    view.code_factors = made.factors;
    return true;
}

bool settle_code(Graph& graph, const Crew& crew) {
    const bool settled = graph.view.count < graph.judge_at || graph.options.traversal != Traversal::automatic;
    if (settled && graph.judge_at != 0) return true;
    const Traversal choice = judge(graph, crew);
    if (crew.watch.stopped()) return false;
    if (choice != graph.view.code.traversal() && !encode_all(graph, choice, crew)) return false;
    graph.judge_at = std::max(kFirstJudgement, 2 * graph.view.count);
    return true;
}

bool store_codes(Graph& graph, std::uint32_t first, std::uint32_t n, const Crew& crew) {
    View& view = graph.view;
    if (!view.code.on()) return true;
    const bool choose_anew = view.code.lossless() && !all_integral(graph, first, first + n);
    if (choose_anew &&
        !encode_all(graph, noise_of_rounding(graph) <= kMostNoise ? Traversal::sq8 : Traversal::exact, crew))
        return false;
    if (view.code.on()) encode(graph, {view.code, view.codes, view.code_factors}, first, std::size_t{first} + n);
    return true;
}

}  // namespace vicinal

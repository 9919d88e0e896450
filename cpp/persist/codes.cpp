#include "persist/codes.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "persist/lengths.hpp"
#include "persist/refuse.hpp"

namespace vicinal {

using namespace format;

namespace {

bool all_zero(const Table& table, std::uint32_t slot) {
    return std::all_of(table.row(slot), table.row(slot) + table.stride(),
                       [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

const CodeTable* stored_codes(const View& view) {
    if (view.count == 0) return nullptr;
    if (view.coarse.code.tiered()) return &view.coarse;
    return view.fine.code.tiered() ? &view.fine : nullptr;
}

void set_codes(Graph& graph, const Settings& settings) {
    graph.judge_at = settings.judge_at;
    if (!is_tier(settings.codes.walked())) return;
    graph.view.fine = CodeTable(WalkCode(graph.space, settings.codes.fine));
    graph.view.coarse = CodeTable(WalkCode(graph.space, settings.codes.coarse));
}

void check_code_lengths(const Container& container, const Graph& graph, const Settings& settings,
                        const std::string& name) {
    const bool expected = is_tier(settings.codes.walked()) && settings.count != 0;
    for (const SectionKind kind : {kCodes, kCodeFactors})
        if (container.has(kind) != expected)
            refuse(name, expected ? "it has no codes, expected those that walks stand on"
                                  : "it has codes, expected none: they follow from the rows");
    if (!expected) return;
    const CodeTable& table = graph.view.coarse.on() ? graph.view.coarse : graph.view.fine;
    check_length(container, kCodes, "codes", settings.count, table.codes.stride(), name);
    check_length(container, kCodeFactors, "factors of codes", settings.count, table.factors.stride(), name);
}

void check_codes(const View& view, const std::string& name) {
    const CodeTable* const table = stored_codes(view);
    if (table == nullptr) return;
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        const CodeFactors factors = table->factors_of(Slot{slot});
        if (!std::isfinite(factors.add) || !std::isfinite(factors.mul))
            refuse(name, "the factors of the code of row " + std::to_string(slot) + " are not finite");
        if (!view.holds(Slot{slot}) && !(all_zero(table->codes, slot) && all_zero(table->factors, slot)))
            refuse(name, "row " + std::to_string(slot) + " is vacant and has a code that is not zero");
    }
}

}  // namespace vicinal

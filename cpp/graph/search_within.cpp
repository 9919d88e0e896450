// Everything within a radius.
#include <algorithm>
#include <array>
#include <optional>

#include "graph/scan.hpp"
#include "graph/search.hpp"

namespace vicinal {

// How many there will be nobody knows, so the beam is widened until they fill no more than half of it: the far half of
// a beam is where a walk misses some. Each walk starts anew, and all of them together cost a third more than the last.
// Once a beam would meet a good part of the graph all rows are compared.
void Search::find_within(const std::byte* query, Distance radius, bool exact, const Checkpoint& checkpoint,
                         std::vector<Hit>& hits) {
    constexpr std::size_t kFirst = 64, kWiden = 4, kPart = 16;
    for (std::size_t width = kFirst; !exact && kPart * width < view_.count; width *= kWiden) {
        // Prepared each time: between two walks the checkpoint may run a search of its own.
        if (!checkpoint.go_on()) return;
        walk_wide(space_.probe_given(query, scratch_.probe), width);
        take_within(radius, hits);
        const auto near = [radius](Key key) { return key.distance() <= radius; };
        if (2 * std::count_if(found_.begin(), found_.end(), near) <= static_cast<std::ptrdiff_t>(width)) {
            std::sort(hits.begin(), hits.end());
            return;
        }
    }
    scan_within(query, radius, checkpoint, hits);
    std::sort(hits.begin(), hits.end());
}

// Afterwards all of the beam have their exact distances.
void Search::walk_wide(const Probe& probe, std::size_t width) {
    walk(probe, {.k = width, .width = width}, Way::straight);
}

void Search::take_within(Distance radius, std::vector<Hit>& hits) const {
    hits.clear();
    const Gate gate(view_);
    for (const Key key : found_)
        if (key.distance() <= radius)
            for_each_hit(key.slot(), gate,
                         [&](std::uint32_t slot) { hits.push_back({key.distance(), view_.id(Slot{slot})}); });
}

// Stands on nothing of the thread's scratch, as scan_for.
void Search::scan_within(const std::byte* query, Distance radius, const Checkpoint& checkpoint,
                         std::vector<Hit>& hits) {
    constexpr std::size_t kHandful = 64, kPause = 1024;
    std::vector<float> prepared;
    std::vector<std::byte> rounded;
    const Probe probe = space_.probe_given(query, prepared);
    const auto code = view_.fine.code.lossless() ? view_.fine.code.probe(probe, rounded) : std::nullopt;
    const Ground ground = code ? Ground::coded(view_, view_.fine) : stored_;
    std::array<std::uint32_t, kHandful> slots{};
    std::array<Distance, kHandful> distances{};
    hits.clear();
    const ScanRows rows = rows_of(view_);
    std::uint32_t at = 0;
    for (std::size_t round = 0; at < view_.count; ++round) {
        if (round % kPause == 0 && !checkpoint.go_on()) return;
        const std::size_t n = next_rows(rows, at, view_.count, slots);
        ground.measure(code ? *code : probe, slots.data(), n, distances.data());
        for (std::size_t i = 0; i < n; ++i)
            if (comparable(distances[i]) <= radius)
                hits.push_back({comparable(distances[i]), view_.id(Slot{slots[i]})});
    }
    scanned += view_.count;
    strategy = Strategy::exact;
}

}  // namespace vicinal

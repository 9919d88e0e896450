#include "persist/write.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/errors.hpp"
#include "file/atomic_replace.hpp"
#include "file/container_write.hpp"
#include "persist/calibration.hpp"
#include "persist/codes.hpp"
#include "persist/format.hpp"
#include "persist/settings.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kZeroBytes = std::size_t{1} << 19;  // the longest row: 65 536 numbers of 4 bytes, and padding

// The rows of a table without its spare room, and zeros for what is vacant: what was removed is not in the file.
std::vector<Strip> rows_of(const Table& table, const View& view) {
    static const std::vector<std::byte> kZeros(kZeroBytes);
    std::vector<Strip> strips;
    std::uint32_t begin = 0;
    const auto rows_before = [&](std::uint32_t slot) {
        if (begin != slot) strips.emplace_back(table.row(begin), table.stride(), slot - begin, table.stride());
    };
    view.vacant.for_each([&](std::uint32_t slot) {
        rows_before(slot);
        strips.emplace_back(std::span(kZeros).first(table.stride()));
        begin = slot + 1;
    });
    rows_before(view.count);
    return strips;
}

// In the order of slots, whatever the order in which they were taken into use.
std::vector<Strip> upper_rows_of(const View& view) {
    const Table& table = view.upper_links;
    std::vector<Strip> strips;
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.is_node(Slot{slot}) || view.level(Slot{slot}) == 0) continue;
        const std::byte* first = table.row(view.upper_first.as<std::uint32_t>()[slot]);
        const auto rows = static_cast<std::size_t>(view.level(Slot{slot}));
        if (!strips.empty() && strips.back().base + strips.back().count * table.stride() == first)
            strips.back().count += rows;
        else
            strips.emplace_back(first, table.stride(), rows, table.stride());
    }
    return strips;
}

std::vector<std::byte> states_of(const Graph& graph) {
    const auto value = [](State state) { return static_cast<std::byte>(state); };
    std::vector<std::byte> states(graph.view.count, value(State::live));
    graph.view.gone.for_each([&](std::uint32_t slot) { states[slot] = value(State::removed); });
    graph.sweep.leaving.for_each([&](std::uint32_t slot) { states[slot] = value(State::leaving); });
    graph.view.vacant.for_each([&](std::uint32_t slot) { states[slot] = value(State::vacant); });
    return states;
}

std::vector<std::byte> calibration_of(const View& view) {
    return view.calibration == nullptr ? std::vector<std::byte>{} : encode(*view.calibration);
}

// What is made for the file, and not borrowed from the graph.
struct Made {
    Made(const Graph& graph, std::int64_t next_id)
        : settings(encode(settings_of(graph, next_id))),
          states(states_of(graph)),
          calibration(calibration_of(graph.view)) {}
    SettingsBytes settings;
    std::vector<std::byte> states, calibration;
};

std::vector<SectionToWrite> sections_of(const View& view, const Made& made) {
    using namespace format;
    std::vector<SectionToWrite> sections{
        {kSettings, {Strip(made.settings)}}, {kRows, rows_of(view.rows, view)}, {kIds, rows_of(view.ids, view)}};
    if (view.has_groups() && view.count != 0) sections.push_back({kGroups, rows_of(view.groups, view)});
    sections.push_back({kLevels, rows_of(view.levels, view)});
    sections.push_back({kStates, {Strip(std::span(made.states))}});
    sections.push_back({kLinks, rows_of(view.links, view)});
    sections.push_back({kUpperLinks, upper_rows_of(view)});
    if (const CodeTable* const codes = stored_codes(view)) {
        sections.push_back({kCodes, rows_of(codes->codes, view)});
        sections.push_back({kCodeFactors, rows_of(codes->factors, view)});
    }
    if (view.fine.code.metric() == Metric::cosine && view.count != 0)
        sections.push_back({kFactors, rows_of(view.factors, view)});
    if (!made.calibration.empty()) sections.push_back({kCalibration, {Strip(std::span(made.calibration))}});
    return sections;
}

FormatVersion version_of(const Graph& graph) {
    return is_tier(graph.options.traversal) ? format::kVersion : format::kPlainVersion;
}

// A sink whose filling can be stopped.
class WatchedSink final : public ByteSink {
public:
    WatchedSink(ByteSink& sink, Watch& watch, std::uint64_t total)
        : sink_(sink), watch_(watch), total_(static_cast<std::size_t>(total)) {}

    void append(std::span<const std::byte> bytes) override {
        if (!watch_.look(done_, total_)) throw Stopped();
        sink_.append(bytes);
        done_ += bytes.size();
        if (bytes.size() == footer_.size()) std::ranges::copy(bytes, footer_.begin());
    }
    // A container's footer is the last that is appended, by itself.
    std::span<const std::byte> footer() const { return footer_; }

private:
    ByteSink& sink_;
    Watch& watch_;
    std::size_t done_ = 0, total_;
    std::array<std::byte, container::kFooterBytes> footer_{};
};

FileMark write(ByteSink& sink, std::span<const SectionToWrite> sections, FormatVersion version, Watch& watch) {
    WatchedSink watched(sink, watch, container_bytes(sections));
    write_container(watched, version, sections);
    return mark_of(container_bytes(sections), watched.footer());
}

}  // namespace

std::vector<std::byte> sections_as_bytes(std::span<const SectionToWrite> sections, FormatVersion version,
                                         Watch& watch) {
    std::vector<std::byte> bytes;
    bytes.reserve(container_bytes(sections));
    MemorySink sink(bytes);
    write(sink, sections, version, watch);
    return bytes;
}

std::vector<std::byte> index_as_bytes(const Graph& graph, std::int64_t next_id, Watch& watch) {
    const Made made(graph, next_id);
    return sections_as_bytes(sections_of(graph.view, made), version_of(graph), watch);
}

void write_bytes(Disk& disk, const std::string& path, std::span<const std::byte> bytes, Watch& watch) {
    AtomicReplace file(disk, path);
    WatchedSink watched(file, watch, bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes)
        watched.append(bytes.subspan(at, std::min(kBlockBytes, bytes.size() - at)));
    file.sync();
    if (!watch.report(bytes.size(), bytes.size())) throw Stopped();
    file.commit();
}

void write_sections(Disk& disk, const std::string& path, std::span<const SectionToWrite> sections,
                    FormatVersion version, Watch& watch, const BeforeCommit& before) {
    AtomicReplace file(disk, path);
    const FileMark mark = write(file, sections, version, watch);
    file.sync();
    // The last chance to turn back: whoever pressed Ctrl-C meanwhile keeps the old file.
    const auto total = static_cast<std::size_t>(container_bytes(sections));
    if (!watch.report(total, total)) throw Stopped();
    if (before) before(mark);
    file.commit();
}

void write_index(Disk& disk, const std::string& path, const Graph& graph, std::int64_t next_id, Watch& watch,
                 const BeforeCommit& before) {
    const Made made(graph, next_id);
    write_sections(disk, path, sections_of(graph.view, made), version_of(graph), watch, before);
}

}  // namespace vicinal

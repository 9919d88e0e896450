#include "persist/write.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/errors.hpp"
#include "file/atomic_replace.hpp"
#include "file/container_write.hpp"
#include "persist/calibration.hpp"
#include "persist/format.hpp"
#include "persist/settings.hpp"

namespace vicinal {
namespace {

// The rows of a table without its spare room: they lie without gaps.
Strip first_rows(const Table& table, std::size_t rows) { return {table.data(), table.stride(), rows, table.stride()}; }

std::vector<std::byte> calibration_of(const View& view) {
    return view.calibration == nullptr ? std::vector<std::byte>{} : encode(*view.calibration);
}

// Borrows all it is given.
std::vector<SectionToWrite> sections_of(const SettingsBytes& settings, const View& view,
                                        const std::vector<std::byte>& calibration) {
    using namespace format;
    const std::size_t count = view.count;
    std::vector<SectionToWrite> sections{
        {kSettings, {Strip(settings)}}, {kRows, {first_rows(view.rows, count)}}, {kIds, {first_rows(view.ids, count)}}};
    if (view.has_groups() && count != 0) sections.push_back({kGroups, {first_rows(view.groups, count)}});
    sections.push_back({kLevels, {first_rows(view.levels, count)}});
    sections.push_back({kStates, {first_rows(view.states, count)}});
    sections.push_back({kLinks, {first_rows(view.links, count)}});
    sections.push_back({kUpperLinks, {first_rows(view.upper_links, view.upper_count)}});
    if (view.dim != 0 && view.fine.code.metric() == Metric::cosine && count != 0)
        sections.push_back({kFactors, {first_rows(view.factors, count)}});
    if (!calibration.empty()) sections.push_back({kCalibration, {Strip(std::span(calibration))}});
    return sections;
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

FileMark write(ByteSink& sink, std::span<const SectionToWrite> sections, Watch& watch) {
    WatchedSink watched(sink, watch, container_bytes(sections));
    write_container(watched, format::kVersion, sections);
    return mark_of(container_bytes(sections), watched.footer());
}

}  // namespace

std::vector<std::byte> index_as_bytes(const Graph& graph, std::int64_t next_id, Watch& watch) {
    const SettingsBytes settings = encode(settings_of(graph, next_id));
    const std::vector<std::byte> calibration = calibration_of(graph.view);
    const std::vector<SectionToWrite> sections = sections_of(settings, graph.view, calibration);
    std::vector<std::byte> bytes;
    bytes.reserve(container_bytes(sections));
    MemorySink sink(bytes);
    write(sink, sections, watch);
    return bytes;
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

void write_index(Disk& disk, const std::string& path, const Graph& graph, std::int64_t next_id, Watch& watch,
                 const BeforeCommit& before) {
    const SettingsBytes settings = encode(settings_of(graph, next_id));
    const std::vector<std::byte> calibration = calibration_of(graph.view);
    AtomicReplace file(disk, path);
    const std::vector<SectionToWrite> sections = sections_of(settings, graph.view, calibration);
    const FileMark mark = write(file, sections, watch);
    file.sync();
    // The last chance to turn back: whoever pressed Ctrl-C meanwhile keeps the old file.
    const auto total = static_cast<std::size_t>(container_bytes(sections));
    if (!watch.report(total, total)) throw Stopped();
    if (before) before(mark);
    file.commit();
}

}  // namespace vicinal

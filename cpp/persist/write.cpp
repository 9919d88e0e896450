#include "persist/write.hpp"

#include <array>

#include "file/atomic_replace.hpp"
#include "file/container_write.hpp"
#include "persist/format.hpp"
#include "persist/settings.hpp"

namespace vicinal {
namespace {

// The rows of a table without its spare room: they lie without gaps.
Strip first_rows(const Table& table, std::size_t rows) { return {table.data(), table.stride(), rows, table.stride()}; }

// Borrows the settings and the tables.
std::vector<SectionToWrite> sections_of(const SettingsBytes& settings, const View& view) {
    using namespace format;
    const std::size_t count = view.count;
    return {{kSettings, {Strip(settings)}},
            {kRows, {first_rows(view.rows, count)}},
            {kIds, {first_rows(view.ids, count)}},
            {kLevels, {first_rows(view.levels, count)}},
            {kStates, {first_rows(view.states, count)}},
            {kLinks, {first_rows(view.links, count)}},
            {kUpperLinks, {first_rows(view.upper_links, view.upper_count)}}};
}

}  // namespace

std::vector<std::byte> index_as_bytes(const Graph& graph, std::int64_t next_id) {
    const SettingsBytes settings = encode(settings_of(graph, next_id));
    const std::vector<SectionToWrite> sections = sections_of(settings, graph.view);
    std::vector<std::byte> bytes;
    bytes.reserve(container_bytes(sections));
    MemorySink sink(bytes);
    write_container(sink, format::kVersion, sections);
    return bytes;
}

void write_index(Disk& disk, const std::string& path, const Graph& graph, std::int64_t next_id) {
    const SettingsBytes settings = encode(settings_of(graph, next_id));
    AtomicReplace file(disk, path);
    write_container(file, format::kVersion, sections_of(settings, graph.view));
    file.commit();
}

}  // namespace vicinal

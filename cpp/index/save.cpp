// The index as a file, and back. Declared in index.hpp.
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "file/append_log.hpp"
#include "file/bytes.hpp"
#include "file/disk.hpp"
#include "index/index.hpp"
#include "index/options.hpp"
#include "index/parts.hpp"
#include "persist/arrays.hpp"
#include "persist/format.hpp"
#include "persist/map.hpp"
#include "persist/read.hpp"
#include "persist/settings.hpp"
#include "persist/write.hpp"

namespace vicinal {
namespace {

// What can be asked for can be stored, and the other way round.
static_assert(format::kMaxDim == kMaxDim && format::kMinM == kMinM && format::kMaxM == kMaxM &&
              format::kMaxEfConstruction == kMaxEf);

Options options_of(Metric metric, Dtype dtype, std::size_t dim, const GraphOptions& graph) {
    return {dim, metric, dtype, graph.M, graph.ef_construction, graph.traversal, graph.lift, graph.seed, graph.vectors};
}

Options options_of(const Graph& graph) {
    return options_of(graph.space.metric(), graph.space.dtype(), graph.space.dim(), graph.options);
}

}  // namespace

// Both hold off other writers until the last byte is out, so that what is stored is one moment. Searches go on: they
// take no lock, and nothing they read changes meanwhile.
void Index::save(const std::string& path, Watch& watch) const {
    PosixDisk disk;
    if (FirstTouch* mapped = parts_->graph.view.first_touch.get())
        return write_bytes(disk, path, mapped->everything(), watch);
    const std::lock_guard writing(parts_->writing);
    write_index(disk, path, parts_->graph, parts_->next_id, watch);
}

std::vector<std::byte> Index::to_bytes(Watch& watch) const {
    if (FirstTouch* mapped = parts_->graph.view.first_touch.get()) {
        const std::span<const std::byte> bytes = mapped->everything();
        return {bytes.begin(), bytes.end()};
    }
    const std::lock_guard writing(parts_->writing);
    return index_as_bytes(parts_->graph, parts_->next_id, watch);
}

void Index::save_on(Disk& disk, const std::string& path, Watch& watch,
                    const std::function<void(const FileMark&)>& before_commit) const {
    const std::lock_guard writing(parts_->writing);
    write_index(disk, path, parts_->graph, parts_->next_id, watch, before_commit);
}

std::unique_ptr<Index> Index::load(const std::string& path, Watch& watch) {
    PosixDisk disk;
    FileMark mark;
    return load_from(disk, path, watch, mark);
}

std::unique_ptr<Index> Index::load_from(Disk& disk, const std::string& path, Watch& watch, FileMark& mark) {
    const FileSource source(disk, path);
    StoredIndex stored = read_index(source, watch);
    mark = mark_of(source);
    auto parts = std::make_unique<Parts>(options_of(stored.graph), std::move(stored.graph), stored.next_id);
    return std::unique_ptr<Index>(new Index(std::move(parts)));
}

std::unique_ptr<Index> Index::map(const std::string& path, Watch& watch) {
    PosixDisk disk;
    StoredIndex stored = map_index(disk, path, watch);
    auto parts = std::make_unique<Parts>(options_of(stored.graph), std::move(stored.graph), stored.next_id);
    parts->writing.close();
    return std::unique_ptr<Index>(new Index(std::move(parts)));
}

bool Index::has_groups() const {
    const Reading reading(*parts_);
    return reading.view().has_groups();
}

bool Index::is_mapped() const { return parts_->graph.view.first_touch != nullptr; }

std::unique_ptr<Index> Index::from_bytes(std::span<const std::byte> bytes, Watch& watch) {
    StoredIndex stored = read_index(MemorySource(bytes), watch);
    auto parts = std::make_unique<Parts>(options_of(stored.graph), std::move(stored.graph), stored.next_id);
    return std::unique_ptr<Index>(new Index(std::move(parts)));
}

std::unique_ptr<Index> Index::adopt(const Options& options, const GraphArrays& arrays, const std::string& name,
                                    Watch& watch) {
    check(options);
    const Space space(options.metric, options.dtype, options.dim);
    StoredIndex stored = vicinal::adopt(space, graph_options_of(options), arrays, name, watch);
    auto parts = std::make_unique<Parts>(options, std::move(stored.graph), stored.next_id);
    return std::unique_ptr<Index>(new Index(std::move(parts)));
}

OwnedArrays Index::arrays() const {
    const std::lock_guard writing(parts_->writing);
    const View& view = parts_->graph.view;
    if (!view.vacant.empty() || sweeping(parts_->graph))
        throw InvalidArgumentError("links of removed vectors are not yet repaired: compact() first");
    return arrays_of(parts_->graph);
}

Info Index::info(const std::string& path) {
    PosixDisk disk;
    const StoredFacts facts = read_facts(FileSource(disk, path));
    const Settings& settings = facts.settings;
    Info info;
    info.options = options_of(settings.metric, settings.dtype, settings.dim, settings.graph);
    info.size = settings.count - settings.gone;
    info.removed = settings.gone;
    info.file_bytes = facts.file_bytes;
    info.format_major = facts.version.major;
    info.format_minor = facts.version.minor;
    return info;
}

}  // namespace vicinal

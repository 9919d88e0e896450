#include "persist/map.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "base/spill.hpp"
#include "file/container_read.hpp"
#include "graph/copies.hpp"
#include "graph/first_touch.hpp"
#include "persist/calibration.hpp"
#include "persist/check.hpp"
#include "persist/codes.hpp"
#include "persist/format.hpp"
#include "persist/lengths.hpp"
#include "persist/refuse.hpp"

namespace vicinal {
namespace {

using namespace format;

// The whole file as memory.
class MappedSource final : public ByteSource {
public:
    MappedSource(Disk& disk, const std::string& path) : name_("'" + path + "'") {
        const std::unique_ptr<ReadableFile> file = disk.open(path);
        const auto size = static_cast<std::size_t>(file->size());
        if (size != 0) mapping_ = file->map(size);
        bytes_ = std::span(mapping_.get(), size);
    }

    std::uint64_t size() const override { return bytes_.size(); }
    void read_at(std::uint64_t offset, std::span<std::byte> to) const override {
        MemorySource(bytes_).read_at(offset, to);
    }
    const std::string& name() const override { return name_; }

    std::span<const std::byte> bytes() const { return bytes_; }
    const std::shared_ptr<const std::byte>& mapping() const { return mapping_; }

private:
    std::string name_;
    std::shared_ptr<const std::byte> mapping_;
    std::span<const std::byte> bytes_;
};

struct MappedFile {
    MappedFile(Disk& disk, const std::string& path)
        : source(disk, path), container(Container::parse(source, kKnowledge)) {}

    std::span<const std::byte> bytes_of(const Section& section) const {
        return source.bytes().subspan(static_cast<std::size_t>(section.offset),
                                      static_cast<std::size_t>(section.length));
    }

    // Not looked at.
    Table table(SectionKind kind, std::size_t stride, std::size_t rows) const {
        return Table::borrowed(source.mapping(), bytes_of(container.section(kind)).data(), stride, rows);
    }
    // All blocks looked at.
    Table checked_table(SectionKind kind, std::size_t stride, std::size_t rows) const {
        const Section& section = container.section(kind);
        container.check_blocks(section, bytes_of(section), 0, section.length);
        return table(kind, stride, rows);
    }

    MappedSource source;
    Container container;
};

// A section of which each block is looked at when somebody first asks for bytes in it.
class LazySection {
public:
    LazySection(const MappedFile& file, SectionKind kind)
        : file_(file), section_(file.container.section(kind)), checked_(section_.block_checksums.size()) {}

    void check(std::uint64_t begin, std::uint64_t end) {
        for (std::uint64_t block = begin / kBlockBytes; block * kBlockBytes < end; ++block) {
            std::atomic<std::uint8_t>& checked = checked_[static_cast<std::size_t>(block)];
            if (checked.load(std::memory_order_relaxed) != 0) continue;
            const std::uint64_t at = block * kBlockBytes;
            file_.container.check_blocks(section_, file_.bytes_of(section_), at, at + 1);
            checked.store(1, std::memory_order_relaxed);
        }
    }

private:
    const MappedFile& file_;
    const Section& section_;
    std::vector<std::atomic<std::uint8_t>> checked_;
};

class MappedTables final : public FirstTouch {
public:
    // `graph` has the tables, and looks at them without coming by here.
    MappedTables(std::shared_ptr<const MappedFile> file, const Graph& graph)
        : FirstTouch(graph.view.count, graph.layout.row_stride, graph.layout.link_stride),
          file_(std::move(file)),
          graph_(graph),
          row_blocks_(*file_, kRows),
          link_blocks_(*file_, kLinks) {
        const Id* ids = graph_.view.ids.as<Id>();
        ascending_ = std::is_sorted(ids, ids + count_);
    }
    ~MappedTables() override { delete names_.load(); }

    std::span<const std::byte> everything() override {
        for (std::uint32_t slot = 0; slot < count_; ++slot) {
            row(slot);
            links(slot);
        }
        return file_->source.bytes();
    }

    // Where ids do not ascend, the first to ask makes the table to look them up in; of two that make one at once, one
    // throws his away.
    std::optional<Slot> slot_of(Id id) override {
        const View& view = graph_.view;
        const Id* ids = view.ids.as<Id>();
        if (ascending_) return find_ascending(id);
        const IdMap* names = names_.load();
        if (names == nullptr) {
            auto fresh = std::make_unique<IdMap>();
            fresh->reserve(view.size(), ids);
            for (std::uint32_t slot = 0; slot < count_; ++slot)
                if (view.is_live(Slot{slot})) fresh->insert(Slot{slot}, ids);
            if (names_.compare_exchange_strong(names, fresh.get())) names = fresh.release();
        }
        return names->find(id, ids, [](Slot) { return true; });
    }

private:
    void look_at_rows(std::uint32_t first, std::uint32_t n) override {
        const std::uint64_t stride = graph_.layout.row_stride;
        row_blocks_.check(first * stride, (std::uint64_t{first} + n) * stride);
        check_rows(graph_, first, n, file_->source.name());
    }

    void look_at_links(std::uint32_t first, std::uint32_t n) override {
        const std::uint64_t stride = graph_.layout.link_stride;
        link_blocks_.check(first * stride, (std::uint64_t{first} + n) * stride);
        check_links(graph_, first, n, file_->source.name());
    }

    // Removed rows may have had the id before.
    std::optional<Slot> find_ascending(Id id) const {
        const View& view = graph_.view;
        const Id* ids = view.ids.as<Id>();
        const auto [begin, end] = std::equal_range(ids, ids + count_, id);
        for (const Id* at = begin; at != end; ++at)
            if (const Slot slot{static_cast<std::uint32_t>(at - ids)}; view.is_live(slot)) return slot;
        return std::nullopt;
    }

    const std::shared_ptr<const MappedFile> file_;
    const Graph graph_;
    LazySection row_blocks_, link_blocks_;
    bool ascending_ = false;
    std::atomic<const IdMap*> names_{nullptr};
};

void derive_inverse_norms(Graph& graph, const MappedFile& file, Effort& effort) {
    View& view = graph.view;
    const std::size_t count = view.count;
    if (file.container.has(kFactors)) {
        view.factors = file.checked_table(kFactors, sizeof(float), count);
        check_factors(view, file.source.name());
        return;
    }
    const Section& rows = file.container.section(kRows);
    file.container.check_blocks(rows, file.bytes_of(rows), 0, rows.length);
    check_rows(graph, file.source.name(), effort);
    view.factors.reserve(count, 0);
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        if (view.holds(Slot{slot})) view.factors.as<float>()[slot] = graph.space.inverse_norm(view.rows.row(slot));
}

// Requires: the view comes by its FirstTouch.
void hang_copies_of(View& view, const std::string& name) {
    view.next_copies.reserve(view.count, 0);
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        if (!view.holds(Slot{slot}) || !view.is_copy(Slot{slot})) continue;
        const std::size_t links = view.links_of(Slot{slot}, 0).degree();
        if (links != 1) refuse(name, "the number of links of row " + std::to_string(slot) + ", a copy,", links, "1");
    }
    derive_chains(view);
}

}  // namespace

StoredIndex map_index(Disk& disk, const std::string& path, Watch& watch) {
    const auto file = std::make_shared<MappedFile>(disk, path);
    const std::string& name = file->source.name();
    Container& container = file->container;
    Effort effort(watch, file->source.size());
    const Settings settings = read_settings(container, name);
    StoredIndex stored{Graph(Space(settings.metric, settings.dtype, settings.dim), settings.graph), settings.next_id};
    Graph& graph = stored.graph;
    View& view = graph.view;
    check_lengths(container, graph.layout, settings, name);
    set_codes(graph, settings);
    check_code_lengths(container, graph, settings, name);

    const std::size_t count = settings.count;
    view.count = settings.count;
    const Table states = file->checked_table(kStates, 1, count);
    check_states(graph, {states.as<const std::uint8_t>(), count}, settings, name);
    view.levels = file->checked_table(kLevels, 1, count);
    const std::uint64_t upper_rows = check_levels(view, settings, name);
    check_length(container, kUpperLinks, "upper links", upper_rows, graph.layout.upper_link_stride, name);
    view.ids = file->checked_table(kIds, sizeof(Id), count);
    check_ids(view, settings, name);
    if (container.has(kGroups)) view.groups = file->checked_table(kGroups, sizeof(std::int64_t), count);
    view.rows = file->table(kRows, graph.layout.row_stride, count);
    view.links = file->table(kLinks, graph.layout.link_stride, count);
    view.upper_links = file->checked_table(kUpperLinks, graph.layout.upper_link_stride, upper_rows);
    if (stored_codes(view) != nullptr) {
        CodeTable& codes = view.coarse.on() ? view.coarse : view.fine;
        codes.codes = file->checked_table(kCodes, codes.codes.stride(), count);
        codes.factors = file->checked_table(kCodeFactors, codes.factors.stride(), count);
        check_codes(view, name);
        expect_random_reads(view.rows.data(), count * view.rows.stride());
    }
    view.calibration = read_calibration(container, name);
    effort.add(0);

    view.upper_count = static_cast<std::uint32_t>(upper_rows);
    view.entry = Slot{settings.entry};
    view.top = view.vacant.size() == count ? -1 : view.level(view.entry);
    graph.insertions = settings.insertions;
    graph.norms = settings.norms;
    view.upper_first.reserve(count, 0);
    derive_places_of_upper_links(view);
    check_upper_links(graph, name);
    if (settings.metric == Metric::cosine)
        derive_inverse_norms(graph, *file, effort);
    else
        view.factors = Table(0);  // heights under ip are for building, and a query knows none
    view.first_touch = std::make_shared<MappedTables>(file, graph);
    hang_copies_of(view, name);
    effort.finish();
    return stored;
}

}  // namespace vicinal
